// What the outside world answered to a notice, how long we listen, and where nothing is sent.

import { addressProblem } from '../../utility/core/addresses.ts'
import type { Culprit } from '../core/refusals.ts'

/** How one attempt ended, and whose fault it was. */
export type Delivery =
  | {
      readonly ok: true
      readonly providerId: string
      /** The peer's own words, on one line. */
      readonly said: string
    }
  | {
      readonly ok: false
      readonly fault: 'BIL-09' | 'BIL-10' | 'OPS-27'
      readonly culprit: Culprit
      /** One line for the log. */
      readonly detail: string
    }

/** Longest a mail server or a gateway may take for one notice, in total, milliseconds. Servers that
 * greet slowly on purpose take up to 30 s. Must be well below the lease of a claimed notice. */
export const DELIVERY_MS_MAX = 60_000

/** Longest text from a peer that goes into our log, characters. */
const DETAIL_LENGTH_MAX = 200

/** A peer's words on one line, bounded. */
export const detailOf = (text: string): string =>
  text.replace(/[\p{Cc}\s]+/gu, ' ').slice(0, DETAIL_LENGTH_MAX)

/** Nothing is sent to what is not one address, whoever wrote it into the database; null: it is one.
 * The address itself stays out of the log. */
export function unsendable(channel: 'email' | 'sms', to: string): Delivery | null {
  const problem = addressProblem(channel, to)
  if (problem === null) return null
  return { ok: false, fault: 'OPS-27', culprit: 'recipient', detail: `the address ${problem}` }
}
