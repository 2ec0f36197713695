// The best guess of offset and frequency. How noisy the path is, how much the crystal wanders and
// in which direction packets queue are all unknown, and all three change; a filter given wrong
// numbers is either slow or nervous. So a bank of small Kalman filters runs side by side, one for
// each combination of plausible numbers, and each is weighted by how well it predicted the samples.
//
//   state       offset in microseconds, frequency in ppm (microseconds a second), and how sure
//   noise       a constant part, and in half of the filters a part that grows with the delay above
//               the least one: a reply that queued says little
//   lean        which direction queues: half the extra delay early, none, or half of it late
//   wander      the frequency walks at random
//
// Nothing here is guaranteed; what holds in any case is in interval.ts. Why this design and not a
// simpler or a richer one: docs/adr/0009-estimator.md. Read more: docs/clock.md, "The estimator".

import { type Ppm, ppm } from '../../units.ts'

/** Constant part of the noise, microseconds: from a quiet line to a satellite in the rain. */
const NOISES_US = [1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000]
/** How much the frequency changes in a second, ppm: from a crystal at a steady temperature to one
 * whose heater just came on, or one that a daemon began to slew. */
const WANDERS_PPM = [0.0003, 0.001, 0.003, 0.01, 0.1, 1]
/** Filters that expect this much wander start without a prior frequency: a wrong one from before is
 * abandoned within a few samples. */
const OPEN_MINDED = 1
/** Standard deviation of a frequency that was never measured, ppm: twice that is a poor crystal. */
export const FREQUENCY_UNKNOWN_PPM = 50
/** Fraction of the extra delay by which a sample is early. */
const LEANS = [-0.5, 0, 0.5]
/** Extra delay up to this many times a filter's constant noise says nothing about a lean: two
 * directions with uniform jitter differ by at most 3.5 times that noise, those with queues by 2 on
 * average. */
const LEAN_BEYOND = 2
/** Noise per microsecond of extra delay. Two exponential queues give 0.29; a little more, since few
 * samples are that regular. Zero is for paths on which the delay says nothing. */
const NOISE_PER_DELAY = [0, 0.4]
/** How much of a filter's weight is kept from one sample to the next: it remembers about a hundred
 * samples. */
const MEMORY = 0.99
/** Logarithm of the smallest weight relative to the best. A filter that falls this low restarts
 * from the best one: conditions may suit it later. */
const SUNK = -15
/** A sample further off than this many standard deviations counts as if it were at that limit: one
 * queued reply must not throw the filters off. */
const SURPRISE_MAX = 3
/** The least delay is taken over one to two such windows of samples: a path that became longer is
 * recognised after an hour or so. */
const WINDOW_SAMPLES = 256

interface Hypothesis {
  /** Square of the constant noise. */
  readonly noise: number
  /** Square of the wander. */
  readonly wander: number
  readonly lean: number
  readonly perDelay: number
}

const HYPOTHESES: readonly Hypothesis[] = NOISES_US.flatMap((noise) =>
  WANDERS_PPM.flatMap((wander) =>
    LEANS.flatMap((lean) =>
      NOISE_PER_DELAY.map((perDelay) => ({
        noise: noise ** 2,
        wander: wander ** 2,
        lean,
        perDelay,
      })),
    ),
  ),
)

/** Of each filter, side by side: offset, frequency, their covariance, logarithm of the weight. */
const [OFFSET, FREQUENCY, VAR_OFFSET, COVAR, VAR_FREQUENCY, MERIT, WIDTH] = [0, 1, 2, 3, 4, 5, 6]

export interface FrequencyPrior {
  readonly frequency: Ppm
  /** Its standard deviation. */
  readonly deviation: Ppm
}

export interface Bank {
  /** Never modified once made. */
  readonly filters: Float64Array
  /** Time of the last sample, seconds. */
  readonly at: number
  /** Least delay, microseconds: of this window so far, and of the one before. */
  readonly least: number
  readonly leastBefore: number
  readonly inWindow: number
}

export interface Measured {
  /** On our clock, from any origin. */
  readonly seconds: number
  /** UTC minus our clock, microseconds. */
  readonly offset: number
  /** Microseconds. */
  readonly roundTripDelay: number
}

/** A bank that has seen one sample. */
export function firstOf(measured: Measured, { frequency, deviation }: FrequencyPrior): Bank {
  const filters = new Float64Array(HYPOTHESES.length * WIDTH)
  const open = Math.max(deviation, FREQUENCY_UNKNOWN_PPM)
  for (const [index, { noise, wander }] of HYPOTHESES.entries()) {
    const filter = filters.subarray(index * WIDTH, (index + 1) * WIDTH)
    filter[OFFSET] = measured.offset
    filter[FREQUENCY] = frequency
    filter[VAR_OFFSET] = noise
    filter[VAR_FREQUENCY] = (wander >= OPEN_MINDED ? open : deviation) ** 2
  }
  const least = measured.roundTripDelay
  return {
    filters,
    at: measured.seconds,
    least,
    leastBefore: Number.POSITIVE_INFINITY,
    inWindow: 1,
  }
}

