// Tests of a mail server or gateway before it is saved: what comes back, and how many are allowed.

import { spanMs, shiftMs, type UnixMs } from '../../../../shared/units.ts'

export type TestResult =
  | { readonly ok: true; readonly said: string }
  | {
      readonly ok: false
      readonly fault: 'OPS-35' | 'OPS-36'
      /** What happened, in our words. */
      readonly why: string
      /** The other side's answer, or the system's reason; may be empty. */
      readonly said: string
    }

/** What is sent. */
export interface TestMessage {
  readonly to: string
  /** The utility's name; null: it has none yet. */
  readonly utility: string | null
  readonly publicUrl: string | null
  readonly now: UnixMs
}

/** Tests a minute, of all operators together: enough to correct a port and a password, far too few
 * to search a network by. */
export const TESTS_PER_MINUTE = 6
const MINUTE = spanMs(60_000)

/** Whether one more test may begin at `now`, given when the last ones began; and those that count
 * from then on. A clock that was set back forgets them. */
export function admitTest(
  began: readonly UnixMs[],
  now: UnixMs,
): { readonly ok: boolean; readonly began: readonly UnixMs[] } {
  const recent = began.filter((at) => at <= now && now < shiftMs(at, MINUTE))
  const ok = recent.length < TESTS_PER_MINUTE
  return { ok, began: ok ? [...recent, now] : recent }
}
