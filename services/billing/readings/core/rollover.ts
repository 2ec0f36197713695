// Whether a register that shows less than before passed zero or went backwards. Bills and the
// quality marks of single readings ask here, so that they never disagree about one pair of values.

/** A rollover may bring at most this part of the register's range, 1/n. Above half, the way back is
 * the shorter one: a register that went back a little would count as a nearly full turn, the "huge
 * bill after meter exchange" of dsmr-reader #863. Below half a true rollover would be refused:
 * directive 2014/32/EU, annex V, has a register last 4,000 hours at full load, so that a month may
 * bring 19 % of it and a quarter 55 %. */
const ROLLOVER_PART_MAX = 2n

/** How far a register went through zero from `from` to `to`, in its own resolution; null when that
 * was no rollover: the register never rolls over (`digits` null), shows more than its digits can,
 * or would have gone through more than half its range. It rolls over at 10^digits. */
export function rolloverIncrease(
  digits: number | null,
  { from, to }: { readonly from: number; readonly to: number },
): bigint | null {
  if (digits === null || to < 0) return null
  const range = 10n ** BigInt(digits)
  const [before, after] = [BigInt(from), BigInt(to)]
  const increase = range - before + after
  return before >= range || increase * ROLLOVER_PART_MAX > range ? null : increase
}
