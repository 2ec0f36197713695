// A meter's clock over a simulated serial line: the paper's Table 1 in both directions, and how
// well coarse clocks are read. Simulation, not hardware: true time is known, the crystal's wander
// assumed. We compare the error just before the next exchange, as the paper does.

import {
  likelyWindow,
  bracketOf,
  nextRead,
  NO_EDGES,
  withBracket,
} from '../../../shared/clock/meter/edges.ts'
import {
  afterCorrection,
  type MeterClock,
  meterClockAt,
  nextReadAt,
  noMeterClock,
  takeRead,
} from '../../../shared/clock/meter/meter-clock.ts'
import { type SoftClock, startClock, steer } from '../../../shared/clock/estimate/softclock.ts'
import {
  answerTime,
  applyCorrection,
  FINE_CLOCK,
  type Follower,
  giveTime,
  IDLE_PEER,
  type Peer,
  takeLocal,
} from '../../../shared/clock/meter/tpsn.ts'
import { type MonoUs, monoUs, ppm, type SpanUs, spanUs, unixUs } from '../../../shared/units.ts'
import { type Chance, chanceOf } from '../../sim/prng.ts'
import { median, type Report } from '../rows.ts'
import {
  type Crystal,
  crystalOf,
  type LineModel,
  onLineOf,
  readMeter,
  TABLE_1,
  trip,
  withObis,
  withoutObis,
} from './meter-world.ts'

const ORIGIN_US = 1_790_000_000_000_000
const SECOND_US = 1_000_000
const SEEDS = [41, 42, 43, 44, 45]
/** Each table row runs for this many exchanges; the first 30 % only learn. */
const EXCHANGES = 400
const WARM_UP = 0.3
const WANDER = 1e-9
/** A crystal's error at the start, ppm either way. */
const CRYSTAL_PPM = 20
const EDGE_TRIALS = 1_000
const EDGE_READS = 16
/** Shortest time between an answer and the next question, microseconds. */
const PAUSE_US = 5_000

/** Our own clock, exact: only the meter's clock is under test. */
function exactClock(): SoftClock {
  const mono = monoUs(0)
  const utc = unixUs(ORIGIN_US)
  const none = { bound: spanUs(0), frequency: ppm(0), growth: ppm(0), informative: false }
  const clock = startClock({ mono, guess: utc, lastUsed: null })
  return steer(clock, { mono, utc, ...none }, mono).clock
}

const OURS = exactClock()
const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length
const quantile = (values: readonly number[], part: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * part)] ?? 0

const meterCrystal = (chance: Chance): Crystal =>
  crystalOf(
    {
      ratePpm: chance.between(-CRYSTAL_PPM, CRYSTAL_PPM),
      wander: WANDER,
      startUs: ORIGIN_US + chance.between(-SECOND_US, SECOND_US),
    },
    chance,
  )

/** Instants of the exchanges: three in a row to find the clock, then one each interval. */
const instants = (interval: number): readonly number[] =>
  Array.from({ length: EXCHANGES }, (_, at) =>
    at < 3 ? (at + 1) * SECOND_US : (at - 2) * interval * SECOND_US,
  )

/** Slave-computed: our agent reads and predicts; |predicted - true| just before each read. */
function readAndPredict(line: LineModel, interval: number, seed: number): readonly number[] {
  const chance = chanceOf(seed, 'table 1')
  const crystal = meterCrystal(chance)
  let clock = noMeterClock
  const errors: number[] = []
  for (const at of instants(interval)) {
    const t1 = monoUs(at)
    const seen = meterClockAt(clock, OURS, t1)
    if (seen !== null) {
      errors.push(Math.abs(seen.offset - (crystal.showsAt(t1) - t1 - ORIGIN_US)))
    }
    clock = takeRead(clock, readMeter(crystal, line, FINE_CLOCK.resolution, t1, chance)).clock
  }
  return errors
}

interface Pair {
  readonly peer: Peer
  readonly follower: Follower
  readonly clock: MeterClock
}