const leastOf = ({ least, leastBefore }: Bank): number => Math.min(least, leastBefore)

/** The bank after one more sample, not older than the last. */
export function fed(bank: Bank, measured: Measured): Bank {
  const filters = bank.filters.slice()
  const full = bank.inWindow >= WINDOW_SAMPLES
  const delay = measured.roundTripDelay
  const next = {
    filters,
    at: Math.max(bank.at, measured.seconds),
    least: full ? delay : Math.min(bank.least, delay),
    leastBefore: full ? bank.least : bank.leastBefore,
    inWindow: full ? 1 : bank.inWindow + 1,
  }
  const least = leastOf(next)
  const step: Step = {
    elapsed: next.at - bank.at,
    offset: measured.offset,
    extra: delay - least,
    leastGrew: least - leastOf(bank),
  }
  let best = 0
  for (const [index, hypothesis] of HYPOTHESES.entries()) {
    update(filters, index * WIDTH, hypothesis, step)
    const merit = (of: number): number => filters[of * WIDTH + MERIT] ?? 0
    if (merit(index) > merit(best)) best = index
  }
  settle(filters, best * WIDTH)
  return next
}

interface Step {
  readonly elapsed: number
  readonly offset: number
  readonly extra: number
  readonly leastGrew: number
}

/** One filter's step: predict, compare, correct. */
function update(filters: Float64Array, at: number, hypothesis: Hypothesis, step: Step): void {
  const read = (field: number): number => filters[at + field] ?? 0
  const { noise, wander, lean, perDelay } = hypothesis
  const { elapsed, extra } = step
  const frequency = read(FREQUENCY)
  // A leaning filter keeps the offset at the least delay, so it moves when that changes.
  const predicted = read(OFFSET) + lean * step.leastGrew + frequency * elapsed
  const varFrequency = read(VAR_FREQUENCY) + wander * elapsed
  const covar = read(COVAR) + elapsed * read(VAR_FREQUENCY) + (wander * elapsed ** 2) / 2
  const varOffset =
    read(VAR_OFFSET) +
    2 * elapsed * read(COVAR) +
    elapsed ** 2 * read(VAR_FREQUENCY) +
    (wander * elapsed ** 3) / 3
  // A leaning filter leans by what its own noise cannot explain. Leaning by all of it would put it
  // off by the mean jitter of the quick direction.
  const leaning = lean * Math.max(0, extra - LEAN_BEYOND * Math.sqrt(noise))
  const surprise = step.offset - leaning - predicted
  const expected = varOffset + noise + (perDelay * extra) ** 2
  const squared = surprise ** 2 / expected
  const far = squared > SURPRISE_MAX ** 2
  const spread = far ? surprise ** 2 / SURPRISE_MAX ** 2 : expected
  // Beyond that the cost grows with the distance, no longer with its square.
  const cost = far ? 2 * SURPRISE_MAX * Math.sqrt(squared) - SURPRISE_MAX ** 2 : squared
  const [gainOffset, gainFrequency] = [varOffset / spread, covar / spread]
  filters[at + OFFSET] = predicted + gainOffset * surprise
  filters[at + FREQUENCY] = frequency + gainFrequency * surprise
  filters[at + VAR_OFFSET] = varOffset * (1 - gainOffset)
  filters[at + COVAR] = covar * (1 - gainOffset)
  filters[at + VAR_FREQUENCY] = Math.max(0, varFrequency - gainFrequency * covar)
  filters[at + MERIT] = MEMORY * read(MERIT) - (Math.log(expected) + cost) / 2
}

/** Weights relative to the best filter; one that fell too low restarts from that one. */
function settle(filters: Float64Array, best: number): void {
  const merit = filters[best + MERIT] ?? 0
  for (let at = 0; at < filters.length; at += WIDTH) {
    const against = (filters[at + MERIT] ?? 0) - merit
    if (against < SUNK) filters.copyWithin(at, best, best + MERIT)
    filters[at + MERIT] = Math.max(SUNK, against)
  }
}

/** The filters' weighted mean, at the last sample. `deviation`: of the frequency, as far as they
 * agree. */
export function meanOf({ filters }: Bank): {
  readonly offset: number
  readonly frequency: Ppm
  readonly deviation: Ppm
} {
  let [weights, offsets, frequencies, squares] = [0, 0, 0, 0]
  for (let at = 0; at < filters.length; at += WIDTH) {
    const weight = Math.exp(filters[at + MERIT] ?? 0)
    const frequency = filters[at + FREQUENCY] ?? 0
    weights += weight
    offsets += weight * (filters[at + OFFSET] ?? 0)
    frequencies += weight * frequency
    squares += weight * ((filters[at + VAR_FREQUENCY] ?? 0) + frequency ** 2)
  }
  const frequency = frequencies / weights
  const variance = Math.max(0, squares / weights - frequency ** 2)
  return {
    offset: offsets / weights,
    frequency: ppm(frequency),
    deviation: ppm(Math.sqrt(variance)),
  }
}
