// How wrong the clock is an hour and a day after the last answer.

import { median, type Report, row } from '../rows.ts'
import { along, intermittent, queue } from './delays.ts'
import { regression } from './regression.ts'
import { both, DAY_S, daily, type Scenario, scenario } from './scenarios.ts'
import { ours } from './servos.ts'
import { buildWorld, live, ORIGIN_US, type Servo, type World } from './world.ts'

/** Many, because one error after a day is one draw: at wander 1e-9 alone it has a standard
 * deviation of 15 ms. */
const SEEDS = 61
const FIRST_SEED = 401
const HOUR_S = 3_600

interface Holdover {
  readonly name: string
  readonly learnS: number
  readonly scenario: Scenario
}

function holdover(name: string, days: number, most: Partial<Scenario>): Holdover {
  const learnS = days * DAY_S
  const seconds = learnS + DAY_S
  const path = most.out ?? queue(100, 100)
  const ends = both(along(intermittent(learnS, 2 * seconds), path))
  const world = scenario(name, { pollS: 64, ratePpm: 7, ...most, ...ends, seconds })
  return { name, learnS, scenario: world }
}

const HOLDOVERS: readonly Holdover[] = [
  holdover('', 1, {}),
  holdover('.daily', 3, { swingPpm: daily }),
  holdover('.daily-wan', 1, { swingPpm: daily, wander: 1e-10, out: queue(10_000, 3_000) }),
]

/** |error| at these seconds, microseconds. */
function errorsAt(world: World, servo: Servo, seconds: readonly number[]): readonly number[] {
  const errors: number[] = []
  live(world, servo, (atS, mono) => {
    if (seconds.includes(atS)) errors.push(Math.abs(servo.at(mono) - (ORIGIN_US + atS * 1e6)))
  })
  return errors
}

export function holdovers(report: Report): void {
  const kinds = { ours, regression }
  for (const { name, learnS, scenario: world } of HOLDOVERS) {
    const at = [learnS + HOUR_S, learnS + DAY_S]
    const errors = {
      ours: new Array<readonly number[]>(),
      regression: new Array<readonly number[]>(),
    }
    for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed += 1) {
      const built = buildWorld(world, seed)
      errors.ours.push(errorsAt(built, kinds.ours(), at))
      errors.regression.push(errorsAt(built, kinds.regression(), at))
    }
    for (const [index, hours] of [1, 24].entries()) {
      const middle = (of: readonly (readonly number[])[]): number =>
        median(of.map((each) => each[index] ?? Number.NaN)) / 1_000
      const sides = [middle(errors.ours), middle(errors.regression)] as const
      report(row(`clock.holdover${hours}h${name}.ms`, sides, 'ms', 'regression servo'))
    }
  }
}
