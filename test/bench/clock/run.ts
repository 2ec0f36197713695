// `npm run bench -- clock`: our clock in simulated worlds, against a clock that is set at each
// sample and against a regression servo. What the rows mean: docs/measurements.md.

import { type BenchRow, median, type Report, row } from '../rows.ts'
import { ATTACKED_FROM_S, BROKEN, LIARS, LIES_FROM_S, THREATS } from './attacks.ts'
import { holdovers } from './holdover.ts'
import { regression } from './regression.ts'
import { SCENARIOS, type Scenario } from './scenarios.ts'
import { ours, step } from './servos.ts'
import { NOTHING, plus, type Tally, watch } from './watch.ts'
import { buildWorld, live, ORIGIN_US, rmsUs, type Servo, type World } from './world.ts'

const SEEDS = [31, 32, 33, 34, 35]
/** Median adjustments that the seed printed for its two measurements, microseconds. */
const TABLE_3_US = 340

function compare(scenario: Scenario, report: Report): { adjustedUs: number; tally: Tally } {
  const worlds = SEEDS.map((seed) => buildWorld(scenario, seed))
  const watched = worlds.map((world) => watch(world))
  const middle = (servo: () => Servo): number =>
    median(worlds.map((world) => rmsUs(world, servo())))
  const shown = median(watched.map((each) => each.shownUs))
  const believed = median(watched.map((each) => each.believedUs))
  const reference = middle(regression)
  const name = `clock.${scenario.name}`
  report(row(name, [shown, reference], 'us rms', 'regression servo'))
  report(row(`${name}.believed`, [believed, reference], 'us rms', 'regression servo'))
  report(row(`${name}.step`, [shown, middle(step)], 'us rms', 'clock set at each sample'))
  const adjustedUs = median(watched.map((each) => each.adjustedUs))
  return { adjustedUs, tally: watched.map((each) => each.tally).reduce(plus, NOTHING) }
}

/** Furthest the clock was off in the hour that begins there, milliseconds. */
function furthestMs(world: World, servo: Servo, fromS: number): number {
  let furthest = 0
  live(world, servo, (atS, mono) => {
    if (atS < fromS || atS > fromS + 3_600) return
    furthest = Math.max(furthest, Math.abs(servo.at(mono) - (ORIGIN_US + atS * 1e6)))
  })
  return furthest / 1_000
}

/** How far those on the path and a single master can drag the clock in an hour. */
function dragged(report: Report): void {
  const delaying = THREATS.filter(({ scenario }) => scenario.name.startsWith('delay'))
  const kinds = [
    { kind: 'path', threats: delaying, fromS: ATTACKED_FROM_S },
    { kind: 'liar', threats: LIARS, fromS: LIES_FROM_S },
  ]
  for (const { kind, threats, fromS } of kinds) {
    for (const { scenario, attack } of threats) {
      const worlds = SEEDS.map((seed) => buildWorld(scenario, seed, attack))
      const furthest = (servo: () => Servo): number =>
        median(worlds.map((world) => furthestMs(world, servo(), fromS)))
      const sides = [furthest(ours), furthest(regression)] as const
      const name = `clock.${kind}.${scenario.name}`
      report(row(name, sides, 'ms in an hour', 'regression servo'))
    }
  }
}

function tallyOf(threats: typeof THREATS): Tally {
  const worlds = threats.flatMap(({ scenario, attack }) =>
    SEEDS.map((seed) => buildWorld(scenario, seed, attack)),
  )
  return worlds.map((world) => watch(world).tally).reduce(plus, NOTHING)
}

/** Promises broken; the reference says how many were looked at. */
const broken = (name: string, { violations, seconds }: Tally, of: string): BenchRow =>
  row(name, [violations, seconds], 'seconds', of)

function simulations(report: Report): void {
  let [kept, adjustedUs] = [tallyOf(THREATS), 0]
  for (const scenario of SCENARIOS) {
    const { adjustedUs: adjusted, tally } = compare(scenario, report)
    kept = plus(kept, tally)
    if (scenario.name.startsWith('003')) adjustedUs = Math.max(adjustedUs, adjusted)
  }
  report(row('clock.table3', [adjustedUs, TABLE_3_US], 'us', "the paper's median adjustment"))
  report(broken('clock.bound.violations', kept, 'seconds checked, attacks included'))
  const beyond = tallyOf(BROKEN)
  report(broken('clock.bound.beyond', beyond, 'seconds checked, oscillator beyond its promise'))
}

/** What the area consists of, one after the other. */
const PARTS: readonly ((report: Report) => Promise<void> | void)[] = [
  simulations,
  holdovers,
  dragged,
]

export async function run(report: Report): Promise<void> {
  for (const part of PARTS) await part(report)
}
