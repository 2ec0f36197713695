// Amounts as people read them: ₹12,34,567.50 in rupees (lakh and crore groups), 1,234,567.50
// elsewhere.

/** How a currency is written before an amount; any other is written by its ISO code. */
const SIGNS: ReadonlyMap<string, string> = new Map([
  ['INR', '₹'],
  ['EUR', '€'],
  ['GBP', '£'],
  ['USD', '$'],
])
const PLAIN = /^(-?)(\d+)(\.\d+)?$/

/** `1234567.5` -> `12,34,567.5` (Indian) or `1,234,567.5`. */
export function grouped(amount: string, currency: string): string {
  const match = PLAIN.exec(amount)
  if (match === null) return amount
  const [, sign = '', whole = '', fraction = ''] = match
  const pairs = currency === 'INR' ? /\B(?=(?:\d\d)*\d{3}$)/g : /\B(?=(?:\d{3})+$)/g
  return `${sign}${whole.replace(pairs, ',')}${fraction}`
}

/** `₹1,234.56`, `-₹5.00`, `CHF 1,234.50`. */
export function amountText(amount: string, currency: string): string {
  const sign = SIGNS.get(currency) ?? `${currency} `
  const text = grouped(amount, currency)
  return text.startsWith('-') ? `-${sign}${text.slice(1)}` : `${sign}${text}`
}

/** The same in characters that every phone has: `Rs 1,234.56`. One ₹ would make an SMS more than
 * twice as long. */
export function amountTextPlain(amount: string, currency: string): string {
  return `${currency === 'INR' ? 'Rs' : currency} ${grouped(amount, currency)}`
}
