// When to ask for the time next: four questions in a row at the start, because one of them will
// meet short queues; then rarely while the estimate is stable, and more often again when it moves,
// when an answer was missed, or when the bound would grow too far before the next.

import { type Ppm, type SpanUs, spanUs } from '../../units.ts'

/** Questions in a row at the start, as many as NTP clients send ("iburst"): one of them will meet
 * short queues. */
export const BURST = 4
/** Between those, microseconds: at its shortest still longer than the delay limit of 2 s, so that
 * no question replaces one whose answer may count; and what public servers tolerate (RFC 8633,
 * 2 s). */
export const BURST_INTERVAL_US = 2_500_000
/** Shortest interval afterwards, microseconds: the bound grows by at most 4 ms in it. */
export const INTERVAL_MIN_US = 16_000_000
/** Longest interval, microseconds: 100,000 slaves ask 400 a second, and a repair of the master's
 * clock is noticed within 5 minutes. */
export const INTERVAL_MAX_US = 256_000_000
/** Most that the bound may grow between two questions, microseconds: 64 s while only the
 * oscillator's tolerance is known, 256 s once its rate is measured. */
export const GROWTH_MAX_US = 30_000
/** When a sample moves the estimate by more than this, we ask more often, microseconds: readings
 * carry milliseconds. */
export const RESTLESS_US = 1_000
/** Good answers in a row before the interval doubles. */
export const GOOD_BEFORE_LONGER = 4
/** The interval varies by this fraction of itself either way, so that slaves do not fall into
 * step. */
export const JITTER = 0.1

export interface Poll {
  /** Questions of the burst still to be asked after the open one. */
  readonly burstLeft: number
  readonly intervalUs: number
  /** Good answers since the interval last changed. */
  readonly good: number
}

/** The outcome of the last question. */
export interface Outcome {
  /** It brought a sample in time. */
  readonly good: boolean
  /** How far the sample moved the estimate. */
  readonly moved: SpanUs
  /** How fast the bound grows now. */
  readonly growth: Ppm
}

/** At the start and after a sleep or a reconnect: ask at once, then wait as `nextAsk` says. */
export const START_POLL: Poll = { burstLeft: BURST - 1, intervalUs: INTERVAL_MIN_US, good: 0 }

/** How long to wait from one question to the next. `random` is uniform in [0, 1). */
export function nextAsk(
  poll: Poll,
  outcome: Outcome,
  random: number,
): { readonly poll: Poll; readonly wait: SpanUs } {
  const next = advance(poll, outcome)
  const intervalUs = poll.burstLeft > 0 ? BURST_INTERVAL_US : next.intervalUs
  return { poll: next, wait: spanUs(intervalUs * (1 + JITTER * (2 * random - 1))) }
}

function advance({ burstLeft, intervalUs, good }: Poll, outcome: Outcome): Poll {
  if (burstLeft > 0) return { burstLeft: burstLeft - 1, intervalUs, good: 0 }
  if (!outcome.good) return { burstLeft: 0, intervalUs: INTERVAL_MIN_US, good: 0 }
  const affords = (us: number): boolean => us * outcome.growth * 1e-6 <= GROWTH_MAX_US
  if (outcome.moved > RESTLESS_US || !affords(intervalUs)) {
    return { burstLeft: 0, intervalUs: Math.max(intervalUs / 2, INTERVAL_MIN_US), good: 0 }
  }
  if (good + 1 < GOOD_BEFORE_LONGER) return { burstLeft: 0, intervalUs, good: good + 1 }
  const longer = Math.min(2 * intervalUs, INTERVAL_MAX_US)
  return { burstLeft: 0, intervalUs: affords(longer) ? longer : intervalUs, good: 0 }
}
