// What the agent's thread and the link's thread tell each other.

import type { FaultCode } from '../../../../shared/faults.ts'
import type { MonoUs } from '../../../../shared/units.ts'
import { BODY_BYTES_MAX } from '../../../../shared/wire/limits.ts'
import type { LinkAddress } from './address.ts'

export interface LinkThreadData {
  readonly address: LinkAddress
  readonly idleMs: number | undefined
}

/** `link` counts the connections: what was meant for one that is over must not hit the next. */
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
  /** So much of what was brought is taken. Both sides say it, and stop when too much is not. */
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

/** What a body costs while it waits between the threads, bytes: itself, and its envelope. */
export const costOf = (body: Uint8Array): number => body.length + 128
/** What is taken is told once it is so many bytes. */
const TELL_BYTES = BODY_BYTES_MAX

/** Counts what the other thread brought, and calls `tell` about as often as it must know. */
export function counter(tell: (bytes: number) => void): (body: Uint8Array) => void {
  let untold = 0
  return (body) => {
    untold += costOf(body)
    if (untold < TELL_BYTES) return
    tell(untold)
    untold = 0
  }
}
