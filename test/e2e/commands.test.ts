// Commands from the operator's shell to a real slave process and its meter, and back.

import assert from 'node:assert/strict'
import { connect, createServer } from 'node:net'
import { describe, test, type TestContext } from 'node:test'
import { giveCommand, openCommands } from '../../services/billing/fleet/db/commands.ts'
import { serveSemBus } from '../../services/simulator/sem-bus.ts'
import { simulatedMeter } from '../../services/simulator/simulated-meter.ts'
import { shiftMs, spanMs, unixMs } from '../../shared/units.ts'
import type { CommandTask } from '../../shared/wire/commands.ts'
import { testPostgres } from './postgres.ts'
import { Process, semToml, until, WholeWay } from './whole-way.ts'

const METER = 'ED-1'
/** Live readings are so rare that within a test only a command brings a second one. */
const EVERY_SECONDS = 3_600

interface Line {
  readonly url: string
  /** Requests heard. */
  asked: number
  /** True: the meters' answers are lost. */
  deaf: boolean
}

async function openLine(t: TestContext): Promise<Line> {
  const meters = [simulatedMeter(METER, 7)]
  const bus = await serveSemBus({ meters, now: () => unixMs(Date.now()) })
  t.after(() => bus.close())
  const server = createServer((slave) => {
    const meter = connect(bus.port, '127.0.0.1')
    slave.on('error', () => slave.destroy())
    meter.on('error', () => meter.destroy())
    slave.on('data', (chunk: Buffer) => {
      line.asked += 1
      meter.write(chunk)
    })
    meter.on('data', (chunk: Buffer) => {
      if (!line.deaf) slave.write(chunk)
    })
    slave.on('close', () => meter.destroy())
    meter.on('close', () => slave.destroy())
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  t.after(() => server.close())
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  const line: Line = { url: `tcp://127.0.0.1:${address.port}`, asked: 0, deaf: false }
  return line
}

const READ: CommandTask = { task: 'read-now', meter: null }
const DEVICES = ['00112233aabbccdd', '00112233aabbccde'] as const

// At once: each has a head-end or a database of its own, and mostly waits.
void describe('ticklock command', { concurrency: true }, () => {
  test('ticklock command: read now brings a reading; killed in between it is unknown', async (t) => {
    const way = await WholeWay.open()
    t.after(() => way.close())
    const line = await openLine(t)
    const token = await way.register('attic', null)
    await way.noticed()
    const slave = way.slave('attic', token.device)
    slave.configure(
      semToml({
        master: `tcp://127.0.0.1:${way.ports.tcp}`,
        token: token.text,
        line: line.url,
        meters: [METER],
        everySeconds: EVERY_SECONDS,
      }),
    )
    slave.start()
    await until('the first reading', async () => (await way.readings()) > 0)
    const command = async (...words: string[]) => {
      const { code, output } = await new Process(['command', 'attic', ...words], way.env).ended
      return { code, output }
    }

    const before = await way.readings()
    const read = await command('read-now', METER)
    assert.deepEqual([read.code, /\bdone$/m.test(read.output)], [0, true], read.output)
    await until('the reading asked for', async () => (await way.readings()) > before)

    const clock = await command('sync-clock', METER)
    assert.equal(clock.code, 1)
    assert.match(clock.output, /refused: MTR-09/)
    const nobody = await command('read-now', 'nobody')
    assert.match(nobody.output, /refused: BIL-05/)
    const faster = await command('schedule', METER, '5')
    assert.match(faster.output, /^done$/m)
    const after = await way.readings()
    await until('readings every five seconds', async () => (await way.readings()) > after + 1)
    assert.match((await command('schedule', METER, String(EVERY_SECONDS))).output, /^done$/m)

    line.deaf = true
    const askedBefore = line.asked
    const interrupted = command('read-now')
    await until('the meter was asked', () => line.asked > askedBefore)
    await slave.end('SIGKILL')
    line.deaf = false
    const asked = line.asked
    slave.start()
    const { code, output } = await interrupted
    assert.equal(code, 1, output)
    assert.match(output, /^unknown: /m)
    // The new process asks once on its own schedule and once for the clock, never for the command.
    assert.ok(line.asked - asked <= 2, `${line.asked - asked} requests`)
    const rows = await way.rows<{ outcome: string; asked_by: string; sent: boolean }>(
      `select outcome, asked_by, sent_at is not null as sent from commands
     where receipt_at is not null order by number`,
    )
    assert.deepEqual(
      rows.map(({ outcome }) => outcome),
      ['done', 'refused', 'refused', 'done', 'done', 'unknown'],
    )
    assert.ok(rows.every(({ asked_by, sent }) => sent && asked_by.endsWith(' (command line)')))
  })

  test('ticklock command reports what is wrong before anything is stored', async (t) => {
    const way = await WholeWay.open()
    t.after(() => way.close())
    const { device } = await way.register('attic', null)
    for (const [words, expected] of [
      [[], /OPS-12/],
      [['attic'], /OPS-12/],
      [['attic', 'dance'], /OPS-12/],
      [['attic', 'schedule', METER, '4'], /OPS-12/],
      [['attic', 'schedule', METER, '86401'], /OPS-12/],
      [['attic', 'read-now', 'no meter'], /OPS-12/],
      [['attic', 'read-now', METER, '5'], /OPS-12/],
      [['attic', 'read-now', '--expires', '0'], /OPS-12/],
      [['cellar', 'read-now'], /SEC-01/],
    ] as const) {
      const { code, output } = await new Process(['command', ...words], way.env).ended
      assert.equal(code, 1, words.join(' '))
      assert.match(output, expected)
      assert.doesNotMatch(output, /\bat .*\.js/, 'no stack trace')
    }
    assert.equal(await way.count('select count(*) as count from commands'), 0)

    const waits = await new Process(['command', device, 'read-now', '--expires', '60'], way.env)
      .ended
    assert.equal(waits.code, 0)
    assert.match(waits.output, /^command \d+ .*attic\nwaits: /)
  })

  test('commands in the database: numbers grow, the oldest is open, a receipt is final', async (t) => {
    const postgres = await testPostgres()
    t.after(() => postgres.close())
    const { kysely, pool } = postgres.db
    const [device, other] = DEVICES
    for (const id of DEVICES) await pool.query("insert into devices values ($1, 'attic')", [id])
    const now = unixMs(1_800_000_000_000)
    const later = shiftMs(now, spanMs(60_000))
    const commands = openCommands(kysely, () => later)
    const give = (id: string, at = now) =>
      giveCommand(kysely, { device: id, what: READ, askedBy: 'ada', now: at, expires: later })
    const first = await commands.revision()
    // A clock that went back, and two commands at once: no number is used twice.
    const given = [await give(device), await give(device, unixMs(1))]
    given.push(...(await Promise.all([give(device), give(device)])))
    const numbers = given.map((verdict) => (verdict.ok ? verdict.number : 0))
    assert.deepEqual(numbers.slice(0, 2), [now, now + 1])
    assert.deepEqual(
      numbers.slice(2).sort((a, b) => a - b),
      [now + 2, now + 3],
    )
    await give(other)
    assert.ok((await commands.revision()) > first)
    assert.deepEqual(await commands.open(), [
      { device, number: now, expires: later, what: READ },
      { device: other, number: now, expires: later, what: READ },
    ])

    await commands.sent(device, now)
    const receipt = { number: now, outcome: 'refused', detail: 'MTR-01' } as const
    const before = await commands.revision()
    await commands.receipt(device, receipt)
    await commands.receipt(device, { ...receipt, outcome: 'done', detail: '' })
    assert.ok((await commands.revision()) > before)
    const { rows } = await pool.query('select outcome, detail from commands where sent_at = $1', [
      new Date(later),
    ])
    assert.deepEqual(rows, [{ outcome: 'refused', detail: 'MTR-01' }])
    assert.equal((await commands.open())[0]?.number, now + 1)
    for (const forbidden of [
      "update commands set outcome = 'done' where outcome is not null",
      'update commands set asked_by = upper(asked_by) where outcome is null',
      "update commands set expires_at = expires_at + interval '1 day' where outcome is null",
      'delete from commands',
      'truncate commands',
    ]) {
      await assert.rejects(postgres.owner.query(forbidden), /never/, forbidden)
    }

    await pool.query('update devices set revoked_at = now() where id = $1', [other])
    assert.deepEqual(await give(other), { ok: false, fault: 'SEC-14' })
    assert.deepEqual(await give('0000000000000000'), { ok: false, fault: 'SEC-01' })
    for (let open = 3; open < 100; open += 1) assert.equal((await give(device)).ok, true)
    assert.deepEqual(await give(device), { ok: false, fault: 'OPS-18' })
  })
})
