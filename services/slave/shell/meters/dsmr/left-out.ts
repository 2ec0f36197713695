// What a meter's telegrams say and we do not take is named once, not with every telegram: a meter
// sends the same lines every second for twenty years.

import type { LeftOut } from '../../../../../shared/meter/dsmr/telegram.ts'
import { elapsedUs, type MonoUs } from '../../../../../shared/units.ts'

/** Kinds that are remembered for a line. The longest telegrams have 50 lines; more kinds than this
 * are made up, or noise that a line without checksum lets through. */
const KINDS_MAX = 128
/** Named in one message, so that its length has a limit; the rest follow with the next telegram. */
const TOLD_AT_ONCE_MAX = 32
/** A log is kept for a while, not for ever: each day has its message. */
const AGAIN_US = 86_400_000_000

const FAULTS = ['MTR-07', 'MTR-13', 'MTR-15'] as const

/** What is to be told of a telegram now: at most one message per fault. */
export type LeftOutWatch = (
  leftOut: readonly LeftOut[],
  at: MonoUs,
) => readonly { readonly fault: LeftOut['fault']; readonly detail: string }[]

const wordsOf = ({ what, unit, why }: LeftOut): string =>
  unit === null ? `${what} (${why})` : `${what} in ${unit} (${why})`

export function leftOutWatch(): LeftOutWatch {
  const told = new Map<string, MonoUs>()
  const isNew = (kind: string, at: MonoUs): boolean => {
    const before = told.get(kind)
    if (before !== undefined && elapsedUs(before, at) < AGAIN_US) return false
    if (before === undefined && told.size >= KINDS_MAX) return false
    told.set(kind, at)
    return true
  }
  return (leftOut, at) =>
    FAULTS.flatMap((fault) => {
      const words = leftOut.filter((one) => one.fault === fault).map(wordsOf)
      const fresh: string[] = []
      for (const word of words) {
        if (fresh.length >= TOLD_AT_ONCE_MAX) break
        if (isNew(`${fault} ${word}`, at)) fresh.push(word)
      }
      const full = told.size >= KINDS_MAX && words.some((word) => !told.has(`${fault} ${word}`))
      if (full && isMoreNew(told, fault, at)) fresh.push(`more kinds than ${KINDS_MAX}`)
      return fresh.length === 0 ? [] : [{ fault, detail: fresh.join(', ') }]
    })
}

/** Kinds that are no longer remembered one by one are mentioned together, once a day too. */
function isMoreNew(told: Map<string, MonoUs>, fault: string, at: MonoUs): boolean {
  const before = told.get(fault)
  if (before !== undefined && elapsedUs(before, at) < AGAIN_US) return false
  told.set(fault, at)
  return true
}
