// The roster in memory: devices, by id and by the key they call with, and tokens.

import { toHex } from '../../../shared/bytes.ts'
import type { DeviceRecord, TokenRecord } from '../../../shared/handover/roster.ts'
import type { DeviceId } from '../../../shared/handover/sink.ts'
import type { DeviceState, KnownToken, MasterSetup, Owned, RosterState } from './state.ts'

/** The roster as its owner holds it. */
export interface RosterTables extends RosterState {
  readonly devices: Map<DeviceId, DeviceState>
  readonly byKey: Map<string, DeviceState>
  readonly tokens: Map<string, KnownToken>
}

export const emptyRoster = (): RosterTables => ({
  devices: new Map(),
  byKey: new Map(),
  tokens: new Map(),
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
  unnameKey(roster, known)
  putRecord(known, record)
  nameKey(roster, known)
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

/** These tokens and no others; one whose secret our wrap keys do not open is left out. */
export function putTokens(
  { tokens }: RosterTables,
  records: readonly TokenRecord[],
  unwrap: MasterSetup['unwrap'],
): void {
  tokens.clear()
  for (const token of records) {
    const clearSecret = unwrap(token.secret)
    if (clearSecret !== null) tokens.set(token.id, { ...token, clearSecret })
  }
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
  confirmed: 0,
  unnamed: new Set(),
  confirming: [],
  waiting: [],
  outstanding: null,
  commands: { open: null, sent: 0, storing: 0, receipted: 0 },
  givenUp: [],
})
