// Numbers and times as people read them. Every digit a register or an amount has is kept: exact
// decimals come from an integer and a power of ten, never through a float.

import { UNIT } from '../../../shared/meter/reading.ts'
import { CLOCK_BOUND_UNKNOWN } from '../../../shared/clock/clock-state.ts'
import type { UnixMs } from '../../../shared/units.ts'
import { decimalText, scaled } from '../civil/money.ts'

const UNIT_NAMES: ReadonlyMap<number, string> = new Map([
  [UNIT.W, 'W'],
  [UNIT.VA, 'VA'],
  [UNIT.var, 'var'],
  [UNIT.A, 'A'],
  [UNIT.V, 'V'],
  [UNIT.Hz, 'Hz'],
  [UNIT.m3, 'm³'],
  [UNIT.J, 'J'],
])
/** Energy is billed in thousands of its unit, so it is shown that way. */
const KILO_NAMES: ReadonlyMap<number, string> = new Map([
  [UNIT.Wh, 'kWh'],
  [UNIT.VAh, 'kVAh'],
  [UNIT.varh, 'kvarh'],
])
const KILO_EXPONENT = 3

/** value * 10^exponent of that unit with every digit: (1234567, 0, Wh) gives `1234.567 kWh`. */
export function quantityText(value: number | bigint, exponent: number, unit: number): string {
  const name = unitText(unit)
  const number = quantityNumber(value, exponent, unit)
  return name === '' ? number : `${number} ${name}`
}

/** The number of `quantityText` alone; digits after the point are kept even when they are zeros. */
export function quantityNumber(value: number | bigint, exponent: number, unit: number): string {
  const shown = KILO_NAMES.has(unit) ? exponent - KILO_EXPONENT : exponent
  const exact = scaled(BigInt(value), shown)
  return decimalText(exact, exact.scale)
}

export const unitText = (unit: number): string => KILO_NAMES.get(unit) ?? UNIT_NAMES.get(unit) ?? ''

const REGISTER_WORDS: readonly (readonly [pattern: RegExp, words: string])[] = [
  [/:1\.8\.0\*/, 'Energy imported, total'],
  [/:1\.8\.1\*/, 'Energy imported, tariff 1'],
  [/:1\.8\.2\*/, 'Energy imported, tariff 2'],
  [/:2\.8\.0\*/, 'Energy exported, total'],
  [/:2\.8\.1\*/, 'Energy exported, tariff 1'],
  [/:2\.8\.2\*/, 'Energy exported, tariff 2'],
  [/:3\.8\.0\*/, 'Reactive energy imported'],
  [/:4\.8\.0\*/, 'Reactive energy exported'],
  [/:9\.8\.0\*/, 'Apparent energy imported'],
  [/:1\.7\.0\*/, 'Power imported'],
  [/:2\.7\.0\*/, 'Power exported'],
  [/:16\.7\.0\*/, 'Power, import less export'],
  [/:14\.7\.0\*/, 'Frequency'],
  [/:32\.7\.0\*/, 'Voltage L1'],
  [/:52\.7\.0\*/, 'Voltage L2'],
  [/:72\.7\.0\*/, 'Voltage L3'],
  [/:31\.7\.0\*/, 'Current L1'],
  [/:51\.7\.0\*/, 'Current L2'],
  [/:71\.7\.0\*/, 'Current L3'],
  [/:12\.7\.0\*/, 'Voltage'],
  [/:11\.7\.0\*/, 'Current'],
  [/:13\.7\.0\*/, 'Power factor'],
]

/** What a register counts, in words; the code itself when it is a rare one. */
export const registerText = (obis: string): string =>
  REGISTER_WORDS.find(([pattern]) => pattern.test(obis))?.[1] ?? obis

