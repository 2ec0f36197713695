// Where a notice can be sent: one e-mail address, or one telephone number. Mail programs read a
// field of addresses generously (several, names, comments, groups); whoever may write such a field
// could send a bill to a stranger, or a line of their own to the mail server. So a field holds one
// bare address or is refused: when it is entered, and again before anything is sent.

/** What is wrong with an address, in words for the operator; null: nothing. */
export type AddressProblem = string | null

/** Longest address that fits the path of RCPT TO, bytes. Source: RFC 5321 section 4.5.3.1.3. */
const MAIL_BYTES_MAX = 254
/** Longest part before the @, bytes. Source: RFC 5321 section 4.5.3.1.1. */
const LOCAL_BYTES_MAX = 64
/** Longest domain, bytes. Source: RFC 5321 section 4.5.3.1.2. */
const DOMAIN_BYTES_MAX = 253

/** One dot-separated word of the part before the @ (atext of RFC 5322 section 3.2.3, and letters of
 * every script as RFC 6531 allows). Quoted parts are refused: hardly anybody has one, and
 * quotes are how one address hides another. */
const ATOM = /^[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+$/u
/** One label of a domain (RFC 1035 section 2.3.1; letters of every script: RFC 5890). */
const LABEL = /^(?!-)[\p{L}\p{M}\p{N}-]{1,63}(?<!-)$/u
/** Blanks, line ends, controls, what is not seen, and halves of letters. */
const UNSEEN = /[\p{Z}\p{C}]/u
/** What parts addresses from each other or wraps them, in the fields of mail programs. */
const WRAPPING = /[,;:<>()[\]"\\]/

const bytesOf = (text: string): number => new TextEncoder().encode(text).length

/** Checks that the text is one bare e-mail address: `asha@example.org`, `jürgen@example.org`. */
export function mailProblem(text: string): AddressProblem {
  const parts = text.split('@')
  if (parts.length > 2) return 'holds more than one @: one address is allowed'
  if (UNSEEN.test(text)) return 'holds a blank, a line end or another character that is not seen'
  if (WRAPPING.test(text)) return 'holds a comma or another mark that no bare address has'
  const [local = '', domain = ''] = parts
  if (local === '' || domain === '') return 'is not of the form name@domain'
  if (!local.split('.').every((atom) => ATOM.test(atom))) return 'is not valid before the @'
  if (!domain.split('.').every((label) => LABEL.test(label))) return 'is not valid after the @'
  const tooLong =
    bytesOf(text) > MAIL_BYTES_MAX ||
    bytesOf(local) > LOCAL_BYTES_MAX ||
    bytesOf(domain) > DOMAIN_BYTES_MAX
  return tooLong ? 'is longer than an address can be' : null
}

/** + and 7 to 15 digits, the first no zero. Source: ITU-T E.164 section 6; the shortest national
 * numbers with their country code have seven digits. */
const PHONE = /^\+[1-9][0-9]{6,14}$/

/** What people put between the digits of a number to read it more easily. */
const PHONE_BREAKS = /[\s\u00A0()/.\u2010-\u2013-]/g

/** `+91 99000-00001` becomes `+919900000001`. */
export const phoneOf = (text: string): string => text.replaceAll(PHONE_BREAKS, '')

/** Checks that the text is one telephone number as E.164 writes it: `+919900000001`. */
export const phoneProblem = (text: string): AddressProblem =>
  PHONE.test(text) ? null : 'is not + and 7 to 15 digits (E.164), without blanks or hyphens'

/** What is wrong with the address of a notice. */
export const addressProblem = (channel: 'email' | 'sms', text: string): AddressProblem =>
  channel === 'email' ? mailProblem(text) : phoneProblem(text)
