// The clocks of simulated meters on a TCP line, a real slave, and a real head-end that shows them:
// which is corrected lightly, which only by an operator's command, and which not at all
// (docs/clock.md).

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { register } from '../../services/billing/customers/db/registry.ts'
import { type SimulatedClock, simulatedClock } from '../../services/simulator/meter-clock.ts'
import { serveSemBus } from '../../services/simulator/sem-bus.ts'
import { simulatedMeter } from '../../services/simulator/simulated-meter.ts'
import { msToUs, ppm, spanUs, unixMs } from '../../shared/units.ts'
import { Process, semToml, until, WholeWay } from './whole-way.ts'

const SECOND = 1_000_000
/** Near a quarter hour's end a light correction waits for up to a minute. */
const LIGHT_MS_MAX = 120_000
/** All of them are behind: setting such a clock crosses no closed interval. */
const METERS = { 'MC-20': -20, 'MC-75': -75, 'MC-5H': -5 * 3_600, 'MC-OLD': 0 }

const now = () => unixMs(Date.now())

function clocksOf(): Map<string, SimulatedClock> {
  const known = Object.entries(METERS).filter(([meter]) => meter !== 'MC-OLD')
  return new Map(
    known.map(([meter, offset]) => {
      const startedAt = msToUs(now())
      return [
        meter,
        simulatedClock({ offset: spanUs(offset * SECOND), rate: ppm(3), startedAt }),
      ] as const
    }),
  )
}

test('20 s are corrected lightly, 75 s by command, 5 h never; an old meter has no clock', async (t) => {
  const way = await WholeWay.open()
  t.after(() => way.close())
  const clocks = clocksOf()
  const meters = Object.keys(METERS).map((number, seed) => simulatedMeter(number, seed))
  const bus = await serveSemBus({ meters, now, clocks })
  t.after(() => bus.close())
  const token = await way.register('attic', null)
  // A clock report about an unknown meter is not stored.
  const entries = Object.keys(METERS).map((number) => ({
    number,
    device: token.device,
    digits: null,
  }))
  await register(way.db.pool, { meters: entries })
  await way.noticed()
  const slave = way.slave('attic', token.device)
  const plan = {
    master: `tcp://127.0.0.1:${way.ports.tcp}`,
    token: token.text,
    line: bus.url,
    meters: Object.keys(METERS),
    everySeconds: 3_600,
  }
  slave.configure(`${semToml(plan)}history = false\nclock = "light"\n`)
  slave.start()
  const off = (meter: string): number => {
    const at = msToUs(now())
    return ((clocks.get(meter)?.at(at) ?? Number.NaN) - at) / SECOND
  }
  const shown = async (meter: string) => {
    const [row] = await way.rows<{
      state: string
      outcome: string
      event: number | null
      offset_us: string
      bound_us: string
      monthly_drift_ms: string
    }>(`select * from clocks where meter = '${meter}'`)
    return row ?? null
  }
  const outcome = (meter: string, wanted: string) =>
    until(
      `${meter} ${wanted}`,
      async () => {
        const row = await shown(meter)
        return row?.outcome === wanted ? row : null
      },
      LIGHT_MS_MAX,
    )

  const light = await outcome('MC-20', 'synchronised')
  assert.ok(Math.abs(off('MC-20')) < 2, `${off('MC-20')} s`)
  assert.ok(Math.abs(Number(light.offset_us)) < 2 * SECOND)
  assert.ok(Math.abs(Number(light.monthly_drift_ms) + 20_000) < 500, light.monthly_drift_ms)
  assert.equal(light.event, null)

  const far = await outcome('MC-75', 'rejected')
  const error = Math.abs(Number(far.offset_us) + 75 * SECOND)
  assert.ok(error <= Number(far.bound_us), `${far.offset_us} +- ${far.bound_us}`)
  assert.deepEqual([far.state, far.event, Number(far.monthly_drift_ms)], ['V', null, 0])
  const lost = await outcome('MC-5H', 'rejected')
  assert.deepEqual([lost.state, lost.event], ['X', 10])
  await outcome('MC-OLD', 'unsupported')
  const log = slave.log()
  assert.match(log, /MC-75.*MTR-10|MTR-10.*MC-75/)
  assert.match(log, /MC-5H.*MTR-11|MTR-11.*MC-5H/)

  const order = async (meter: string): Promise<string> => {
    const words = ['command', 'attic', 'sync-clock', meter]
    return (await new Process(words, way.env).ended).output
  }
  assert.match(await order('MC-75'), /^done$/m)
  assert.ok(Math.abs(off('MC-75')) < 2, `${off('MC-75')} s`)
  assert.deepEqual(clocks.get('MC-75')?.events, [12])
  const strong = await outcome('MC-75', 'synchronised')
  assert.equal(strong.event, 12)
  assert.match(await order('MC-5H'), /refused: MTR-11/)
  assert.match(await order('MC-OLD'), /refused: MTR-09/)
  assert.ok(Math.abs(off('MC-5H') + 5 * 3_600) < 2, 'untouched')
})
