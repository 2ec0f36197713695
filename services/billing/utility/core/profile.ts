// What an operator says of the utility: as stored, and as it holds once the environment is laid
// over it. A utility without a name issues no bill (BIL-19): a bill never changes, so nothing made
// up may stand on it.

import { isCivilDate } from '../../civil/calendar.ts'
import { zoneProblem } from '../../civil/zones.ts'
import { originOf, PUBLIC_URL_RULE } from './public-url.ts'

/** Whether bills that are ready are issued by themselves. */
export type Issuing = 'by hand' | 'automatic'
export const isIssuing = (text: string): text is Issuing =>
  text === 'by hand' || text === 'automatic'

export interface Logo {
  /** SHA-256, in hex. */
  readonly hash: string
  readonly type: 'image/png' | 'image/jpeg'
  readonly width: number
  readonly height: number
}

export interface Profile {
  /** Null: none, and then no bill is issued (BIL-19). */
  readonly name: string | null
  readonly address: string
  readonly contact: string
  /** Ways to pay, one sentence each. */
  readonly payment: readonly string[]
  /** Printed on every bill: registration, tax number, how to complain. */
  readonly legal: string
  /** ISO 4217; null: not said. */
  readonly currency: string | null
  /** IANA zone; null: not said. */
  readonly zone: string | null
  /** First day that is billed, where a contract does not say otherwise; null: not said. */
  readonly billedFrom: string | null
  readonly issuing: Issuing
  /** Where customers reach the pages, without a slash at the end; null: not said. */
  readonly publicUrl: string | null
  readonly logo: Logo | null
}

/** Fields that the page has as text. */
export const PROFILE_FIELDS = [
  'name',
  'address',
  'contact',
  'payment',
  'legal',
  'currency',
  'zone',
  'billedFrom',
  'issuing',
  'publicUrl',
] as const
export type ProfileField = (typeof PROFILE_FIELDS)[number]
export type ProfileValues = Readonly<Record<ProfileField, string>>
/** All but the logo, which is uploaded apart. */
export type ProfileEntry = Omit<Profile, 'logo'>

export const NEW_PROFILE: Profile = {
  name: null,
  address: '',
  contact: '',
  payment: [],
  legal: '',
  currency: null,
  zone: null,
  billedFrom: null,
  issuing: 'by hand',
  publicUrl: null,
  logo: null,
}

/** Whose midnights hold where nobody said a zone. */
export const zoneOf = ({ zone }: Pick<Profile, 'zone'>): string => zone ?? 'UTC'

/** As the fields of the page hold it. */
export const profileValues = (profile: ProfileEntry): ProfileValues => ({
  name: profile.name ?? '',
  address: profile.address,
  contact: profile.contact,
  payment: profile.payment.join('\n'),
  legal: profile.legal,
  currency: profile.currency ?? '',
  zone: profile.zone ?? '',
  billedFrom: profile.billedFrom ?? '',
  issuing: profile.issuing,
  publicUrl: profile.publicUrl ?? '',
})

/** Longest texts, characters: a bill has room for so much on its first page, and a stored document
 * is read back with at most 1,000 in a field (shared/documents). */
const CHARS_MAX = { name: 80, address: 160, contact: 60, legal: 900 } as const
/** The box for it on a bill: a longer text would be cut off there, and the bill never changes. */
const PAYMENT = { lines: 4, chars: 60 } as const
/** Longest paragraph of the legal text that is drawn as one, characters. */
const PARAGRAPH_CHARS_MAX = 500

export type ProfileErrors = Partial<Record<ProfileField, string>>
export type ProfileVerdict =
  | { readonly ok: true; readonly profile: ProfileEntry }
  | { readonly ok: false; readonly errors: ProfileErrors }

const linesOf = (text: string): readonly string[] =>
  text
    .split(/\r\n|\r|\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '')

/** Text areas bring the line ends of their browser; stored is one form. */
const paragraphs = (text: string): string => text.replaceAll(/\r\n|\r/g, '\n').trim()

/** Checks what was typed; each error says what would be right. */
export function checkProfile(typed: ProfileValues): ProfileVerdict {
  const errors: { -readonly [F in ProfileField]?: string } = {}
  for (const field of ['name', 'address', 'contact', 'legal'] as const) {
    const most = CHARS_MAX[field]
    if (typed[field].length > most) errors[field] = `at most ${most} characters`
  }
  if (/[\p{Cc}\u2028\u2029]/u.test(typed.name)) errors.name = 'one line, as it stands on a bill'
  const payment = linesOf(typed.payment)
  const printed = payment.reduce((sum, line) => sum + Math.ceil(line.length / PAYMENT.chars), 0)
  if (printed > PAYMENT.lines) {
    errors.payment = `a bill has room for ${PAYMENT.lines} lines of ${PAYMENT.chars} characters: these are ${printed}`
  }
  if (linesOf(typed.legal).some((line) => line.length > PARAGRAPH_CHARS_MAX)) {
    errors.legal = `at most ${PARAGRAPH_CHARS_MAX} characters in a paragraph: begin a new line`
  }
  const currency = typed.currency.trim().toUpperCase()
  if (currency !== '' && !isCurrency(currency)) {
    errors.currency = `there is no currency "${currency.slice(0, 10)}": three letters, such as INR`
  }
  const zone = typed.zone.trim()
  const noZone = zone === '' ? null : zoneProblem(zone)
  if (noZone !== null) errors.zone = noZone
  const billedFrom = typed.billedFrom.trim()
  if (billedFrom !== '' && !isCivilDate(billedFrom)) {
    errors.billedFrom = 'a date such as 2026-12-01'
  }
  const publicUrl = typed.publicUrl.trim()
  if (publicUrl !== '' && originOf(publicUrl) === null) errors.publicUrl = PUBLIC_URL_RULE
  if (!isIssuing(typed.issuing)) {
    errors.issuing = 'choose one of the two'
    return { ok: false, errors }
  }
  if (Object.keys(errors).length > 0) return { ok: false, errors }
  const profile = {
    name: typed.name.trim() === '' ? null : typed.name.trim(),
    address: paragraphs(typed.address),
    contact: paragraphs(typed.contact),
    payment,
    legal: paragraphs(typed.legal),
    currency: currency === '' ? null : currency,
    zone: zone === '' ? null : zone,
    billedFrom: billedFrom === '' ? null : billedFrom,
    issuing: typed.issuing,
    publicUrl: originOf(publicUrl),
  }
  return { ok: true, profile }
}

export const isCurrency = (code: string): boolean =>
  Intl.supportedValuesOf('currency').includes(code)

/** Code and English name of every currency, in the order of the alphabet. */
export function currencyNames(): readonly (readonly [string, string])[] {
  const names = new Intl.DisplayNames('en', { type: 'currency' })
  return Intl.supportedValuesOf('currency').map((code) => [code, names.of(code) ?? code])
}
