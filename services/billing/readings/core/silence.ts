// When a meter counts as silent. Each register remembers the longest usual wait between two news of
// it (last_values.usual_s); three times that without news is silence, but never before a quarter of
// an hour and never later than 26 hours. News is what is stored with a newer time than all before:
// while a slave still brings what it kept, the meter speaks. The sink applies this (db/rows.ts).

/** So many usual waits in a row without news: one miss is a disturbance, the third a fault. */
export const SILENT_WAITS = 3
/** Not before this, seconds: a meter that pushes every second may miss some when its slave starts
 * again. */
export const SILENT_AFTER_MIN_S = 15 * 60
/** At the latest after this, seconds, and while nothing is known about its habit: a load profile
 * is fetched once a day, within the first hours of the night. */
export const SILENT_AFTER_MAX_S = 26 * 3_600

/** A longer wait counts at once; a shorter one moves the usual wait by this share. After a day's
 * outage a meter that speaks each second has its old limit back within five minutes. */
export const USUAL_SHRINK = 32

/** Seconds without news after which a meter counts as silent; `usualS`: null when not known. */
export function silentAfterS(usualS: number | null): number {
  if (usualS === null) return SILENT_AFTER_MAX_S
  return Math.min(SILENT_AFTER_MAX_S, Math.max(SILENT_AFTER_MIN_S, SILENT_WAITS * usualS))
}

/** The usual wait after one more of `gapS` seconds. */
export function usualAfter(usualS: number | null, gapS: number): number {
  const kept = Math.floor(((usualS ?? 0) * (USUAL_SHRINK - 1)) / USUAL_SHRINK)
  return Math.min(SILENT_AFTER_MAX_S, Math.max(gapS, kept))
}
