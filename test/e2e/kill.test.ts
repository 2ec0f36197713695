// kill -9 of every part while meters are read and two months of history are filled in.
//
// The expected result is known beforehand: a simulated meter's register is a function of its seed
// and the instant. What was promised is known too: after each kill of a slave its outbox is copied,
// and every run must end where that copy says, with that stream hash.

import assert from 'node:assert/strict'
import { cpSync, existsSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { type SemBus, serveSemBus } from '../../services/simulator/sem-bus.ts'
import { type SimulatedMeter, simulatedMeter } from '../../services/simulator/simulated-meter.ts'
import type { Stored } from '../../services/slave/core/state/stored.ts'
import { toHex } from '../../shared/bytes.ts'
import { type UnixMs, unixMs } from '../../shared/units.ts'
import { open } from './outbox-fixture.ts'
import { checkReadings, intervalEnds, untilFilled } from './profile-check.ts'
import { semToml, type Slave, until, WholeWay } from './whole-way.ts'

const ROUNDS = 5
const SLAVES = 2
const METERS_EACH = 10
const HISTORY_DAYS = 60
const DAY_MS = 86_400_000
/** How long a meter takes to answer: slow enough for the back-fill to last as long as the kills. */
const ANSWER_MS = 100
/** Interval of each meter's live readings, seconds. */
const EVERY_SECONDS = 3
/** What a kill in the middle of a message, a link that replaces another, or a handshake while the
 * database is away may leave behind. */
const HARMLESS = ['WIR-03', 'WIR-06', 'OPS-08']

/** A line that delays every answer. */
async function slowLine(t: TestContext, bus: SemBus): Promise<string> {
  const server = createServer((slave) => {
    const meters = connect(bus.port, '127.0.0.1')
    slave.on('error', () => slave.destroy())
    meters.on('error', () => meters.destroy())
    slave.on('data', (chunk: Buffer) => meters.write(chunk))
    meters.on('data', (chunk: Buffer) => setTimeout(() => slave.write(chunk), ANSWER_MS))
    slave.on('close', () => meters.destroy())
    meters.on('close', () => slave.destroy())
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  t.after(() => server.close())
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  return `tcp://127.0.0.1:${address.port}`
}

/** Where each run of each slave ended: `device/epoch/run` to `last/hash`. */
type Promised = Map<string, string>

function note(promised: Promised, { device }: Slave, { runs }: Stored): void {
  for (const { epoch, run, last, lastHash } of runs) {
    const end = `${last}/${toHex(lastHash)}`
    const key = `${device}/${epoch}/${run}`
    assert.ok((promised.get(key) ?? end) === end, `run ${key} went on after its process had ended`)
    promised.set(key, end)
  }
}

let copies = 0

/** What is committed in the outbox of a slave whose process has ended. */
function stored(way: WholeWay, slave: Slave): Stored {
  copies += 1
  const copy = join(way.folder, `copy-${copies}`)
  // A slave killed right after its start has made no folder yet.
  if (existsSync(slave.dataFolder)) cpSync(slave.dataFolder, copy, { recursive: true })
  const outbox = open(copy)
  const content = outbox.load()
  outbox.close()
  return content
}

const counted = (way: WholeWay): Promise<number> =>
  way.count("select count from counters where name = 'readings'")

async function goesOn(way: WholeWay, what: string): Promise<void> {
  const before = await until(`the count after ${what}`, () => counted(way))
  await until(`readings after ${what}`, async () => (await counted(way)) > before)
}

async function killSlaves(way: WholeWay, slaves: readonly Slave[], promised: Promised) {
  for (const slave of slaves) {
    await slave.end('SIGKILL')
    note(promised, slave, stored(way, slave))
  }
}

async function killRounds(way: WholeWay, slaves: readonly Slave[], promised: Promised) {
  for (let round = 1; round <= ROUNDS; round += 1) {
    await killSlaves(way, slaves, promised)
    for (const slave of slaves) slave.start()
    await goesOn(way, `slaves killed, round ${round}`)

    await way.end('SIGKILL')
    await way.start()
    await goesOn(way, `head-end killed, round ${round}`)

    process.kill(way.postgresPid, 'SIGKILL')
    await goesOn(way, `PostgreSQL killed, round ${round}`)
  }
  process.kill(way.postgresPid, 'SIGKILL')
  await way.end('SIGKILL')
  await killSlaves(way, slaves, promised)
  await way.start()
  for (const slave of slaves) slave.start()
}

/** Lets a slave whose meters are gone send what it has, until nothing is left. */
async function drain(way: WholeWay, slave: Slave): Promise<Stored> {
  return until(`outbox of ${slave.name} is empty`, async () => {
    await wait(2_000)
    await slave.end()
    const content = stored(way, slave)
    if (content.backlog.frames === 0) return content
    slave.start()
    return null
  })
}

async function checkStreams(way: WholeWay, promised: Promised): Promise<void> {
  const positions = await way.rows<{ stream: string; sequence: number; hash: Buffer }>(
    `select device_id || '/' || epoch || '/' || run as stream, sequence, hash
     from stream_positions`,
  )
  const durable = new Map(
    positions.map(({ stream, sequence, hash }) => [stream, `${sequence}/${toHex(hash)}`]),
  )
  for (const [stream, end] of promised) assert.equal(durable.get(stream), end, stream)
  assert.deepEqual(
    [...durable.keys()].sort(),
    [...promised.keys()].sort(),
    'no stream without a slave',
  )
}

async function checkNothingOdd(t: TestContext, way: WholeWay, slaves: readonly Slave[]) {
  const refusals = await way.rows<{ code: string; count: number }>(
    'select code, sum(count)::bigint as count from refusals group by code',
  )
  t.diagnostic(`refused: ${JSON.stringify(refusals)}`)
  assert.deepEqual(
    refusals.filter(({ code }) => !HARMLESS.includes(code)),
    [],
  )
  const exceptions = await way.rows<{ code: string; count: number }>(
    "select code, count(*) as count from exceptions where code <> 'BIL-05' group by code",
  )
  assert.deepEqual(exceptions, [])
  for (const slave of slaves) assert.doesNotMatch(slave.log(), /"(SEC-\w+|OPS-1[456])"/)
  assert.equal(await counted(way), await way.readings(), 'the counter counts what is there')
}

interface Furnished {
  readonly meters: readonly SimulatedMeter[]
  readonly slaves: readonly Slave[]
  readonly buses: readonly SemBus[]
}

/** Slaves with their meters, registered but not started; every other one uses WebSocket. */
async function furnish(t: TestContext, way: WholeWay, from: UnixMs): Promise<Furnished> {
  const meters: SimulatedMeter[] = []
  const slaves: Slave[] = []
  const buses: SemBus[] = []
  for (let index = 0; index < SLAVES; index += 1) {
    const own = Array.from({ length: METERS_EACH }, (_, place) =>
      simulatedMeter(`K${index + 1}-${place + 1}`, 100 * index + place),
    )
    const bus = await serveSemBus({ meters: own, now: () => unixMs(Date.now()) })
    t.after(() => bus.close())
    const token = await way.register(`slave ${index + 1}`, from)
    const slave = way.slave(`slave-${index + 1}`, token.device)
    const { tcp, ws } = way.ports
    slave.configure(
      semToml({
        master: index === 0 ? `tcp://127.0.0.1:${tcp}` : `ws://127.0.0.1:${ws}/`,
        token: token.text,
        line: await slowLine(t, bus),
        meters: own.map(({ number }) => number),
        everySeconds: EVERY_SECONDS,
      }),
    )
    meters.push(...own)
    slaves.push(slave)
    buses.push(bus)
  }
  await way.noticed()
  return { meters, slaves, buses }
}

/** Waits for the end of the back-fill, takes the meters away, drains the slaves and checks
 * everything. */
async function checkAll(
  t: TestContext,
  way: WholeWay,
  { meters, slaves, buses }: Furnished,
  wanted: { readonly from: UnixMs; readonly promised: Promised },
): Promise<void> {
  const { from, promised } = wanted
  const ends = intervalEnds(from, Date.now() - 5_000)
  try {
    await untilFilled(way, meters, ends)
  } catch (error) {
    const newest = await way.rows(
      `select number, max(ts) filter (where source = 1) as newest, count(*) filter
       (where source = 1)::int as profile from meters join readings on meters.id = meter_id
       group by number order by number`,
    )
    t.diagnostic(JSON.stringify(newest))
    for (const slave of slaves) t.diagnostic(slave.log().slice(-2_000))
    throw error
  }
  for (const bus of buses) await bus.close()
  for (const slave of slaves) note(promised, slave, await drain(way, slave))
  await checkReadings(way, meters, ends)
  await checkStreams(way, promised)
  await checkNothingOdd(t, way, slaves)
}

const daysAgo = (days: number): UnixMs => unixMs((Math.floor(Date.now() / DAY_MS) - days) * DAY_MS)

/** Moments in the life of a young slave, ms after its start: before its first message, while it
 * enrols, while its epoch is made, while the first frames go. */
const YOUNG_MS = [250, 400, 500, 600, 700, 800, 950, 1_200]

// At once: each has a head-end of its own, and waits half the time.
void describe('kill -9', { concurrency: true }, () => {
  test('kill -9 of slaves, head-end and PostgreSQL, again and again: every reading once', async (t) => {
    const way = await WholeWay.open({}, { durable: true })
    t.after(() => way.close())
    const from = daysAgo(HISTORY_DAYS)
    const furnished = await furnish(t, way, from)
    const { slaves } = furnished
    for (const slave of slaves) slave.start()
    await until('the back-fill begins', async () => (await counted(way)) > 0)
    const promised: Promised = new Map()
    const startedAt = performance.now()
    await killRounds(way, slaves, promised)
    t.diagnostic(`the kills took ${Math.round(performance.now() - startedAt)} ms`)
    await checkAll(t, way, furnished, { from, promised })
  })

  test('kill -9 while slaves enrol and make their first epochs: every reading once', async (t) => {
    const way = await WholeWay.open({}, { durable: true })
    t.after(() => way.close())
    const from = daysAgo(2)
    const furnished = await furnish(t, way, from)
    const { slaves } = furnished
    const promised: Promised = new Map()
    for (const [index, age] of YOUNG_MS.entries()) {
      for (const slave of slaves) slave.start()
      await wait(age)
      const { postgresPid } = way
      if (index % 2 === 0 && postgresPid !== 0) process.kill(postgresPid, 'SIGKILL')
      if (index % 4 === 1) await way.end('SIGKILL')
      await killSlaves(way, slaves, promised)
      if (index % 4 === 1) await way.start()
    }
    for (const slave of slaves) slave.start()
    await checkAll(t, way, furnished, { from, promised })
  })
})
