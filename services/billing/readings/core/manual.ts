// A register as somebody read it from a display: whether it fits what else is known of that
// register. A reading that contradicts another one is refused, because a bill between the two would
// be wrong whichever of them is; what is merely unusual is a warning, which whoever was there
// may confirm. Exact: integers with a power of ten, never a float.

import { UNIT } from '../../../../shared/meter/reading.ts'
import type { UnixMs } from '../../../../shared/units.ts'
import { compare, type Decimal, decimal, minus, plus, scaled, ZERO } from '../../civil/money.ts'
import { civilDateAt, isZone } from '../../civil/calendar.ts'
import { rolloverIncrease } from './rollover.ts'

/** A register at an instant: value * 10^exponent of its unit. */
export interface Shown {
  readonly at: UnixMs
  readonly value: number
  readonly exponent: number
  /** A device, or the kind of a reading by hand. */
  readonly by: 'device' | 'opening' | 'closing' | 'technician' | 'customer'
}

/** What is known of a register around an instant. */
export interface Around {
  /** The nearest one not after it, and the nearest one after it. */
  readonly before: Shown | null
  readonly after: Shown | null
  /** An earlier one than `before`, days before it: the usual consumption is the rate between. */
  readonly earlier: Shown | null
}

export interface ManualMeter {
  /** The register rolls over at 10^digits of its own resolution; null: not known. */
  readonly digits: number | null
}

export type Finding =
  /** It shows less than before, or more than later. */
  | { readonly is: 'backwards'; readonly than: 'before' | 'after'; readonly other: Shown }
  /** Something counts already for the very same instant. */
  | { readonly is: 'same instant'; readonly other: Shown }
  /** More than any metering point carries. */
  | { readonly is: 'impossible'; readonly other: Shown }
  | { readonly is: 'rolled over'; readonly other: Shown }
  /** So many times the usual rate. */
  | { readonly is: 'far above'; readonly times: number; readonly other: Shown }

/** What contradicts is refused (BIL-32); the rest is for whoever was there to confirm. */
export const isRefusal = ({ is }: Finding): boolean =>
  is === 'backwards' || is === 'same instant' || is === 'impossible'

/** So many times the usual consumption is asked about: a household's winter is three times its
 * summer; a transposed digit is more than ten times. */
const FAR_ABOVE = 5n
/** Below so much a day nothing is asked about, in units as people write them (kWh, m³): an empty
 * flat that is lived in again. */
const ASK_FROM_PER_DAY = 10n
/** Power that none of our metering points carries (readings/core/quality.ts), watts. */
const IMPOSSIBLE_W = 500_000n
const DAY_MS = 86_400_000n
const HOUR_MS = 3_600_000n
/** The usual consumption is taken from no shorter time, milliseconds. */
const USUAL_FROM_MS = 2 * 86_400_000

/** What is odd about a reading. `unit`: as the register counts. */
export function findingsOf(
  reading: Shown,
  { before, after, earlier }: Around,
  { digits, unit }: ManualMeter & { readonly unit: number },
): readonly Finding[] {
  if (before?.at === reading.at) {
    // What a device said at that instant may be said again by a person, not otherwise.
    const again = before.by === 'device' && compare(amount(before), amount(reading)) === 0
    if (!again) return [{ is: 'same instant', other: before }]
  }
  const findings: Finding[] = []
  if (before !== null && before.at < reading.at) {
    const rise = riseOf(before, reading, digits)
    if (rise === null) findings.push({ is: 'backwards', than: 'before', other: before })
    else findings.push(...tooMuch(rise, { from: before, to: reading, earlier, digits, unit }))
  }
  if (after !== null && after.at > reading.at && riseOf(reading, after, digits) === null) {
    findings.push({ is: 'backwards', than: 'after', other: after })
  }
  return findings
}

const amount = ({ value, exponent }: Shown): Decimal => scaled(BigInt(value), exponent)

interface Rise {
  readonly amount: Decimal
  readonly rolledOver: boolean
}

/** How much the register counted between two readings; null: it went backwards. A person reads what
 * a display shows, cut to its digits: up to one of the last digit more may stand behind it. */
function riseOf(from: Shown, to: Shown, digits: number | null): Rise | null {
  const difference = minus(amount(to), amount(from))
  if (difference.units >= 0n) return { amount: difference, rolledOver: false }
  const unseen = to.by === 'device' ? ZERO : scaled(1n, to.exponent)
  if (compare(plus(difference, unseen), ZERO) > 0) return { amount: ZERO, rolledOver: false }
  const exponent = Math.min(from.exponent, to.exponent)
  const [before, after] = [from, to].map((shown) =>
    Number(BigInt(shown.value) * 10n ** BigInt(shown.exponent - exponent)),
  )
  const increase = rolloverIncrease(digits, { from: before ?? 0, to: after ?? 0 })
  return increase === null ? null : { amount: scaled(increase, exponent), rolledOver: true }
}

