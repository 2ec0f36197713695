// The simulated worlds in which our clock is compared. They were fixed before the estimator was
// ever run in them; leave them as they are when you tune the estimator.

import {
  type Estimator,
  FREQUENCY_CHANGE_PPM,
  KNOWS_NOTHING,
  knowingOnly,
} from '../../../shared/clock/estimate/estimator.ts'
import { ppm } from '../../../shared/units.ts'
import {
  along,
  bell,
  bursts,
  constant,
  type Delay,
  diurnal,
  even,
  heavyTail,
  intermittent,
  losing,
  queue,
  serial,
  sometimes,
  steps,
  then,
} from './delays.ts'

export interface Scenario {
  readonly name: string
  readonly pollS: number
  /** Length of the world, seconds. */
  readonly seconds: number
  /** The second from which the error counts. */
  readonly fromS: number
  /** Rate of the slave's oscillator at the start; its sign is drawn. */
  readonly ratePpm: number
  /** Standard deviation of the rate's change in a second, parts of 1. */
  readonly wander: number
  /** Further deviation of the rate, ppm. */
  readonly swingPpm: (atS: number) => number
  readonly out: Delay
  readonly back: Delay
  /** What our estimator is told about the oscillator, where it is not the usual. */
  readonly knowing: Estimator
}

/** What the estimator learns from: a few hundred polls, and at least 20,000 s. */
const POLLS = 400
const SECONDS_MIN = 20_000
/** Share of a world that does not count: everybody may learn first. */
const WARM_UP = 0.3
export const DAY_S = 86_400

const still = (): number => 0
/** Outside temperature: 0.5 ppm up and down in a day. */
export const daily = (atS: number): number => 0.5 * Math.sin((2 * Math.PI * atS) / DAY_S)
/** A heater that switches on or off every half hour. */
const heater = (atS: number): number => (atS % 3_600 < 1_800 ? 1 : -1)
/** A crystal that warms up after power-on. */
const warmUp = (atS: number): number => 8 * Math.exp(-atS / 900)

type Most = Pick<Scenario, 'pollS' | 'ratePpm' | 'out' | 'back'> & Partial<Scenario>

export function scenario(name: string, most: Most): Scenario {
  const seconds = most.seconds ?? Math.max(SECONDS_MIN, POLLS * most.pollS)
  const fromS = Math.floor(seconds * WARM_UP)
  return { name, wander: 1e-9, swingPpm: still, fromS, knowing: KNOWS_NOTHING, ...most, seconds }
}

export const both = (way: Delay): { readonly out: Delay; readonly back: Delay } => ({
  out: way,
  back: way,
})

// The paper's line to a meter: 0.57 ms and 39 bytes each way explain its table of delays, 1.3 and
// 6.7 ppm its table of offsets.
const line460800 = serial(460_800, 570, 39)
const line57600 = serial(57_600, 570, 39)
/** The paper's ZigBee channel in its first and its second measurement: mean, median and standard
 * deviation are 17.26, 17.53, 0.75 ms and 18.46, 17.37, 7.18 ms. */
const zigbee = bell(17_400, 750)
const zigbeeTail = heavyTail(17_200, 170, 2, 100_000)
/** Its largest adjustments are 0.14 and 0.29 %, read as rates: not a clock for readings, but that
 * of a small device, whose promise is as wide. */
const smallDevice = knowingOnly(
  { tolerance: 3_500, change: FREQUENCY_CHANGE_PPM },
  { frequency: ppm(0), deviation: ppm(1_750) },
)