const CLOCK_WORDS: ReadonlyMap<string, string> = new Map([
  ['S', 'synchronised'],
  ['R', 'free-running'],
  ['I', 'informative only'],
  ['U', 'unknown'],
  // For a meter's clock: B0.
  ['V', 'valid'],
  ['X', 'invalid'],
])
export const clockStateText = (letter: string | null): string =>
  letter === null ? 'not reported yet' : (CLOCK_WORDS.get(letter) ?? letter)

/** `synchronised, within 12 ms`. */
export function clockText(letter: string, boundMs: number): string {
  const words = clockStateText(letter)
  const known = letter !== 'U' && boundMs < CLOCK_BOUND_UNKNOWN
  return known ? `${words}, within ${boundMs} ms` : words
}

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** `12 s ago`, `3 min ago`, `5 h ago`, `2 d ago`; `in 5 min` for what is still to come. */
export function agoText(at: UnixMs, now: UnixMs): string {
  const span = Math.abs(now - at)
  if (span < SECOND) return 'now'
  const text = spanText(span)
  return at > now ? `in ${text}` : `${text} ago`
}

/** Two clocks that differ by less agree, milliseconds: what was read a moment ago by a slave whose
 * clock is a little ahead was read now. */
const AGREED = 5 * SECOND

/** The same of what has happened: `2 min ahead of our clock` says that whoever dated it has a fast
 * clock, or ours is slow. */
export function pastText(at: UnixMs, now: UnixMs): string {
  if (at <= now) return agoText(at, now)
  return at - now <= AGREED ? 'now' : `${spanText(at - now)} ahead of our clock`
}

/** Milliseconds in the unit people would choose, cut to whole units: `812 ms`, `4 min`. */
export function spanText(span: number): string {
  if (span < SECOND) return `${span} ms`
  if (span < MINUTE) return `${Math.floor(span / SECOND)} s`
  if (span < HOUR) return `${Math.floor(span / MINUTE)} min`
  if (span < 2 * DAY) return `${Math.floor(span / HOUR)} h`
  return `${Math.floor(span / DAY)} d`
}

/** `2026-05-31 13:05:09 UTC`. */
export const utcSecondText = (at: UnixMs): string =>
  `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`

/** Whole numbers with a thin gap between thousands: 1234567 gives `1 234 567`. */
export const countText = (count: number): string =>
  Math.trunc(count)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ' ')

const US = { ms: 1_000, s: 1_000_000, min: 60_000_000, h: 3_600_000_000, d: 86_400_000_000 }

/** A length of time in the unit people would choose, to three digits, whatever its sign: 112 gives
 * `112 µs`, 9400 `9.4 ms`, 180000000 `3 min`. */
export function lengthText(us: number): string {
  const length = Math.abs(us)
  if (length < US.ms) return `${digits(length)} µs`
  if (length < US.s) return `${digits(length / US.ms)} ms`
  if (length < 2 * US.min) return `${digits(length / US.s)} s`
  if (length < 2 * US.h) return `${digits(length / US.min)} min`
  if (length < 2 * US.d) return `${digits(length / US.h)} h`
  return `${countText(Math.round(length / US.d))} d`
}

const digits = (value: number): string => String(Number(value.toPrecision(3)))

/** `+112 µs`, `−3 min`; zero has no sign. */
export const signedText = (us: number): string =>
  us === 0 ? lengthText(us) : `${us < 0 ? '−' : '+'}${lengthText(us)}`

/** How much faster than UTC a clock runs, in chrony's words: (-12345) gives `12.345 ppm slow`; null
 * is not known. */
export function rateText(ppb: number | null): string {
  if (ppb === null) return 'not learned yet'
  return `${ppmText(Math.abs(ppb))} ${ppb < 0 ? 'slow' : 'fast'}`
}

export const ppmText = (ppb: number): string => `${(ppb / 1_000).toFixed(3)} ppm`

/** A count that stopped one above `most`: `12`, `more than 1 000`. */
export const manyText = (count: number, most: number): string =>
  count > most ? `more than ${countText(most)}` : countText(count)