/** One master-computed exchange, through the messages; the meter applies what comes back. */
function exchange(pair: Pair, crystal: Crystal, line: LineModel, t1: MonoUs, chance: Chance): Pair {
  const { looked, t4 } = trip(line, t1, chance)
  const given = giveTime(pair.peer, t1, unixUs(ORIGIN_US + t1), FINE_CLOCK)
  const at = monoUs(crystal.showsAt(looked))
  const answered = answerTime(pair.follower, given.message, at, at, FINE_CLOCK)
  const taken = takeLocal(given.peer, answered.message, t4, FINE_CLOCK, onLineOf(line))
  const { peer, verdict } = taken
  if (!verdict.ok) return { ...pair, peer }
  const { clock } = takeRead(pair.clock, verdict.read)
  const seen = meterClockAt(clock, OURS, t4)
  if (seen === null) return { peer, follower: answered.follower, clock }
  const correction = { offset: spanUs(0 - seen.offset), frequency: ppm(0 - seen.frequency) }
  const { exchange } = answered.message
  const counter = monoUs(crystal.showsAt(t4))
  const follower = applyCorrection(answered.follower, { exchange, ...correction }, counter)
  return { peer, follower, clock: afterCorrection(clock, correction, 'ack', t4) }
}

/** Master-computed: the meter's own clock, |shown - true| just before each exchange. */
function correctMeter(line: LineModel, interval: number, seed: number): readonly number[] {
  const chance = chanceOf(seed, 'table 1')
  const crystal = meterCrystal(chance)
  // Undefined at first: the meter's counter is taken as a time.
  const start = { since: monoUs(0), shown: unixUs(0), rate: ppm(0), open: null }
  let pair: Pair = { peer: IDLE_PEER, follower: start, clock: noMeterClock }
  const errors: number[] = []
  for (const at of instants(interval)) {
    const { since, shown, rate } = pair.follower
    const counted = crystal.showsAt(at) - since
    errors.push(Math.abs(shown + counted * (1 + rate * 1e-6) - at - ORIGIN_US))
    pair = exchange(pair, crystal, line, monoUs(at), chance)
  }
  return errors
}

type Direction = (line: LineModel, interval: number, seed: number) => readonly number[]

/** Mean |error| just before the next exchange, microseconds; the median seed's. */
const residual = (direction: Direction, line: LineModel, interval: number): number =>
  median(
    SEEDS.map((seed) => {
      const errors = direction(line, interval, seed)
      return mean(errors.slice(Math.ceil(errors.length * WARM_UP)))
    }),
  )

const report = (out: Report, bench: string, pair: readonly [number, number], of: string): void => {
  const [ours, reference] = pair.map((each) => Math.round(each * 10) / 10)
  const ratio = Math.round((pair[0] / pair[1]) * 10_000) / 10_000
  out({ bench, ours: ours ?? 0, reference: reference ?? 0, ratio, unit: 'us', of })
}

function table1(out: Report): void {
  for (const { baud, interval, without, with: withIt } of TABLE_1) {
    const name = `clock.table1.${baud}${interval === 300 ? '' : `.${interval}s`}`
    const line = withObis(baud)
    const of = `Table 1 at ${interval} s`
    report(out, name, [residual(readAndPredict, line, interval), withIt], of)
    report(out, `${name}.master`, [residual(correctMeter, line, interval), withIt], of)
    if (interval < 300) continue
    const bare = withoutObis(baud)
    report(out, `${name}.bare`, [residual(readAndPredict, bare, interval), without], of)
    const usb = { ...line, usbUs: 1_000 }
    report(out, `${name}.usb`, [residual(readAndPredict, usb, interval), withIt], of)
  }
}

/** How late a request leaves, microseconds. */
type Late = (chance: Chance) => number
const ON_TIME: Late = () => 0
/** Node's timer: a grain of a millisecond, and now and then a busy loop. */
const TIMER: Late = (chance) =>
  chance.happens(0.9) ? chance.between(50, 1_200) : chance.between(1_200, 5_000)
/** A timer that wakes early, and a loop that spins for the rest. */
const SPIN: Late = (chance) =>
  chance.happens(0.99) ? chance.between(0, 30) : chance.between(30, 2_000)

/** The same timer as measured on two cores at a load of 17: a tenth is late by 6 to 70 ms. */
const BUSY: Late = (chance) => {
  const part = chance.unit()
  if (part < 0.5) return chance.between(0, 600)
  if (part < 0.9) return chance.between(600, 5_600)
  return part < 0.99 ? chance.between(5_600, 13_300) : chance.between(13_300, 69_000)
}

type Choice = 'bisecting' | 'random'

