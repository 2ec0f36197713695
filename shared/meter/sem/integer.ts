// The integers in SEM bodies. Only the canonical form is taken, so that a frame has one spelling:
// no `+`, no `-0`, no leading zero.

/** Latest instant a frame can express: 9999-12-31T23:59:59Z, Unix seconds. */
export const SECONDS_MAX = 253_402_300_799

const INTEGER = /^(?:0|-?[1-9]\d{0,15})$/

/** The integer in a field; null unless it is one in min..max. */
export function integer(text: string | undefined, min: number, max: number): number | null {
  if (text === undefined || !INTEGER.test(text)) return null
  const value = Number(text)
  return value >= min && value <= max ? value : null
}
