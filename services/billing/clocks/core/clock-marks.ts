// When a clock counts as held over, and the events of clocks: shared by the store, the pages, the
// metrics and the command line.

import { type SpanMs, spanMs } from '../../../../shared/units.ts'

/** Without a sample for longer than this a clock is held over, milliseconds: more than the longest
 * poll interval anybody keeps (1,024 s and a tenth). */
export const HELD_OVER: SpanMs = spanMs(20 * 60_000)

/** Beyond this a head-end counts a meter's clock as off. Source: UNI/TS 11291, 2 s. */
export const METER_OFF_US = 2_000_000

/** Beyond this, its bound granted, a meter's times cannot be used: bills rely on readings timed to
 * the minute, and a light correction ends there (MTR-10). */
export const METER_FAR_OFF_US = 60_000_000

/** What may happen to a clock, by the code it is stored under. 10 to 12: UNI/TS 11291. */
export const CLOCK_EVENT_WORDS = {
  synchronised: 'synchronised',
  'free-running': 'free-running: its bound is over a second',
  informative: 'informative only: no good sample yet',
  unknown: 'no longer known',
  step: 'corrected by more than a slew',
  holdover: 'held over: no sample for 20 minutes',
  recovered: 'samples again after a holdover',
  invalid: 'its readings are invalid (B0)',
  valid: 'its readings are valid again',
  set: 'stepped: set by somebody else, or the slave’s clock jumped',
  rejected: 'rejected a synchronisation',
  unsupported: 'cannot be synchronised',
  silent: 'does not report its time',
  10: 'event 10: readings invalid, more than 4 h off',
  11: 'event 11: set while not configured',
  12: 'event 12: strong synchronisation executed',
  falseticker: 'source tells the wrong time',
  'source-lost': 'source is unusable',
  reference: 'follows',
} as const
export type ClockEventCode = `${keyof typeof CLOCK_EVENT_WORDS}`

export const isClockEventCode = (code: string): code is ClockEventCode =>
  Object.hasOwn(CLOCK_EVENT_WORDS, code)

/** An event of a clock in words; the code itself if another version wrote it. */
export function eventWords(code: string): string {
  if (!isClockEventCode(code)) return code
  const words = CLOCK_EVENT_WORDS[code]
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}`
}
