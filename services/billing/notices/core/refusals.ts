// Whose fault a refusal is. A customer must not lose a bill because our login expired, our sender
// is not allowed, or a gateway does not serve a country: only a refusal of the recipient's own
// address is final. Mail servers say so by enhanced status codes (RFC 3463; registry: RFC 5248),
// gateways by codes of their own.

/** `recipient`: the address itself will never work. `ours`: nothing goes out until an operator
 * corrects a setting. `away`: nobody answered, or not as what we were looking for. `passing`: it
 * may work later by itself. */
export type Culprit = 'recipient' | 'ours' | 'away' | 'passing'

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

/** Words for our own standing, where no status code tells. */
const OUR_WORDS = /\b(?:relay|sender|spam|block|black|deny|denied|reputation|authenticat|policy)/i
const LOGIN_WANTED = 530

export function mailCulprit({ command, code, response }: MailRefusal): Culprit {
  // No login, no TLS, or a command that never reaches the recipient: nobody gets mail from us.
  const named = command === 'RCPT TO' || command === 'DATA'
  if (code === null) return 'away'
  if (code < PERMANENT) return 'passing'
  if (code === LOGIN_WANTED || OUR_WORDS.test(response)) return 'ours'
  const [, subject, detail = ''] = ENHANCED.exec(response) ?? []
  if (subject === ADDRESS_STATUS && named && RECIPIENT_DETAILS.has(detail)) return 'recipient'
  if (!named || subject === ADDRESS_STATUS) return 'ours'
  if (subject !== undefined && OUR_SUBJECTS.has(subject)) return 'ours'
  // Without a code, 550 can mean the mailbox as well as our reputation: it gets its attempts. The
  // text of a mail is refused for what it is.
  return command === 'DATA' && subject === undefined ? 'ours' : 'passing'
}

/** Errors of Twilio's API that speak of the customer's number: 21211 not a number, 21610 the
 * customer unsubscribed, 21614 not a mobile number, 21635 a landline. Source: Twilio, "Error and
 * warning dictionary". */
const NUMBER_CODES: ReadonlySet<number> = new Set([21_211, 21_610, 21_614, 21_635])

const BAD_REQUEST = 400
const CLIENT_ERRORS = { min: 400, max: 499 } as const
/** Too many at once, and a time-out: those alone of 4xx may pass. */
const PASSING_STATUSES: ReadonlySet<number> = new Set([408, 425, 429])
const REDIRECTS = { min: 300, max: 399 } as const

/** What a gateway in Twilio's format says: an object with these fields, if it is one. */
function fieldsOf(answer: string): { readonly code: unknown; readonly status: unknown } | null {
  try {
    const said: unknown = JSON.parse(answer)
    if (typeof said !== 'object' || said === null) return null
    const code: unknown = Reflect.get(said, 'code') ?? Reflect.get(said, 'error_code')
    return { code, status: Reflect.get(said, 'status') }
  } catch {
    return null
  }
}

/** Whose fault a refusal is; `answer`: the JSON that came with `status`. */
export function gatewayCulprit(status: number, answer: string): Culprit {
  if (status >= REDIRECTS.min && status <= REDIRECTS.max) return 'ours'
  if (PASSING_STATUSES.has(status)) return 'passing'
  if (status < CLIENT_ERRORS.min || status > CLIENT_ERRORS.max) return 'passing'
  const code = Number(fieldsOf(answer)?.code)
  return status === BAD_REQUEST && NUMBER_CODES.has(code) ? 'recipient' : 'ours'
}

const FAILED: ReadonlySet<unknown> = new Set(['failed', 'undelivered', 'canceled'])

/** A status of 2xx is no acceptance by itself: a log-in page comes with it too. Null: accepted. */
export function gatewayRefusal(answer: string): Culprit | null {
  const fields = fieldsOf(answer)
  if (fields === null) return 'ours'
  const code = Number(fields.code ?? 0)
  if (code === 0 && !FAILED.has(fields.status)) return null
  return NUMBER_CODES.has(code) ? 'recipient' : 'ours'
}

/** Kannel begins its answer with `0:` (accepted) or `3:` (queued for later). */
export const kannelRefusal = (answer: string): Culprit | null =>
  /^[03]:/.test(answer) ? null : 'ours'