function tooMuch(
  rise: Rise,
  span: {
    readonly from: Shown
    readonly to: Shown
    readonly earlier: Shown | null
    readonly digits: number | null
    readonly unit: number
  },
): readonly Finding[] {
  const { from: other, to, earlier, digits, unit } = span
  const ms = BigInt(to.at - other.at)
  const energy = unit === UNIT.Wh || unit === UNIT.VAh || unit === UNIT.varh
  // At least an hour: a register that counts whole kWh may step by one within a second.
  const hours = ms > HOUR_MS ? ms : HOUR_MS
  const most = decimal((IMPOSSIBLE_W * hours) / HOUR_MS, 0)
  if (energy && compare(rise.amount, most) > 0) return [{ is: 'impossible', other }]
  const findings: Finding[] = rise.rolledOver ? [{ is: 'rolled over', other }] : []
  const days = ms > DAY_MS ? ms : DAY_MS
  const asked = scaled((ASK_FROM_PER_DAY * days) / DAY_MS, powerOf(unit))
  if (earlier === null || other.at - earlier.at < USUAL_FROM_MS) return findings
  const usual = riseOf(earlier, other, digits)
  if (usual === null || compare(rise.amount, asked) <= 0) return findings
  const usualMs = BigInt(other.at - earlier.at)
  // rise / ms against usual / usualMs, without a division.
  const now = decimal(rise.amount.units * usualMs, rise.amount.scale)
  const then = decimal(usual.amount.units * ms, usual.amount.scale)
  if (compare(now, decimal(then.units * FAR_ABOVE, then.scale)) <= 0) return findings
  return [...findings, { is: 'far above', times: ratio(now, then), other }]
}

/** People write kWh, MJ and m³. */
function powerOf(unit: number): number {
  if (unit === UNIT.J) return 6
  return unit === UNIT.Wh || unit === UNIT.VAh || unit === UNIT.varh ? 3 : 0
}

/** Most that is said: beyond it a number says nothing more. */
const TIMES_MAX = 1_000n

function ratio(now: Decimal, then: Decimal): number {
  if (then.units === 0n) return Number(TIMES_MAX)
  const scale = Math.max(now.scale, then.scale)
  const at = ({ units, scale: own }: Decimal) => units * 10n ** BigInt(scale - own)
  const times = at(now) / at(then)
  return Number(times > TIMES_MAX ? TIMES_MAX : times)
}

/** Why a typed value cannot stand in the register. */
export type Misfit =
  /** It has more digits behind the point than the register: so many count. */
  | { readonly is: 'too fine'; readonly decimals: number }
  | { readonly is: 'too large'; readonly digits: number }

/** Whether the register can show such a value; null: it can. The value stays as it was typed, its
 * last digit says how finely it was read. `power`: of the unit it was typed in, 3 for kWh. */
export function misfitOf(
  typed: { readonly value: number; readonly exponent: number },
  register: {
    readonly exponent: number | null
    readonly digits: number | null
    readonly power: number
  },
): Misfit | null {
  const { digits, power } = register
  const own = register.exponent ?? typed.exponent
  const finer = 10n ** BigInt(Math.max(own - typed.exponent, 0))
  if (BigInt(typed.value) % finer !== 0n) {
    return { is: 'too fine', decimals: Math.max(power - own, 0) }
  }
  const most = Math.min(digits ?? SAFE_DIGITS, SAFE_DIGITS)
  const shown = (BigInt(typed.value) * 10n ** BigInt(Math.max(typed.exponent - own, 0))) / finer
  return shown >= 10n ** BigInt(most) ? { is: 'too large', digits: most } : null
}

/** Every number of so many digits is a safe integer. */
const SAFE_DIGITS = 15

/** A time is typed to the minute: what a device said within it is neither before nor after. */
export const TYPED_TO_MS = 60_000

/** Where a meter hung, and for a customer whose it was. */
export interface PlaceOfMeter {
  readonly address: string
  readonly servicePoint: string
  readonly zone: string
  /** It hung there in [from, to). */
  readonly from: UnixMs
  readonly to: UnixMs | null
  /** A customer's contract there, local dates [from, to); null: not asked for. */
  readonly contract: { readonly from: string; readonly to: string | null } | null
}

/** A zone that this machine does not know is a fault of its own (BIL-27); until it is mended, times
 * at that place are UTC. */
export const zoneOf = ({ zone }: Pick<PlaceOfMeter, 'zone'>): string =>
  isZone(zone) ? zone : 'UTC'

/** The place where the meter hung at that instant, under a contract of the customer's where one is
 * asked for; null: none. */
export function placeAt(places: readonly PlaceOfMeter[], at: UnixMs): PlaceOfMeter | null {
  return (
    places.find((place) => {
      const { from, to, contract } = place
      if (at < from || (to !== null && at >= to)) return false
      if (contract === null) return true
      const day = civilDateAt(at, zoneOf(place))
      return day >= contract.from && (contract.to === null || day < contract.to)
    }) ?? null
  )
}
