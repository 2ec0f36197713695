// `npm run bench -- clock`: our clock in simulated worlds, against a clock that is set at each
// sample and against a regression servo. What the rows mean: docs/measurements.md.

import { FREQUENCY_TOLERANCE_PPM } from '../../../shared/clock/exchange.ts'
import { type BenchRow, median, type Report, row } from '../rows.ts'
import { LIARS, LIES_FROM_S, THREATS } from './attacks.ts'
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

/** Furthest the clock was dragged in the first hour of a lie, milliseconds. */
function draggedMs(world: World, servo: Servo): number {
  let furthest = 0
  live(world, servo, (atS, mono) => {
    if (atS < LIES_FROM_S || atS > LIES_FROM_S + 3_600) return
    furthest = Math.max(furthest, Math.abs(servo.at(mono) - (ORIGIN_US + atS * 1e6)))
  })
  return furthest / 1_000
}

function liars(report: Report): void {
  for (const { scenario, attack } of LIARS) {
    const dragged = (servo: () => Servo): number =>
      median(SEEDS.map((seed) => draggedMs(buildWorld(scenario, seed, attack), servo())))
    const sides = [dragged(ours), dragged(regression)] as const
    report(row(`clock.liar.${scenario.name}`, sides, 'ms in an hour', 'regression servo'))
  }
}

function threats(): Tally {
  const worlds = THREATS.flatMap(({ scenario, attack }) =>
    SEEDS.map((seed) => buildWorld(scenario, seed, attack)),
  )
  return worlds.map((world) => watch(world).tally).reduce(plus, NOTHING)
}

/** Promises broken; the reference says how many were looked at. */
const broken = (name: string, { violations, seconds }: Tally, of: string): BenchRow =>
  row(name, [violations, seconds], 'seconds', of)

function simulations(report: Report): void {
  let [kept, beyond, adjustedUs] = [threats(), NOTHING, 0]
  for (const scenario of SCENARIOS) {
    const { adjustedUs: adjusted, tally } = compare(scenario, report)
    if (scenario.ratePpm > FREQUENCY_TOLERANCE_PPM) beyond = plus(beyond, tally)
    else kept = plus(kept, tally)
    if (scenario.name.startsWith('003')) adjustedUs = Math.max(adjustedUs, adjusted)
  }
  report(row('clock.table3', [adjustedUs, TABLE_3_US], 'us', "the paper's median adjustment"))
  report(broken('clock.bound.violations', kept, 'seconds checked, attacks included'))
  report(broken('clock.bound.beyond', beyond, 'seconds checked, oscillator beyond the tolerance'))
}

/** What the area consists of, one after the other. */
const PARTS: readonly ((report: Report) => Promise<void> | void)[] = [simulations, holdovers, liars]

export async function run(report: Report): Promise<void> {
  for (const part of PARTS) await part(report)
}
