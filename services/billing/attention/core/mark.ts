// What an operator says of entries, from the fields of a form.

import type { UnixMs } from '../../../../shared/units.ts'
import { isCivilDate, startOfDay } from '../../civil/calendar.ts'
import type { Mark } from './views.ts'

/** Longest reason: two sentences. */
const REASON_CHARS_MAX = 300
/** An entry is muted for a year at most: nobody remembers it longer. */
const MUTE_MS_MAX = 366 * 86_400_000

interface MarkVerdict {
  /** Null when there is an error. */
  readonly mark: Mark | null
  /** By field. */
  readonly errors: Readonly<Record<string, string>>
}

/** `until` is a date; the entry is open again when that day begins (UTC). */
export function markOf(
  values: Readonly<Record<'do' | 'until' | 'reason', string>>,
  now: UnixMs,
): MarkVerdict {
  const { reason } = values
  if (values.do === 'seen' || values.do === 'open') {
    return { mark: { kind: values.do }, errors: {} }
  }
  const errors: Record<string, string> = {}
  if (reason === '') errors['reason'] = 'Say why, for whoever looks here next.'
  if (reason.length > REASON_CHARS_MAX) {
    errors['reason'] = `Too long: ${REASON_CHARS_MAX} characters are enough.`
  }
  if (values.do === 'close') {
    return { mark: errors['reason'] === undefined ? { kind: 'close', reason } : null, errors }
  }
  if (values.do !== 'mute') return { mark: null, errors: { do: 'Choose what to do.' } }
  const until = untilOf(values.until, now)
  if (until === null) errors['until'] = 'Give a day after today, within a year.'
  if (until === null || errors['reason'] !== undefined) return { mark: null, errors }
  return { mark: { kind: 'mute', until, reason }, errors }
}

function untilOf(date: string, now: UnixMs): UnixMs | null {
  if (!isCivilDate(date)) return null
  const until = startOfDay(date, 'UTC')
  return until > now && until - now <= MUTE_MS_MAX ? until : null
}
