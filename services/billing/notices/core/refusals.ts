// Whose fault a refusal is. A customer must not lose a bill because our login expired, our sender
// is not allowed, or a gateway does not serve a country: only a refusal of the recipient's own
// address is final. Mail servers say so by enhanced status codes (RFC 3463; registry: RFC 5248),
// gateways by codes of their own.

/** `recipient`: the address itself will never work. `ours`: nothing goes out until an operator
 * corrects a setting. `passing`: it may work later by itself. */
export type Culprit = 'recipient' | 'ours' | 'passing'

/** What a mail server refused, and with which words. */
export interface MailRefusal {
  /** The command that was refused: `RCPT TO`, `MAIL FROM`, `DATA`; empty: none was sent. */
  readonly command: string
  /** Its three digits; null: the server said nothing. */
  readonly code: number | null
  readonly response: string
}

const PERMANENT = 500
/** `550 5.1.1 ...` and `550-5.1.1 ...`. */
const ENHANCED = /^5\d\d[ -]5\.(\d{1,3})\.(\d{1,3})\b/
const ADDRESS_STATUS = '1'
/** X.1.Y that speak of the recipient: no such mailbox (1), no such system (2), syntax (3),
 * ambiguous (4), moved (6), domain accepts no mail (10). X.1.7 and X.1.8 speak of the sender, X.1.0
 * of either. */
const RECIPIENT_DETAILS: ReadonlySet<string> = new Set(['1', '2', '3', '4', '6', '10'])
/** X.7.Y: policy and security. X.5.Y and X.6.Y: our commands, our message. */
const OUR_SUBJECTS: ReadonlySet<string> = new Set(['5', '6', '7'])

export function mailCulprit({ command, code, response }: MailRefusal): Culprit {
  // No login, no TLS, or a command that never reaches the recipient: nobody gets mail from us.
  const named = command === 'RCPT TO' || command === 'DATA'
  if (code === null || code < PERMANENT) return 'passing'
  const [, subject, detail = ''] = ENHANCED.exec(response) ?? []
  if (subject === ADDRESS_STATUS && named && RECIPIENT_DETAILS.has(detail)) return 'recipient'
  if (!named || subject === ADDRESS_STATUS) return 'ours'
  if (subject !== undefined && OUR_SUBJECTS.has(subject)) return 'ours'
  // Without a code, 550 can mean the mailbox as well as our reputation: it gets its attempts.
  return 'passing'
}

/** Errors of Twilio's API that speak of the customer's number: 21211 not a number, 21610 the
 * customer unsubscribed, 21614 not a mobile number, 21635 a landline. Source: Twilio, "Error and
 * warning dictionary". */
const NUMBER_CODES: ReadonlySet<number> = new Set([21_211, 21_610, 21_614, 21_635])

const TOO_MANY = 429
const TIMED_OUT = 408
const CLIENT_ERRORS = { min: 400, max: 499 } as const

/** `answer`: the JSON that came with `status`. */
export function gatewayCulprit(status: number, answer: string): Culprit {
  if (status === TOO_MANY || status === TIMED_OUT) return 'passing'
  if (status < CLIENT_ERRORS.min || status > CLIENT_ERRORS.max) return 'passing'
  const code = /"code"\s*:\s*"?(\d{1,9})\b/.exec(answer)?.[1]
  return code !== undefined && NUMBER_CODES.has(Number(code)) ? 'recipient' : 'ours'
}
