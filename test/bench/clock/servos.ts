// The clocks under comparison, each behind the same small interface: ours as the slave keeps it,
// and one that is set at every sample.

import {
  type Estimator,
  estimateAt,
  KNOWS_NOTHING,
  learn,
  withoutPhase,
} from '../../../shared/clock/estimate/estimator.ts'
import type { Sample } from '../../../shared/clock/estimate/exchange.ts'
import {
  believedAt,
  qualityAt,
  type SoftClock,
  slept,
  startClock,
  steer,
  timeAt,
} from '../../../shared/clock/estimate/softclock.ts'
import { elapsedUs, type MonoUs, shiftUs, unixUs } from '../../../shared/units.ts'
import { ORIGIN_US, type Servo } from './world.ts'

export interface Ours extends Servo {
  /** The time believed, whatever is shown meanwhile. */
  readonly believed: (mono: MonoUs) => number
  /** The claimed limit of |UTC - at|, microseconds; null while nothing is claimed. */
  readonly bound: (mono: MonoUs) => number | null
  /** How far the time shown was from the estimate at the last sample, microseconds. */
  readonly adjusted: () => number
}

/** Estimator and software clock, joined as in the slave. */
export function ours(knowing: Estimator = KNOWS_NOTHING): Ours {
  let estimator = knowing
  let clock: SoftClock | null = null
  let adjusted = 0
  const running = (): SoftClock => {
    if (clock === null) throw new Error('broken promise: asked after the first sample')
    return clock
  }
  return {
    take: (sample, mono) => {
      estimator = learn(estimator, sample)
      const estimate = estimateAt(estimator, mono)
      if (estimate === null) return
      const guess = shiftUs(estimate.utc, elapsedUs(estimate.mono, mono))
      clock ??= startClock({ mono, guess, lastUsed: null })
      const steered = steer(clock, estimate, mono)
      clock = steered.clock
      adjusted = steered.offset
    },
    at: (mono) => timeAt(running(), mono),
    slept: (mono) => {
      estimator = withoutPhase(estimator)
      if (clock !== null) clock = slept(clock, mono)
    },
    believed: (mono) => believedAt(running(), mono)?.utc ?? unixUs(ORIGIN_US),
    bound: (mono) => {
      const { state, bound } = qualityAt(running(), mono)
      return state === 'U' ? null : bound
    },
    adjusted: () => adjusted,
  }
}

/** The paper's way: the clock is set at each sample and runs as its crystal does until the next. */
export function step(): Servo {
  let last: Sample | null = null
  return {
    take: (sample) => {
      last = sample
    },
    at: (mono) => (last === null ? ORIGIN_US : last.utc + (mono - last.mono)),
    slept: () => {
      last = null
    },
  }
}
