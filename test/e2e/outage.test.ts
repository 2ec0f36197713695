// The database stops, or freezes, or the slave's disk fills up: readings wait where they are safe,
// and all of them arrive in the end.

import assert from 'node:assert/strict'
import { readdirSync, readlinkSync, realpathSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { startPostgres } from '../../services/billing/store/embedded/embedded-postgres.ts'
import { serveSemBus } from '../../services/simulator/sem-bus.ts'
import { type SimulatedMeter, simulatedMeter } from '../../services/simulator/simulated-meter.ts'
import { unixMs } from '../../shared/units.ts'
import { copyCluster, temporaryFolder } from './postgres.ts'
import { checkReadings, intervalEnds, untilFilled } from './profile-check.ts'
import { fill, mountSmallDisk, unmount } from './small-disk.ts'
import { semToml, type Slave, until, WholeWay } from './whole-way.ts'

const METERS = 5
const HISTORY_DAYS = 60
const DAY_MS = 86_400_000
/** How long the database is away. */
const AWAY_MS = 6_000

interface Scene {
  readonly slave: Slave
  readonly meters: readonly SimulatedMeter[]
  readonly ends: readonly number[]
}

async function scene(t: TestContext, way: WholeWay, dataFolder?: string): Promise<Scene> {
  const from = unixMs(Math.floor(Date.now() / DAY_MS - HISTORY_DAYS) * DAY_MS)
  const meters = Array.from({ length: METERS }, (_, seed) => simulatedMeter(`O-${seed}`, seed))
  const bus = await serveSemBus({ meters, now: () => unixMs(Date.now()) })
  const token = await way.register('outage', from)
  await way.noticed()
  const slave = way.slave('outage', token.device)
  slave.configure(
    semToml({
      master: `tcp://127.0.0.1:${way.ports.tcp}`,
      token: token.text,
      line: bus.url,
      meters: meters.map(({ number }) => number),
      everySeconds: 1,
      ...(dataFolder === undefined ? {} : { data: dataFolder }),
    }),
  )
  t.after(async () => {
    await slave.end()
    await bus.close()
  })
  return { slave, meters, ends: intervalEnds(from, Date.now()) }
}

/** In how many seconds of `from`..`to` the meter with the fewest readings was read. */
async function secondsRead(way: WholeWay, from: number, to: number): Promise<number> {
  const rows = await way.rows<{ seconds: number }>(
    `select count(distinct meter_ts) filter (where agent_ts between $1 and $2) as seconds
     from readings where source = 0 group by meter_id`,
    [new Date(from), new Date(to)],
  )
  return Math.min(...rows.map(({ seconds }) => seconds))
}

async function readingsAreBackFor(way: WholeWay, from: number, to: number): Promise<void> {
  // At least half of the seconds: a busy machine reads late, but an outage would leave none.
  const wanted = (to - from) / 2_000
  await until('what was read meanwhile', async () => (await secondsRead(way, from, to)) >= wanted)
}

/** The server's processes: each has the cluster as its working directory. */
const serverProcesses = (cluster: string): readonly number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/cwd`) === cluster
      } catch {
        return false
      }
    })
    .map(Number)

async function healthOf(way: WholeWay): Promise<number> {
  return (await fetch(`http://127.0.0.1:${way.ports.http}/healthz`)).status
}

// At once: each has a head-end of its own, and mostly waits.
void describe('what cannot be written now', { concurrency: true }, () => {
  test('database away: slaves keep their readings, also over kill -9, and send them later', async (t) => {
    const { folder, remove } = temporaryFolder()
    const place = join(folder, 'postgres')
    copyCluster(place, { durable: true })
    let server = await startPostgres({ folder: place, log: () => {} })
    t.after(async () => {
      await server.close()
      remove()
    })
    const { host, port, user, password, database } = server.owner
    assert.ok(typeof password === 'string')
    const url = `postgres://${user}:${password}@/${database}?host=${host}&port=${port}`
    const way = await WholeWay.open({ DATABASE_URL: url })
    t.after(() => way.close())
    const { slave, meters, ends } = await scene(t, way)
    slave.start()
    await until('the first readings', async () => (await way.readings()) > 0)

    await server.close()
    const stoppedAt = Date.now()
    assert.equal(await healthOf(way), 503)
    await wait(AWAY_MS / 2)
    await slave.end('SIGKILL')
    slave.start()
    await wait(AWAY_MS / 2)
    const backAt = Date.now()
    server = await startPostgres({ folder: place, log: () => {} })
    await readingsAreBackFor(way, stoppedAt, stoppedAt + AWAY_MS / 2)
    await until('healthy again', async () => (await healthOf(way)) === 200)
    await untilFilled(way, meters, ends)
    await checkReadings(way, meters, ends)

    const frozen = serverProcesses(realpathSync(join(place, 'cluster')))
    assert.ok(frozen.length > 1)
    const frozenAt = Date.now()
    for (const pid of frozen) process.kill(pid, 'SIGSTOP')
    await wait(AWAY_MS)
    for (const pid of frozen) process.kill(pid, 'SIGCONT')
    await readingsAreBackFor(way, frozenAt, frozenAt + AWAY_MS)
    await checkReadings(way, meters, ends)
    assert.doesNotMatch(slave.log(), /SEC-|OPS-1[456]/)
    assert.ok(backAt > stoppedAt)
  })

  test('the slave’s disk full: OPS-06 on the fleet page, and nothing is missing later', async (t) => {
    const way = await WholeWay.open()
    const disk = join(way.folder, 'disk')
    const mounted = mountSmallDisk(t, disk)
    t.after(() =>
      way.close(() => {
        if (mounted) unmount(disk)
      }),
    )
    if (!mounted) return
    const { slave, meters, ends } = await scene(t, way, join(disk, 'data'))
    slave.start()
    await until('the first readings', async () => (await way.readings()) > 0)
    const hog = join(disk, 'hog')
    fill(hog)
    await until('OPS-06 in the log', () => slave.log().includes('OPS-06'))
    await until('OPS-06 on the fleet page', async () => {
      const rows = await way.rows("select 1 from device_status where faults ? 'OPS-06'")
      return rows.length > 0
    })
    rmSync(hog)
    await untilFilled(way, meters, ends)
    const now = Date.now()
    await until('live readings again', async () => (await secondsRead(way, now, now + DAY_MS)) > 1)
    await checkReadings(way, meters, ends)
    assert.doesNotMatch(slave.log(), /SEC-|OPS-1[456]/)
  })
})
