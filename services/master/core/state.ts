// What can happen to the master's core and what it asks its shell to do. One core serves all links;
// it holds the roster in memory, judges every message, and never touches a socket, a clock or a
// database.

import type { FaultCode } from '../../../shared/faults.ts'
import type { MeterClockReport } from '../../../shared/clock/evidence.ts'
import type {
  AcceptedFrame,
  DeviceId,
  DeviceStatus,
  ProcessAnchor,
} from '../../../shared/handover/sink.ts'
import type { Receipt } from '../../../shared/wire/commands.ts'
import type { UnixMs, UnixUs } from '../../../shared/units.ts'

/** A number the shell gives each connection. */
export type LinkId = number

export type MasterEvent =
  | {
      readonly on: 'opened'
      readonly link: LinkId
      readonly transport: 'tcp' | 'ws'
      /** Where it comes from, as the shell counts addresses: what flood limits go by. */
      readonly source: string
    }
  | { readonly on: 'body'; readonly link: LinkId; readonly body: Uint8Array }
  | { readonly on: 'closed'; readonly link: LinkId }
  /** Result of `enrol`. `conflict`: another key holds the token. */
  | {
      readonly on: 'enrolled'
      readonly link: LinkId
      readonly result: 'stored' | 'conflict' | 'failed'
    }
  /** Result of `commit-epoch`. */
  | { readonly on: 'epoch-committed'; readonly link: LinkId; readonly stored: boolean }
  /** Result of `append`: all its frames are durable, or none. */
  | { readonly on: 'appended'; readonly device: DeviceId; readonly durable: boolean }
  /** Result of `receipt`. */
  | {
      readonly on: 'receipt-stored'
      readonly device: DeviceId
      readonly number: number
      readonly durable: boolean
    }
  /** About once a second. */
  | { readonly on: 'tick' }

export type MasterAction =
  | { readonly do: 'send'; readonly link: LinkId; readonly body: Uint8Array }
  | { readonly do: 'drop'; readonly link: LinkId; readonly fault: FaultCode }
  /** Burn the token and store key and psk, in one transaction. psk in clear: the shell wraps it. */
  | {
      readonly do: 'enrol'
      readonly link: LinkId
      readonly token: string
      readonly device: DeviceId
      readonly staticKey: Uint8Array
      readonly psk: Uint8Array
      readonly attempt: number
    }
  /** Store a new epoch and close the older ones. keys in clear: the shell wraps them. */
  | {
      readonly do: 'commit-epoch'
      readonly link: LinkId
      readonly device: DeviceId
      readonly id: number
      readonly origin: UnixMs
      readonly transcript: Uint8Array
      readonly keys: Uint8Array
    }
  /** Hand on; never two on the way for one device, so that no gap can become durable. */
  | {
      readonly do: 'append'
      readonly device: DeviceId
      readonly frames: readonly AcceptedFrame[]
    }
  /** This device's last CONFIRM came in a session under the master's key of this tag. */
  | { readonly do: 'called-under'; readonly device: DeviceId; readonly tag: Uint8Array }
  /** A secret in the roster that our wrap keys do not open. */
  | { readonly do: 'unreadable'; readonly device: DeviceId; readonly what: 'psk' | 'key tree' }
  /** Epochs of which the slave holds nothing any more: destroy their keys and positions. */
  | { readonly do: 'retire'; readonly device: DeviceId; readonly epochs: readonly number[] }
  | {
      readonly do: 'connected'
      readonly device: DeviceId
      readonly transport: 'tcp' | 'ws'
    }
  | { readonly do: 'disconnected'; readonly device: DeviceId }
  | { readonly do: 'command-sent'; readonly device: DeviceId; readonly number: number }
  /** Store what the device says of a command, then look for the next one. Answered by
   * `receipt-stored`. */
  | { readonly do: 'receipt'; readonly device: DeviceId; readonly receipt: Receipt }
  | { readonly do: 'status'; readonly device: DeviceId; readonly status: DeviceStatus }
  | {
      readonly do: 'meter-clock'
      readonly device: DeviceId
      readonly report: MeterClockReport
      readonly at: UnixMs
    }
  /** Hand on what ties a slave's process to UTC. */
  | { readonly do: 'anchor'; readonly device: DeviceId; readonly anchor: ProcessAnchor }
  /** Device null: nobody authenticated on that link. */
  | { readonly do: 'refused'; readonly device: DeviceId | null; readonly code: FaultCode }

/** The master's clock at an event, and what it knows of itself. */
export interface Now {
  readonly at: UnixUs
  /** |UTC - at| in microseconds; null: not synchronised. */
  readonly bound: number | null
  /** The same clock when the event's bytes arrived; left out: now. */
  readonly arrived?: UnixUs
}
