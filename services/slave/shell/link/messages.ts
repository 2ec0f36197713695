// The messages between the agent's thread and the link's thread.

import type { FaultCode } from '../../../../shared/faults.ts'
import type { MonoUs } from '../../../../shared/units.ts'
import { BODY_BYTES_MAX } from '../../../../shared/wire/limits.ts'
import type { LinkAddress } from './address.ts'

export interface LinkThreadData {
  readonly address: LinkAddress
  readonly idleMs: number | undefined
}

/** `link` counts the connections: a message meant for one that has ended must not hit the next. */
export type ToLink =
  | {
      readonly do: 'send'
      readonly link: number
      readonly body: Uint8Array
      readonly made: MonoUs | null
    }
  | {
      readonly do: 'drop'
      readonly link: number
      readonly fault: FaultCode | null
      readonly detail: string
    }
  /** This many of the bytes received have been processed. Both sides say so, and stop sending when
   * too many have not. */
  | { readonly do: 'taken'; readonly bytes: number }
  | { readonly do: 'close' }

export type FromLink =
  | { readonly on: 'up'; readonly link: number }
  | { readonly on: 'down'; readonly fault: FaultCode | null; readonly detail: string }
  | { readonly on: 'unreachable'; readonly detail: string }
  | {
      readonly on: 'body'
      readonly link: number
      readonly body: Uint8Array
      readonly at: MonoUs
    }
  | { readonly on: 'sent'; readonly made: MonoUs; readonly at: MonoUs }
  | { readonly on: 'taken'; readonly bytes: number }

/** Cost of a body that waits between the threads, bytes: itself and its envelope. */
export const costOf = (body: Uint8Array): number => body.length + 128
/** Bytes processed are reported once there are this many. */
const REPORT_BYTES = BODY_BYTES_MAX

/** Counts the bytes processed, and calls `report` about as often as the other thread must know. */
export function counter(report: (bytes: number) => void): (body: Uint8Array) => void {
  let unreported = 0
  return (body) => {
    unreported += costOf(body)
    if (unreported < REPORT_BYTES) return
    report(unreported)
    unreported = 0
  }
}
