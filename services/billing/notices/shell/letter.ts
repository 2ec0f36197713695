// What a notice is about: the domain that queued it supplies this when the worker sends it. Notices
// know only these fields; the bill behind them belongs to another domain.

import type { FaultCode } from '../../../../shared/faults.ts'

/** A mail that is ready to send. */
export interface Letter {
  readonly toName: string
  readonly subject: string
  readonly text: string
  readonly html: string
  readonly attachment: {
    readonly name: string
    readonly type: string
    readonly content: Uint8Array
  } | null
}

/** What one notice is about. */
export interface Matter {
  /** Stable; letters, digits, `.` and `-` only: `bill-202610-000001`. */
  readonly key: string
  /** For the log: `bill 202610-000001`. */
  readonly name: string
  readonly customerId: number
  /** The mail about it, with a link to the customer's own pages. */
  letter(link: string): Promise<Letter>
  /** The SMS about it, the same link included. */
  text(link: string): string
}

export type MatterVerdict =
  | { readonly ok: true; readonly matter: Matter }
  /** It must not be shown to anybody: the notice is given up. */
  | { readonly ok: false; readonly fault: FaultCode; readonly detail: string }
