// Whether a register that shows less than before rolled over or went backwards. Bills and the
// quality bits of single readings both ask here, so they never disagree about a pair of values.

/** A rollover may account for at most this part of the register's range, 1/n. Above half, going
 * back is the shorter way: a register that went back a little would count as a nearly full turn,
 * the "huge bill after meter exchange" of dsmr-reader #863. A limit below half would refuse true
 * rollovers: directive 2014/32/EU, annex V, has a register last 4,000 hours at full load, so that a
 * month may use 19 % of it and a quarter 55 %. */
const ROLLOVER_PART_MAX = 2n

/** Increase of a register that rolled over between `from` and `to`, in its own resolution; null
 * when that was no rollover: the register never rolls over (`digits` null), shows more than its
 * digits can, or would have gone through more than half its range. It rolls over at 10^digits. */
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