/** |error| after 16 reads of an unknown clock, microseconds, over all trials. */
function edgeErrors(
  line: LineModel,
  resolution: SpanUs,
  late: Late,
  choice: Choice,
): readonly number[] {
  const rate = { frequency: ppm(0), growth: ppm(250) }
  return Array.from({ length: EDGE_TRIALS }, (_, trial) => {
    const chance = chanceOf(trial, 'edges')
    const crystal = meterCrystal(chance)
    let edges = NO_EDGES
    let now = monoUs(SECOND_US)
    for (let read = 0; read < EDGE_READS; read += 1) {
      const chosen =
        choice === 'random' ? now + chance.unit() * SECOND_US : nextRead(edges, now, rate, null, 0)
      const taken = readMeter(crystal, line, resolution, monoUs(chosen + late(chance)), chance)
      const bracket = bracketOf(taken, rate.growth)
      if (bracket !== null) ({ edges } = withBracket(edges, bracket, rate))
      now = monoUs(taken.t4 + PAUSE_US)
    }
    const { least, most } = likelyWindow(edges.brackets, now, rate) ?? { least: 0, most: 0 }
    return Math.abs((least + most) / 2 - (crystal.showsAt(now) - now))
  })
}

/** Reads until the first burst has learned what it can. */
const readsNeeded = (line: LineModel, resolution: SpanUs): number =>
  median(
    Array.from({ length: 200 }, (_, trial) => {
      const chance = chanceOf(trial, 'edges')
      const crystal = meterCrystal(chance)
      let clock = noMeterClock
      let now = monoUs(SECOND_US)
      let reads = 0
      do {
        const read = readMeter(crystal, line, resolution, nextReadAt(clock, now), chance)
        clock = takeRead(clock, read).clock
        now = monoUs(read.t4 + PAUSE_US)
        reads += 1
      } while (clock.reads > 0)
      return reads
    }),
  )

function edges(out: Report): void {
  const second = spanUs(SECOND_US)
  const hundredth = spanUs(10_000)
  const cases = [
    ['1s.57600', 57_600, second, ON_TIME],
    ['1s.57600.timer', 57_600, second, TIMER],
    ['1s.57600.busy', 57_600, second, BUSY],
    ['1s.57600.spin', 57_600, second, SPIN],
    ['1s.460800', 460_800, second, ON_TIME],
    ['10ms.57600', 57_600, hundredth, ON_TIME],
  ] as const
  for (const [name, baud, resolution, late] of cases) {
    const line = withoutObis(baud)
    const ours = edgeErrors(line, resolution, late, 'bisecting')
    const random = edgeErrors(line, resolution, late, 'random')
    const of = `${EDGE_READS} reads at random instants`
    const at = (part: number): readonly [number, number] => [
      quantile(ours, part),
      quantile(random, part),
    ]
    report(out, `clock.edges.${name}.p50us`, at(0.5), of)
    report(out, `clock.edges.${name}.p99us`, at(0.99), of)
  }
  readsRow(out, 'clock.edges.1s.57600.reads', readsNeeded(withoutObis(57_600), second))
}

const readsRow = (out: Report, bench: string, needed: number): void => {
  const ratio = Math.round((needed / EDGE_READS) * 100) / 100
  const ours = Math.round(needed * 10) / 10
  out({ bench, ours, reference: EDGE_READS, ratio, unit: 'reads', of: 'the most a burst may take' })
}

const KEPT_US = 48 * 3_600 * SECOND_US

/** A clock of whole seconds kept for two days, read on its own schedule: |error| just before each
 * burst of the second half, microseconds, and reads per burst. */
function kept(line: LineModel): { readonly errors: readonly number[]; readonly reads: number } {
  const errors: number[] = []
  let reads = 0
  let bursts = 0
  for (const seed of SEEDS) {
    const chance = chanceOf(seed, 'kept')
    const crystal = meterCrystal(chance)
    let clock = noMeterClock
    let now = monoUs(SECOND_US)
    while (now < KEPT_US) {
      const t1 = nextReadAt(clock, now)
      const seen = meterClockAt(clock, OURS, t1)
      if (clock.reads === 0) bursts += 1
      if (clock.reads === 0 && seen !== null && t1 > KEPT_US / 2) {
        errors.push(Math.abs(seen.offset - (crystal.showsAt(t1) - t1 - ORIGIN_US)))
      }
      const read = readMeter(crystal, line, spanUs(SECOND_US), t1, chance)
      clock = takeRead(clock, read).clock
      now = monoUs(read.t4 + PAUSE_US)
      reads += 1
    }
  }
  return { errors, reads: reads / bursts }
}

function keptClock(out: Report): void {
  const { errors, reads } = kept(withObis(57_600))
  const of = 'half of the second that it shows'
  report(out, 'clock.edges.kept.57600.p50us', [quantile(errors, 0.5), SECOND_US / 2], of)
  report(out, 'clock.edges.kept.57600.p99us', [quantile(errors, 0.99), SECOND_US / 2], of)
  readsRow(out, 'clock.edges.kept.57600.reads', reads)
}

export function run(out: Report): void {
  table1(out)
  edges(out)
  keptClock(out)
}
