// What can happen to the agent, and what it asks its shell to do: events in, actions out, no I/O.
// The shell performs the actions in order; an action that has a result comes back as an event.
// `commit` is ONE transaction: all of it is durable, or none.

import type {
  MeterClockAnswer,
  MeterClockChange,
  MeterClockRead,
} from '../../../../shared/clock/meter/meter-clock-line.ts'
import type { FaultCode } from '../../../../shared/faults.ts'
import type { Reading } from '../../../../shared/meter/reading.ts'
import type { MonoUs, UnixMs, UnixUs } from '../../../../shared/units.ts'
import type { ReadRequest } from './plan.ts'
import type { Backlog, FetchQuery, Found, Extent, OutboxCommit } from './stored.ts'

export type AgentEvent =
  /** About four times a second. */
  | { readonly on: 'tick' }
  /** The machine slept (shared/clock/sleep): the monotonic clock missed time. */
  | { readonly on: 'slept' }
  | { readonly on: 'link-up' }
  | { readonly on: 'link-down' }
  /** One message body from the master. `at`: when it came; left out: just now. */
  | { readonly on: 'body'; readonly body: Uint8Array; readonly at?: MonoUs }
  /** The message that was made at `made` was handed to the network at `at`, or a little later: it
   * was never earlier. Comes before any answer to it, or not at all. */
  | { readonly on: 'sent'; readonly made: MonoUs; readonly at: MonoUs }
  | {
      readonly on: 'readings'
      readonly meter: string
      readonly readings: readonly Reading[]
      readonly request: ReadRequest
      /** When the answer's first byte came. */
      readonly at: MonoUs
      /** History only: the meter has more rows in the range asked for. */
      readonly more: boolean
    }
  /** A request given up after its retries; the fault was reported by the meter line. */
  | { readonly on: 'read-failed'; readonly meter: string; readonly request: ReadRequest }
  /** Answers `read-clock`: the meter's clock; or it has no way to tell it, or did not answer. */
  | {
      readonly on: 'clock-read'
      readonly meter: string
      readonly found: MeterClockRead | 'unsupported' | 'silent'
    }
  /** Answers `change-clock`. */
  | {
      readonly on: 'clock-changed'
      readonly meter: string
      readonly became: MeterClockAnswer | 'unsupported'
    }
  /** A fault on a meter line, which is counted and reported to the master. */
  | { readonly on: 'meter-fault'; readonly fault: FaultCode }
  /** `trimmed`: runs of which the outbox deleted frames. */
  | { readonly on: 'committed'; readonly backlog: Backlog; readonly trimmed: readonly Extent[] }
  /** Nothing of that commit is stored. */
  | { readonly on: 'commit-failed'; readonly fault: FaultCode }
  | { readonly on: 'fetched'; readonly epoch: number; readonly found: Found }

export type AgentAction =
  /** `made`: set on a message that asks for the time; `sent` says when that left. */
  | { readonly do: 'send'; readonly body: Uint8Array; readonly made?: MonoUs }
  /** Answered by `committed` or `commit-failed`; the agent never has two on the way. */
  | { readonly do: 'commit'; readonly commit: OutboxCommit }
  /** Answered by `fetched`. */
  | { readonly do: 'fetch'; readonly query: FetchQuery }
  /** Ends the link; the shell connects again with back-off, or at once when no fault is named. */
  | { readonly do: 'drop'; readonly fault: FaultCode | null; readonly detail: string }
  | { readonly do: 'read'; readonly meter: string }
  | {
      readonly do: 'read-history'
      readonly meter: string
      /** Intervals whose end lies in (from, to]. */
      readonly from: UnixMs
      readonly to: UnixMs
    }
  /** The clock is asked at `at`, a fraction of a second from now; answered by `clock-read`. */
  | { readonly do: 'read-clock'; readonly meter: string; readonly at: MonoUs }
  /** Answered by `clock-changed`. A time in it was right at `at`: the line adds what has passed
   * when it writes to the meter. */
  | {
      readonly do: 'change-clock'
      readonly meter: string
      readonly change: MeterClockChange
      readonly at: MonoUs
    }
  | { readonly do: 'report'; readonly fault: FaultCode; readonly detail: string }

/** What the shell and `ticklock slave` show; no secrets. */
export interface AgentView {
  readonly device: string | null
  readonly linked: boolean
  /** The time by the agent's clock. */
  readonly clock: UnixUs
  readonly clockState: string
  readonly clockBoundMs: number
  readonly backlog: Backlog
  /** Meter answers and transactions in memory, waiting for the disk. */
  readonly answersWaiting: number
  readonly transactionsWaiting: number
  readonly faults: ReadonlyMap<FaultCode, number>
}