/** Those of the papers' experiments, then usual paths. */
const KNOWN: readonly Scenario[] = [
  scenario('000-460k8', { pollS: 256, ratePpm: 1.3, ...both(line460800) }),
  scenario('000-57k6', { pollS: 256, ratePpm: 6.7, ...both(line57600) }),
  scenario('000-57k6-daily', { pollS: 256, ratePpm: 6.7, ...both(line57600), swingPpm: daily }),
  scenario('000-57k6-usb', { pollS: 256, ratePpm: 6.7, ...both(along(line57600, even(0, 1_000))) }),
  scenario('003-first', { pollS: 16, ratePpm: 1_420, knowing: smallDevice, ...both(zigbee) }),
  scenario('003-second', { pollS: 16, ratePpm: 2_940, knowing: smallDevice, ...both(zigbeeTail) }),
  scenario('wan-normal', { pollS: 16, ratePpm: 10, ...both(bell(10_000, 3_000)) }),
  scenario('wan-queue', { pollS: 64, ratePpm: 10, ...both(queue(10_000, 3_000)) }),
  scenario('lan', { pollS: 16, ratePpm: 100, ...both(queue(100, 100)) }),
  scenario('lte', {
    pollS: 64,
    ratePpm: 10,
    ...both(along(losing(0.05), queue(25_000, 5_000), sometimes(0.1, queue(50_000, 150_000)))),
  }),
  scenario('heater', { pollS: 64, ratePpm: 10, swingPpm: heater, ...both(queue(1_000, 1_000)) }),
  scenario('ftdi-noisy-crystal', {
    pollS: 64,
    ratePpm: 20,
    wander: 1e-8,
    out: line57600,
    back: along(line57600, steps(1_000, 16)),
  }),
  scenario('lan-quiet', { pollS: 16, ratePpm: 10, ...both(even(100, 20)) }),
  scenario('delay-step', {
    pollS: 64,
    ratePpm: 10,
    ...both(then(queue(5_000, 500), 12_800, queue(25_000, 500))),
  }),
  scenario('one-sided', {
    pollS: 16,
    ratePpm: 10,
    out: constant(10_000),
    back: queue(10_000, 3_000),
  }),
  scenario('asymmetric', {
    pollS: 16,
    ratePpm: 10,
    out: bell(10_000, 3_000),
    back: bell(20_000, 3_000),
  }),
]

/** Our own, for what those above leave out. */
const OWN: readonly Scenario[] = [
  // A slave on battery or behind a modem that sleeps: 12 minutes of link, 70 without. Between them
  // only the learned frequency holds; an estimator that forgets by count or by age would show it
  // here.
  scenario('intermittent', {
    pollS: 64,
    seconds: 2 * DAY_S,
    ratePpm: 15,
    ...both(along(intermittent(720, 4_920), queue(10_000, 5_000))),
  }),
  // A shared uplink whose queues are twenty times as long in the evening: noise that is learned at
  // night must not be believed by day, nor the other way round.
  scenario('wan-diurnal', {
    pollS: 64,
    seconds: 2 * DAY_S,
    ratePpm: 10,
    swingPpm: daily,
    ...both(diurnal(12_000, 1_000, 20_000)),
  }),
  // The longest interval NTP clients use by default, over a mobile network: few samples, much drift
  // between them.
  scenario('poll-1024', {
    pollS: 1_024,
    ratePpm: 10,
    swingPpm: daily,
    ...both(queue(30_000, 10_000)),
  }),
  // A geostationary satellite: 300 ms each way, and rain that loses everything for minutes. The
  // delay says nothing about the error here.
  scenario('satellite', {
    pollS: 32,
    ratePpm: 10,
    ...both(along(bursts(1_800, 300), queue(300_000, 15_000))),
  }),
  // A USB adapter that falls asleep between two polls and wakes for the question, mostly: the delay
  // one way has two humps, the other way is quick.
  scenario('usb-sleep', {
    pollS: 64,
    ratePpm: 20,
    out: along(line460800, even(0, 200), sometimes(0.7, even(5_000, 12_000))),
    back: along(line460800, even(0, 200)),
  }),
  // A slave after a power cut: the crystal warms up by 8 ppm, and nearly all of it counts.
  scenario('power-on', {
    pollS: 16,
    seconds: 10_800,
    fromS: 600,
    ratePpm: 10,
    swingPpm: warmUp,
    ...both(queue(5_000, 1_000)),
  }),
]

export const SCENARIOS: readonly Scenario[] = [...KNOWN, ...OWN]
