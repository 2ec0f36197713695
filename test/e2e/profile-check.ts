// What simulated meters must have left in the database: their registers are functions of a seed and
// the instant, so every value is known beforehand.

import assert from 'node:assert/strict'
import {
  PROFILE_INTERVAL_MS,
  type SimulatedMeter,
} from '../../services/simulator/simulated-meter.ts'
import { unixMs } from '../../shared/units.ts'
import { until, type WholeWay } from './whole-way.ts'

/** Ends of all intervals in from..to. */
export function intervalEnds(from: number, to: number): readonly number[] {
  const ends: number[] = []
  const first = Math.ceil(from / PROFILE_INTERVAL_MS) * PROFILE_INTERVAL_MS
  for (let end = first; end <= to; end += PROFILE_INTERVAL_MS) ends.push(end)
  return ends
}

/** A lost request is repeated after a minute, a link is back within a minute, and a meter that
 * failed rests longer each time: what counts here is the end, not how soon it comes. */
const FILLED_MS_MAX = 170_000

/** Waits until a profile row of each meter and interval is stored, and a live reading of each
 * meter. */
export async function untilFilled(
  way: WholeWay,
  meters: readonly SimulatedMeter[],
  ends: readonly number[],
): Promise<void> {
  const numbers = meters.map(({ number }) => number)
  await until(
    `${meters.length} load profiles of ${ends.length} intervals`,
    async () => {
      const [found] = await way.rows<{ profile: number; live: number }>(
        `select count(*) filter (where source = 1) as profile,
         count(distinct number) filter (where source = 0) as live
       from readings join meters on meters.id = meter_id where number = any($1)`,
        [numbers],
      )
      const { profile, live } = found ?? { profile: 0, live: 0 }
      return profile >= ends.length * meters.length && live === meters.length
    },
    FILLED_MS_MAX,
  )
}

/** Every interval once, with exactly the meter's value; and live readings that were true when
 * they were taken. */
export async function checkReadings(
  way: WholeWay,
  meters: readonly SimulatedMeter[],
  ends: readonly number[],
): Promise<void> {
  for (const meter of meters) {
    const rows = await way.rows<{ ts: Date; value: number; source: number; meter_ts: Date }>(
      `select ts, value, source, meter_ts from readings join meters on meters.id = meter_id
       where number = $1 order by ts`,
      [meter.number],
    )
    const profile = rows.filter(({ source }) => source === 1)
    const last = ends.at(-1) ?? 0
    const wanted = ends.map((end) => [end, meter.registerWh(unixMs(end))])
    assert.deepEqual(
      profile
        .filter(({ ts }) => ts.getTime() <= last)
        .map(({ ts, value }) => [ts.getTime(), value]),
      wanted,
      `load profile of ${meter.number}`,
    )
    const live = rows.filter(({ source }) => source === 0)
    assert.ok(live.length > 0, `live readings of ${meter.number}`)
    for (const { value, meter_ts: at } of live) {
      const [low, high] = [at.getTime(), at.getTime() + 1_000].map((ms) =>
        meter.registerWh(unixMs(ms)),
      )
      assert.ok(value >= (low ?? 0) && value <= (high ?? 0), `${meter.number} at ${at.toJSON()}`)
    }
  }
}
