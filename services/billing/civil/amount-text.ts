// Amounts as people read them: ₹12,34,567.50 in rupees (lakh and crore groups), 1,234,567.50
// elsewhere. The digits after the point are those of the document's smallest coin, the same on
// every page, in PDF, mail, SMS and CSV: none for yen, two for rupees, three for Kuwaiti dinars.

/** What money is printed in. Bills and tariffs are such documents themselves. */
export interface Money {
  /** ISO 4217. */
  readonly currency: string
  /** Digits of the smallest coin, as a tariff or a stored bill has them. */
  readonly minorDigits: number | string
}

/** How a currency is written before an amount; any other is written by its ISO code. */
const SIGNS: ReadonlyMap<string, string> = new Map([
  ['INR', '₹'],
  ['EUR', '€'],
  ['GBP', '£'],
  ['USD', '$'],
])
const PLAIN = /^(-?)(\d+)(?:\.(\d+))?$/

/** `1234567.5` -> `12,34,567.5` (Indian) or `1,234,567.5`. */
export function grouped(amount: string, currency: string): string {
  const match = PLAIN.exec(amount)
  if (match === null) return amount
  const [, sign = '', whole = '', fraction = ''] = match
  const pairs = currency === 'INR' ? /\B(?=(?:\d\d)*\d{3}$)/g : /\B(?=(?:\d{3})+$)/g
  return `${sign}${whole.replace(pairs, ',')}${fraction === '' ? '' : `.${fraction}`}`
}

/** The bare number with the digits of the smallest coin, and further ones only where they are not
 * zeros: a price per kWh may have them, an amount on a line has none. */
export function coinText(amount: string, { minorDigits }: Money): string {
  const match = PLAIN.exec(amount)
  if (match === null) return amount
  const [, sign = '', whole = '', fraction = ''] = match
  const digits = fraction.replace(/0+$/, '').padEnd(Number(minorDigits), '0')
  return `${sign}${whole}${digits === '' ? '' : `.${digits}`}`
}

/** `₹1,234.56`, `-₹5.00`, `CHF 1,234.50`, `JPY 7,480`, `KWD 3.240`. */
export function amountText(amount: string, money: Money): string {
  const sign = SIGNS.get(money.currency) ?? `${money.currency} `
  const text = grouped(coinText(amount, money), money.currency)
  return text.startsWith('-') ? `-${sign}${text.slice(1)}` : `${sign}${text}`
}

/** The same in characters that every phone has: `Rs 1,234.56`. One ₹ would make an SMS more than
 * twice as long. */
export function amountTextPlain(amount: string, money: Money): string {
  const { currency } = money
  return `${currency === 'INR' ? 'Rs' : currency} ${grouped(coinText(amount, money), currency)}`
}
