// `ticklock demo --upset clock`, without the bills: a slave whose clock jumps three minutes ahead
// while it reads. What it sealed under the wrong time is refused first and stored once later.

import assert from 'node:assert/strict'
import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { serveSemBus } from '../../services/simulator/sem-bus.ts'
import { simulatedMeter } from '../../services/simulator/simulated-meter.ts'
import { startSlaveProcess, writeSlaveConfig } from '../../services/simulator/slave-processes.ts'
import { upsetWhen } from '../../services/simulator/upset.ts'
import { toHex } from '../../shared/bytes.ts'
import { unixMs } from '../../shared/units.ts'
import { open } from './outbox-fixture.ts'
import { checkReadings, intervalEnds } from './profile-check.ts'
import { until, WholeWay } from './whole-way.ts'

const METERS = 10
const DAY_MS = 86_400_000
const QUARTER_MS = 900_000
/** Longest back-fill of one day of ten meters, on a busy machine. */
const FILLED_MS_MAX = 120_000
/** Longest time from the jump to a clock that is right again, milliseconds: a handful of samples
 * and as many links, each after its wait. */
const RIGHT_MS_MAX = 120_000

const textOf = (file: string): string => readFileSync(file, 'utf8')
const times = (text: string, what: string): number => text.split(what).length - 1

test('a clock that jumps 3 minutes ahead loses no reading and is corrected', async (t) => {
  const way = await WholeWay.open()
  t.after(() => way.close())
  const from = unixMs(Math.floor((Date.now() - DAY_MS) / QUARTER_MS) * QUARTER_MS)
  const meters = Array.from({ length: METERS }, (_, n) => simulatedMeter(`U-${n + 1}`, n))
  const bus = await serveSemBus({ meters, now: () => unixMs(Date.now()) })
  t.after(() => bus.close())
  const token = await way.register('upset', from)
  await way.noticed()
  const folder = join(way.folder, 'slaves', 'upset')
  const file = writeSlaveConfig({
    name: 'upset',
    folder,
    master: `tcp://127.0.0.1:${way.ports.tcp}`,
    token: token.text,
    line: bus.url,
    meters: meters.map(({ number }) => number),
    everySeconds: 1,
    clock: 'watch',
  })
  const logFile = join(folder, 'log.jsonl')
  const slave = startSlaveProcess('upset', file, logFile)
  t.after(() => slave.stop())
  const ends = intervalEnds(from, Date.now() - 5_000)
  const profile = 'select count(*) from readings where source = 1'
  const filled = async () => (await way.count(profile)) >= ends.length * METERS
  await until('the back-fill', filled, FILLED_MS_MAX)

  let pulled = false
  upsetWhen(
    async () => true,
    slave,
    () => {
      pulled = true
    },
  )
  await until('the pull', () => pulled)
  const pulledAt = performance.now()
  await until('SEC-02', async () => (await way.refused('SEC-02')) > 0)
  const [before] = await way.rows<{ at: Date }>('select now() as at')
  const right = () =>
    way.count(
      `select count(*) from readings where source = 0 and meter_ts > $1
         and abs(extract(epoch from ts - meter_ts)) < 5`,
      [before?.at],
    )
  await until('readings under the right time', async () => (await right()) > METERS, RIGHT_MS_MAX)
  const took = Math.round(performance.now() - pulledAt)
  t.diagnostic(`right again after ${took} ms, ${await way.refused('SEC-02')} frames refused`)

  await wait(3_000)
  await bus.close()
  await until('an empty outbox', async () => {
    await wait(2_000)
    await slave.stop()
    const copy = join(way.folder, `copy-${performance.now()}`)
    cpSync(join(folder, 'data'), copy, { recursive: true })
    const outbox = open(copy)
    const stored = outbox.load()
    outbox.close()
    if (stored.backlog.frames > 0) {
      slave.start()
      return false
    }
    const positions = await way.rows<{ run: string; sequence: number; hash: Buffer }>(
      "select epoch || '/' || run as run, sequence, hash from stream_positions",
    )
    const durable = new Map(positions.map(({ run, sequence, hash }) => [run, { sequence, hash }]))
    for (const { epoch, run, last, lastHash } of stored.runs) {
      const found = durable.get(`${epoch}/${run}`)
      assert.equal(found?.sequence, last, `run ${epoch}/${run}`)
      assert.equal(toHex(found.hash), toHex(lastHash), `run ${epoch}/${run}`)
    }
    return true
  })
  const said = textOf(logFile)
  t.diagnostic(`CLK-06 ${times(said, '"CLK-06"')}, CLK-08 ${times(said, '"CLK-08"')}`)
  assert.ok(times(said, '"CLK-06"') + times(said, '"CLK-08"') > 0)
  const status = said.split('\n').findLast((line) => line.includes('"clockBoundMs"'))
  assert.match(status ?? '', /"clock":"S"/, 'synchronised again')
  await checkReadings(way, meters, ends)
  const ahead = await way.count(
    `select count(*) from exceptions where code = 'BIL-12'
       and (convert_from(content, 'UTF8')::jsonb #>> '{stamp,agentTime}')::bigint
         - (convert_from(content, 'UTF8')::jsonb #>> '{reading,meterTime}')::bigint > 170000`,
  )
  const stored = await way.count(
    `select count(*) from readings where source = 0
       and extract(epoch from ts - meter_ts) > 170`,
  )
  t.diagnostic(`${ahead} readings were sealed under the wrong time: exceptions, not readings`)
  assert.equal(stored, 0)
  assert.ok(ahead > 0)
})
