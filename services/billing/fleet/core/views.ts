// What the pages and the command line show of the fleet, as plain values.

import type { UnixMs } from '../../../../shared/units.ts'
import type { MeterListRow, MeterState } from './meters.ts'
import type { CommandTask, ReceiptOutcome } from '../../../../shared/wire/commands.ts'
import type { SetAsideRow } from '../../readings/core/views.ts'

/** What the list of devices can be narrowed to. `trouble`: not connected, or something behind it
 * is wrong. */
export const DEVICE_STATES = {
  trouble: 'something is wrong',
  connected: 'connected',
  away: 'not connected',
  'not-enrolled': 'not enrolled yet',
  revoked: 'revoked',
} as const
export type DeviceState = keyof typeof DEVICE_STATES
export const isDeviceState = (text: string): text is DeviceState =>
  Object.hasOwn(DEVICE_STATES, text)

/** Over the whole fleet, those revoked aside. */
export interface FleetTotals {
  readonly devices: number
  readonly connected: number
  /** Of those connected. */
  readonly synchronised: number
  /** Frames that slaves keep. */
  readonly waiting: number
  readonly meters: number
  readonly silent: number
  readonly clocksWrong: number
  /** Devices that something is wrong with. */
  readonly troubled: number
}

export interface FleetRow {
  readonly id: string
  /** Its number in the database: where a page of the list goes on. */
  readonly no: number
  readonly name: string
  readonly enrolled: boolean
  readonly revoked: boolean
  readonly transport: string | null
  /** Since when the link has been up; null while it is down. */
  readonly connectedAt: UnixMs | null
  readonly lastReadingAt: UnixMs | null
  readonly clockState: string | null
  /** Microseconds, the device's clock minus UTC. */
  readonly clockOffsetUs: number | null
  readonly clockBoundUs: number | null
  /** No sample for long: the clock runs on its own. */
  readonly heldOver: boolean
  readonly backlogFrames: number | null
  readonly meters: number
  /** How often it gave up frames, or sent some that do not open, in the last 30 days. */
  readonly givenUp: number
  /** Of its meters: how many are silent, have a wrong clock, are adopted by nobody. */
  readonly silent: number
  readonly clocksWrong: number
  readonly notAdopted: number
  /** Exceptions that nobody closed. */
  readonly exceptions: number
}

/** Where slaves call this server. */
export interface SlaveDoor {
  readonly tcpPort: number
  readonly wsPort: number
  /** False: it listens on the machine's own address alone. */
  readonly reachable: boolean
  /** How long a token is good. */
  readonly tokenDays: number
}
/** Whether something behind a device is wrong, its link and its own clock aside. */
export const isTroubled = (row: FleetRow): boolean =>
  row.silent + row.clocksWrong + row.exceptions > 0

/** How much of the meters' history has arrived, while it is still arriving. */
export interface Backfill {
  readonly done: number
  readonly total: number
  readonly from: UnixMs
}

export interface RefusalRow {
  /** A code of shared/faults.ts, or text from an older or newer program. */
  readonly code: string
  /** Empty when no device authenticated on that link. */
  readonly device: string
  readonly count: number
  readonly lastAt: UnixMs
}

/** A closed epoch of a device that is not drained. */
export interface ClosedEpoch {
  readonly epoch: number
  readonly beganAt: UnixMs
  readonly closedAt: UnixMs
  /** When CONFIRM named it last; null: never since it was closed. */
  readonly namedAt: UnixMs | null
  /** The device called since, and left it out for a day or more. */
  readonly doubtful: boolean
}

export interface CommandRow {
  readonly number: number
  /** Null: not understood by this program. */
  readonly what: CommandTask | null
  readonly askedBy: string
  readonly createdAt: UnixMs
  readonly expiresAt: UnixMs
  readonly sentAt: UnixMs | null
  /** Null: no receipt yet. */
  readonly outcome: ReceiptOutcome | null
  /** Fault code of a refusal, or empty. */
  readonly detail: string
  readonly receiptAt: UnixMs | null
}

/** Meters of a device in one state. */
export interface MeterGroup {
  readonly state: MeterState
  readonly count: number
  readonly rows: readonly MeterListRow[]
}

export interface DeviceView {
  readonly device: FleetRow
  readonly createdAt: UnixMs
  readonly historyFrom: UnixMs | null
  readonly reportedAt: UnixMs | null
  readonly roundTripUs: number | null
  readonly disconnectedAt: UnixMs | null
  /** What the slave itself has counted since its process started. */
  readonly faults: readonly { readonly code: string; readonly count: number }[]
  /** Its meters by what is wrong with them, the worst first; each is listed up to a limit. */
  readonly groups: readonly MeterGroup[]
  /** What it sealed that does not count, or did not. */
  readonly setAside: readonly SetAsideRow[]
  /** Numbers of meters that it reported first and that nobody adopted. */
  readonly unadopted: readonly string[]
  readonly refusals: readonly RefusalRow[]
  /** Newest first. */
  readonly commands: readonly CommandRow[]
}
