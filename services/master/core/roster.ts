// The roster in memory: devices, by id and by the key they call with, and tokens.

import { equalConstantTime, toHex } from '../../../shared/bytes.ts'
import type { DeviceRecord, TokenRecord } from '../../../shared/handover/roster.ts'
import type { DeviceId } from '../../../shared/handover/sink.ts'
import type { DeviceState, KnownToken, MasterSetup, Owned, RosterState } from './state.ts'
import { forgetPace } from './streams.ts'

/** The roster as its owner holds it. */
export interface RosterTables extends RosterState {
  readonly devices: Map<DeviceId, DeviceState>
  readonly byKey: Map<string, DeviceState>
  readonly tokens: Map<string, KnownToken>
  /** Tokens whose secret does not open, by id. */
  readonly closedTokens: Set<string>
}

export const emptyRoster = (): RosterTables => ({
  devices: new Map(),
  byKey: new Map(),
  tokens: new Map(),
  closedTokens: new Set(),
})

/** Adds or updates a device. */
export function putDevice(roster: RosterTables, record: DeviceRecord): void {
  const known = roster.devices.get(record.id)
  if (known === undefined) {
    const device = newDevice(record)
    roster.devices.set(record.id, device)
    nameKey(roster, device)
    return
  }
  const { staticKey } = known.record
  unnameKey(roster, known)
  putRecord(known, record)
  nameKey(roster, known)
  // Whoever asked for too many epochs under the key before does not call under this one.
  if (!same(staticKey, record.staticKey)) forgetPace(known)
}

/** Forgets the devices that are not listed any more. One that comes back is read from the store
 * again, as at the start. */
export function keepDevices(roster: RosterTables, listed: ReadonlySet<DeviceId>): void {
  for (const device of roster.devices.values()) {
    if (listed.has(device.record.id)) continue
    roster.devices.delete(device.record.id)
    unnameKey(roster, device)
  }
}

function nameKey(roster: RosterTables, device: DeviceState): void {
  const { staticKey } = device.record
  if (staticKey !== null) roster.byKey.set(toHex(staticKey), device)
}

/** Another device may have the key by now: that one keeps it. */
function unnameKey(roster: RosterTables, device: DeviceState): void {
  const { staticKey } = device.record
  if (staticKey === null) return
  const key = toHex(staticKey)
  if (roster.byKey.get(key) === device) roster.byKey.delete(key)
}

/** The device's psk in clear; null when it has none or it does not open here. */
export function pskOf(
  { id: device, psk, staticKey }: DeviceRecord,
  unwrap: MasterSetup['unwrap'],
): Uint8Array | null {
  return psk === null || staticKey === null ? null : unwrap(psk, { is: 'psk', device, staticKey })
}

/** True when the psk or the static key is another than before. */
export function isNews(known: DeviceState | undefined, { psk, staticKey }: DeviceRecord): boolean {
  if (known === undefined) return true
  return !same(known.record.psk, psk) || !same(known.record.staticKey, staticKey)
}

const same = (a: Uint8Array | null, b: Uint8Array | null): boolean =>
  a === null || b === null ? a === b : equalConstantTime(a, b)

/** These tokens and no others; one whose secret does not open is left out. Returns those that were
 * not left out before. */
export function putTokens(
  { tokens, closedTokens }: RosterTables,
  records: readonly TokenRecord[],
  unwrap: MasterSetup['unwrap'],
): readonly TokenRecord[] {
  const before = new Set(closedTokens)
  tokens.clear()
  closedTokens.clear()
  const news: TokenRecord[] = []
  for (const token of records) {
    const { id, device, secret } = token
    const clearSecret = unwrap(secret, { is: 'token', device, token: id })
    if (clearSecret !== null) {
      tokens.set(id, { ...token, clearSecret })
      continue
    }
    closedTokens.add(id)
    if (!before.has(id)) news.push(token)
  }
  return news
}

/** The device proved that it holds the master's key of this tag. */
export const putMasterKey = (device: DeviceState, tag: Uint8Array): void =>
  putRecord(device, { ...device.record, masterKey: tag })

function putRecord(device: Owned<DeviceState>, record: DeviceRecord): void {
  device.record = record
}

const newDevice = (record: DeviceRecord): DeviceState => ({
  record,
  idBytes: Uint8Array.fromHex(record.id),
  epochs: new Map(),
  newest: null,
  newestSince: null,
  past: new Map(),
  link: null,
  handshakes: [],
  seenAt: [],
  confirmed: 0,
  confirming: [],
  waiting: [],
  outstanding: null,
  newEpochsUntil: 0,
  draining: null,
  commands: { open: null, sent: 0, storing: 0, receipted: 0 },
  givenUp: [],
})
