// The link to the master: which of its phases it is in, and the identity it is made under. Changed
// by link/.

import type { ControlChannel } from '../../../../shared/tves/handshake.ts'
import type { Handshake } from '../../../../shared/tves/noise.ts'
import type { EnrolmentToken } from '../../../../shared/tves/token.ts'
import type { MonoUs } from '../../../../shared/units.ts'
import type { SessionSuite } from '../../../../shared/wire/message.ts'
import type { StoredEpoch, StoredIdentity } from './stored.ts'

/** What the exchange of messages alone knows of a link (link/session.ts). */
export type Session =
  | { readonly is: 'down' }
  /** Sent step 1 of the enrolment; `token` is the one it runs under. */
  | { readonly is: 'enrolling'; readonly token: EnrolmentToken; readonly noise: Handshake }
  /** Sent step 3 of the enrolment. */
  | {
      readonly is: 'awaiting enrolled'
      readonly channel: ControlChannel
      readonly psk: Uint8Array
      readonly masterKey: Uint8Array
    }
  /** Sent step 1 of a session. `t1` null: the machine slept meanwhile, so the answer says nothing
   * about the time. */
  | {
      readonly is: 'handshaking'
      readonly suite: SessionSuite
      readonly noise: Handshake
      readonly t1: MonoUs | null
    }
  /** The handshake is done: control messages flow. CONFIRM is not sent yet; where an epoch was
   * offered, it waits for that to be durable. */
  | { readonly is: 'greeted'; readonly channel: ControlChannel }

/** A link is in one phase, and each carries what it needs and nothing else: an epoch that is
 * offered cannot be found on an open link, nor a time to leave on one that is down. Phases that
 * wait for the disk last until the transaction is durable. */
export type LinkPhase =
  | Session
  /** The number of the enrolment attempt is on its way to the disk. */
  | { readonly is: 'raising attempt' }
  /** What the enrolment brought is on its way to the disk. */
  | { readonly is: 'storing identity' }
  /** CONFIRM was sent. `offered`: the epoch it accepts; null: none was offered. */
  | {
      readonly is: 'confirming'
      readonly channel: ControlChannel
      readonly offered: StoredEpoch | null
    }
  /** COMMITTED came; the new epoch is on its way to the disk. `moveAt` as below. */
  | {
      readonly is: 'committing'
      readonly channel: ControlChannel
      readonly moveAt: MonoUs | null
    }
  /** Frames are sent. */
  | {
      readonly is: 'open'
      readonly channel: ControlChannel
      /** When it is left for one under the master's new key; null: not at all. */
      readonly moveAt: MonoUs | null
      /** When the next STATUS is due. */
      readonly statusAt: MonoUs
    }

export interface Calling {
  /** The next call is made under the new key, where there is one. */
  readonly nextFirst: boolean
  /** Which key the present link was called under; null: none yet. */
  readonly under: 'old' | 'next' | null
  /** Calls under the new key since it was last known to be none or to work. */
  readonly nextCalls: number
}

export interface LinkState {
  readonly phase: LinkPhase
  /** Grows whenever a link comes or goes: shows a transaction that its link is gone. */
  readonly number: number
  readonly identity: StoredIdentity | null
  readonly calling: Calling
  /** The next session asks for a new epoch. */
  readonly wantEpoch: boolean
  /** When a session is left for one with a new epoch; counts from its handshake on. */
  readonly renewAt: MonoUs
}

export const DOWN = { is: 'down' } as const
export const CALLING: Calling = { nextFirst: true, under: null, nextCalls: 0 }
