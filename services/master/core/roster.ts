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

/** Adds or updates a device. True when it is revoked now and was not before: its link must go. */
export function putDevice(roster: RosterTables, record: DeviceRecord): boolean {
  const known = roster.devices.get(record.id)
  if (known === undefined) {
    const device = newDevice(record)
    roster.devices.set(record.id, device)
    if (record.staticKey !== null) roster.byKey.set(toHex(record.staticKey), device)
    return false
  }
  const before = known.record
  if (before.staticKey !== null) roster.byKey.delete(toHex(before.staticKey))
  if (record.staticKey !== null) roster.byKey.set(toHex(record.staticKey), known)
  putRecord(known, record)
  return record.revoked && !before.revoked
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
