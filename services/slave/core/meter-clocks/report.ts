// What the master learns of the meters' clocks, and when.

import { STATUS_INVALID } from '../../../../shared/clock/meter/meter-clock-line.ts'
import { BOUND_UNKNOWN_US } from '../../../../shared/clock/clock-state.ts'
import { type MonoUs, spanUs, spanUsToMs } from '../../../../shared/units.ts'
import type { Keeping, Reported } from '../state/meter-clocks.ts'
import type { Owned } from '../state/own.ts'
import { isOpen, sendControl, type Turn } from '../turn.ts'
import { registerNow, seenNow } from './keeping.ts'

/** First and longest time without a report, microseconds. It doubles: the head-end drops what it
 * hears of a meter before its first reading came, and the pages show hours. */
const REPORT_AGAIN_US = 60_000_000
const REPORT_EVERY_US = 3_600_000_000
/** Reports in one step, of which there are about four a second: a master takes 1,000 a minute. */
const REPORTS_MAX = 3
/** A clock that moved by more than this beyond its bound is reported at once. */
const MOVED = spanUs(100_000)

/** Reports what changed, and every clock once an hour and on each new link: what was reported on
 * the one before may not have arrived. On a link that is down it waits. */
export function reportClocks(turn: Turn): void {
  if (!isOpen(turn)) return
  let reports = 0
  for (const keeping of turn.state.meterClocks.kept.values()) {
    const long = keeping.reported !== null && isStale(keeping.reported, turn)
    if ((keeping.unreported || long) && reportClock(turn, keeping)) reports += 1
    if (reports >= REPORTS_MAX) return
  }
}

const isStale = ({ at, link, again }: Reported, { state, mono }: Turn): boolean =>
  link !== state.link.number || mono - at >= again

/** True when it was sent. */
function reportClock(turn: Turn, keeping: Owned<Keeping>): boolean {
  const { state, mono } = turn
  const { meter, resolution, outcome, event, status, reported } = keeping
  keeping.unreported = false
  const seen = seenNow(keeping, turn)
  // Nothing is known, and nothing was done.
  if (seen === null && outcome !== 'unsupported' && outcome !== 'silent') return false
  const offset = seen?.offset ?? spanUs(0)
  const bound = seen?.bound ?? spanUs(BOUND_UNKNOWN_US)
  const invalid = keeping.fault === 'MTR-11' || ((status ?? 0) & STATUS_INVALID) !== 0
  const { month, sum } = registerNow(keeping, turn)
  const key = `${seen === null} ${outcome} ${event} ${invalid} ${month} ${sum}`
  const moved = Math.abs(offset - (reported?.offset ?? 0)) > bound + MOVED
  const again = reported === null || isStale(reported, turn)
  if (!again && !moved && key === reported.key) return false
  const sent = sendControl(turn, {
    is: 'meter-clock',
    meter,
    offset,
    bound,
    resolution,
    frequency: seen?.rateKnown === true ? seen.frequency : null,
    monthlyDrift: spanUsToMs(sum),
    invalid,
    outcome,
    event,
  })
  keeping.unreported = !sent
  if (!sent) return false
  const { number: link } = state.link
  keeping.reported = { key, offset, at: mono, link, again: againAfter(reported, mono) }
  return true
}

function againAfter(reported: Reported | null, mono: MonoUs): number {
  if (reported === null) return REPORT_AGAIN_US
  const { at, again } = reported
  return mono - at < again ? again : Math.min(2 * again, REPORT_EVERY_US)
}
