// Whether a document may be published from a day on, and what whoever publishes it should know
// first. The rules of the page and of `ticklock tariff publish`.

import { type CivilDate, dateText, isCivilDate, monthOf } from '../../civil/calendar.ts'

/** What the database knows about the tariff and that day. */
export interface Standing {
  /** First days of the published versions of this code, with their hashes. */
  readonly versions: readonly { readonly validFrom: CivilDate; readonly hash: string }[]
  /** Bills already issued under this tariff for periods that end after that day. */
  readonly billed: number
}

/** How many bills are counted; beyond that it is "more than". */
export const BILLED_MAX = 1_000

/** Why not from that day, in words; null when it may be. */
export function dayRefusal(day: string, hash: string, { versions }: Standing): string | null {
  if (!isCivilDate(day)) return 'Not a date: write it as 2026-04-01.'
  const same = versions.find(({ validFrom }) => validFrom === day)
  if (same !== undefined) {
    return same.hash === hash
      ? `This very document is already published from ${dateText(day)} on.`
      : `Another version is published from ${dateText(day)} on, and a version never changes: choose another day.`
  }
  const { from, to } = monthOf(day)
  return day === from
    ? null
    : `A bill covers a month and shows one price list: choose ${from} or ${to}, the first of a month.`
}

/** What happens that one might not expect, in words. It has to be confirmed. */
export function dayWarnings(day: CivilDate, { versions, billed }: Standing): readonly string[] {
  const warnings: string[] = []
  if (billed > 0) {
    const bills = billed > BILLED_MAX ? `more than ${BILLED_MAX} bills` : bill(billed)
    warnings.push(
      `${bills} for periods after ${dateText(day)} ${billed === 1 ? 'is' : 'are'} already issued under this tariff. ` +
        'They stay as they are: an issued bill never changes. Only periods that are not billed yet use the new version.',
    )
  }
  const next = versions
    .map(({ validFrom }) => validFrom)
    .filter((from) => from > day)
    .toSorted()[0]
  if (next !== undefined) {
    warnings.push(
      `It is valid until ${dateText(next)} only: from then on the version holds that was published for that day.`,
    )
  }
  return warnings
}

const bill = (count: number): string => (count === 1 ? '1 bill' : `${count} bills`)
