// What a notice is about, as whoever queued it tells the worker at the moment of sending. Notices
// know these words only; the bill behind them is somebody else's.

import type { FaultCode } from '../../../../shared/faults.ts'

/** A mail to be. */
export interface Letter {
  readonly toName: string
  /** When what it tells of happened, as a time the Date of JavaScript reads. */
  readonly date: string
  readonly subject: string
  readonly text: string
  readonly html: string
  readonly attachment: {
    readonly name: string
    readonly type: string
    readonly content: Uint8Array
  }
}

/** What one notice is about. */
export interface Matter {
  /** Stable, letters, digits, `.` and `-`: `bill-202610-000001`. */
  readonly key: string
  /** For the log: `bill 202610-000001`. */
  readonly name: string
  readonly customerId: number
  /** The mail about it, with a link to the customer's own pages. */
  letter(link: string): Promise<Letter>
}

export type MatterVerdict =
  | { readonly ok: true; readonly matter: Matter }
  /** It cannot be shown to anybody: the notice is given up. */
  | { readonly ok: false; readonly fault: FaultCode; readonly detail: string }
