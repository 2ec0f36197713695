// When to ask for the time next: four questions in a row at the start, because one of them will
// meet short queues; then rarely, and more often again when an answer was missed or bad.

import { type SpanUs, spanUs } from '../units.ts'

/** Questions in a row at the start, as many as NTP clients send to begin with. */
export const BURST = 4
/** Between those, microseconds: at its shortest still longer than the delay limit of 2 s, so that
 * no question gives up one whose answer may count. */
export const BURST_INTERVAL_US = 2_500_000
/** Shortest interval afterwards, microseconds: the bound grows by 4 ms in it. */
export const INTERVAL_MIN_US = 16_000_000
/** Longest interval, microseconds: the bound grows by 16 ms in it; 100,000 slaves ask 1,600 a
 * second. */
export const INTERVAL_MAX_US = 64_000_000
/** Good answers in a row before the interval doubles: half of what the filter keeps. */
export const GOOD_BEFORE_LONGER = 4
/** The interval varies by this much of itself either way, so that slaves do not fall into step. */
export const JITTER = 0.1

export interface Poll {
  /** Questions of the burst still to be asked after the open one. */
  readonly burstLeft: number
  readonly intervalUs: number
  /** Good answers since the interval last changed. */
  readonly good: number
}

/** At the start and after a sleep or a reconnect: ask at once, then wait as `nextAsk` says. */
export const START_POLL: Poll = { burstLeft: BURST - 1, intervalUs: INTERVAL_MIN_US, good: 0 }

/** How long to wait from one question to the next. `good`: the last question brought a sample in
 * time. `random` is uniform in [0, 1). */
export function nextAsk(
  poll: Poll,
  good: boolean,
  random: number,
): { readonly poll: Poll; readonly wait: SpanUs } {
  const next = advance(poll, good)
  const intervalUs = poll.burstLeft > 0 ? BURST_INTERVAL_US : next.intervalUs
  return { poll: next, wait: spanUs(intervalUs * (1 + JITTER * (2 * random - 1))) }
}

function advance({ burstLeft, intervalUs, good }: Poll, wasGood: boolean): Poll {
  if (burstLeft > 0) return { burstLeft: burstLeft - 1, intervalUs, good: 0 }
  if (!wasGood) return { burstLeft: 0, intervalUs: INTERVAL_MIN_US, good: 0 }
  if (good + 1 < GOOD_BEFORE_LONGER) return { burstLeft: 0, intervalUs, good: good + 1 }
  return { burstLeft: 0, intervalUs: Math.min(2 * intervalUs, INTERVAL_MAX_US), good: 0 }
}
