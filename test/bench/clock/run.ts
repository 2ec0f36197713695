// `npm run bench -- clock`: our clock in simulated worlds, against a clock that is set at each
// sample and against a regression servo. What the rows mean: docs/measurements.md.

import { FOLLOWED_MAX_US } from '../../../shared/clock/estimate/estimator.ts'
import { type BenchRow, median, type Report, row } from '../rows.ts'
import { ATTACKED_FROM_S, BROKEN, LIARS, type Threat, THREATS } from './attacks.ts'
import { holdovers } from './holdover.ts'
import { run as meterLine } from './meter-line.ts'
import { regression } from './regression.ts'
import { run as secondBoundary } from './second-boundary.ts'
import { SCENARIOS, type Scenario } from './scenarios.ts'
import { ours, step } from './servos.ts'
import { run as stamps } from './stamps.ts'
import { NOTHING, plus, type Tally, watch } from './watch.ts'
import { buildWorld, live, ORIGIN_US, rmsUs, type Servo } from './world.ts'

const SEEDS = [31, 32, 33, 34, 35]
/** Median adjustments that the paper printed for its two measurements, microseconds. */
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

/** Furthest the clock was off in the first hour of an attack, milliseconds. */
function draggedMs({ scenario, attack }: Threat, servo: () => Servo): number {
  const furthest = SEEDS.map((seed) => {
    const clock = servo()
    let most = 0
    live(buildWorld(scenario, seed, attack), clock, (atS, mono) => {
      if (atS < ATTACKED_FROM_S || atS > ATTACKED_FROM_S + 3_600) return
      most = Math.max(most, Math.abs(clock.at(mono) - (ORIGIN_US + atS * 1e6)))
    })
    return most / 1_000
  })
  return median(furthest)
}

/** How far attackers on the path and a single lying master can drag the clock in an hour. */
function dragged(report: Report): void {
  const unit = 'ms in an hour'
  for (const threat of THREATS.filter(({ scenario }) => scenario.name.startsWith('delay'))) {
    const sides = [draggedMs(threat, ours), draggedMs(threat, regression)] as const
    report(row(`clock.path.${threat.scenario.name}`, sides, unit, 'regression servo'))
  }
  const most = FOLLOWED_MAX_US / 1_000
  for (const threat of LIARS) {
    const name = `clock.liar.${threat.scenario.name}`
    report(row(name, [draggedMs(threat, ours), most], unit, 'the most a process ever follows'))
  }
}

function tallyOf(threats: readonly Threat[]): Tally {
  const worlds = threats.flatMap(({ scenario, attack }) =>
    SEEDS.map((seed) => buildWorld(scenario, seed, attack)),
  )
  return worlds.map((world) => watch(world).tally).reduce(plus, NOTHING)
}

/** Broken promises; the reference says how many were checked. */
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

/** The parts of the area, one after the other. */
const PARTS: readonly ((report: Report) => Promise<void> | void)[] = [
  simulations,
  holdovers,
  dragged,
  meterLine,
  stamps,
  secondBoundary,
]

export async function run(report: Report): Promise<void> {
  for (const part of PARTS) await part(report)
}
