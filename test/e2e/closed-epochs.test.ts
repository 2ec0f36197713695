// Closed epochs in the database: set aside, taken back, in doubt, let go, destroyed (wire.md 6.5).

import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { sql } from 'kysely'
import { closedEpochs, letGoEpochs } from '../../services/billing/fleet/db/epochs.ts'
import {
  createDevice,
  issueToken,
  openRoster,
  revokeDevice,
} from '../../services/billing/fleet/db/roster.ts'
import { letGo } from '../../services/commands/let-go.ts'
import { letGoOf, printClosed } from '../../services/commands/work/closed-epochs.ts'
import { readSettings } from '../../services/settings.ts'
import type { EpochRecord, Roster } from '../../shared/handover/roster.ts'
import { unixMs } from '../../shared/units.ts'
import { DRAINED_KEPT_DAYS } from '../../shared/wire/limits.ts'
import { folderFor } from '../fixtures/folder.ts'
import { type TestPostgres, testPostgres } from './postgres.ts'

const NOW = unixMs(Date.now())
const bytes = (length: number, fill: number) => new Uint8Array(length).fill(fill)
const buffer = (length: number, fill: number) => Buffer.alloc(length, fill)

let postgres: TestPostgres
let roster: Roster
before(async () => {
  postgres = await testPostgres()
  roster = openRoster(postgres.db.kysely)
})
after(() => postgres.close())

let made = 0

/** An enrolled device with epochs 1 to 3, each with a position; 3 is the newest. */
async function device(): Promise<string> {
  made += 1
  const { kysely } = postgres.db
  const id = await createDevice(kysely, { id: bytes(8, made), name: `d${made}`, historyFrom: null })
  const token = { device: id, secret: bytes(40, 1), expiresAt: unixMs(NOW + 1e9) }
  await issueToken(kysely, { ...token, id: bytes(8, made), masterKey: bytes(4, 7) })
  await roster.enrol({
    token: Buffer.alloc(8, made).toString('hex'),
    device: id,
    staticKey: bytes(32, made),
    psk: bytes(48, 1),
    attempt: 1,
  })
  for (const epoch of [1, 2, 3]) {
    await roster.commitEpoch(epochOf(id, epoch), bytes(32, made))
    await sql`insert into stream_positions (device_id, epoch, run, sequence, second, hash, salt)
      values (${id}, ${epoch}, ${epoch}, 9, 40, ${buffer(32, 1)}, ${buffer(16, 2)})`.execute(kysely)
  }
  return id
}

const epochOf = (owner: string, id: number): EpochRecord => ({
  device: owner,
  id,
  origin: NOW,
  transcript: bytes(32, id),
  keys: bytes(64, id),
  closed: false,
})

/** As if everything about the epoch had happened so long ago. */
const age = (owner: string, epoch: number, days: number): Promise<unknown> =>
  sql`update epochs set closed_at = closed_at - make_interval(days => ${days}),
      drained_at = drained_at - make_interval(days => ${days}),
      let_go_at = let_go_at - make_interval(days => ${days})
    where device_id = ${owner} and id = ${epoch}`.execute(postgres.db.kysely)

/** The device's last CONFIRM is of now. */
const called = (owner: string): Promise<unknown> =>
  sql`insert into device_status (device_id, connected_at) values (${owner}, now())`.execute(
    postgres.db.kysely,
  )

async function loaded(owner: string): Promise<readonly (readonly [number, number])[]> {
  const { epochs, positions } = await roster.load()
  const own = epochs.filter((epoch) => epoch.device === owner)
  return own.map(({ id }) => [
    id,
    positions.filter((at) => at.device === owner && at.epoch === id).length,
  ])
}

async function exceptions(owner: string): Promise<readonly (readonly [number, string, string])[]> {
  const { rows } = await sql<{ epoch: number; code: string; detail: string }>`
    select epoch, code, detail from exceptions where device_id = ${owner} order by id`.execute(
    postgres.db.kysely,
  )
  return rows.map(({ epoch, code, detail }) => [epoch, code, detail])
}

test('a drained epoch is not loaded and not wrapped anew; it comes back whole', async () => {
  const owner = await device()
  await roster.drainEpoch({ device: owner, epoch: 1 }, bytes(70, 11))
  await roster.drainEpoch({ device: owner, epoch: 3 }, bytes(70, 33))
  assert.deepEqual(
    await loaded(owner),
    [
      [2, 1],
      [3, 1],
    ],
    'the newest is never drained',
  )
  const wrapped: number[] = []
  await roster.rewrap((batch) =>
    batch.map(({ device: of, epoch }) => {
      if (of === owner) wrapped.push(epoch)
      return null
    }),
  )
  assert.deepEqual(wrapped, [2, 3])
  const found = await roster.drainedEpochs(owner, [1, 2, 3, 4])
  assert.deepEqual(
    found.epochs.map(({ id, keys, closed }) => [id, keys, closed]),
    [[1, buffer(70, 11), true]],
  )
  assert.deepEqual(
    found.positions.map(({ run, sequence }) => [run, sequence]),
    [[1, 9]],
  )
  await roster.reviveEpoch({ device: owner, epoch: 1 }, bytes(70, 12))
  assert.deepEqual(await loaded(owner), [
    [1, 1],
    [2, 1],
    [3, 1],
  ])
})

test('keys and positions go when the days of grace are over, and not before', async () => {
  const owner = await device()
  for (const epoch of [1, 2]) await roster.drainEpoch({ device: owner, epoch }, bytes(70, epoch))
  await age(owner, 1, DRAINED_KEPT_DAYS + 1)
  await age(owner, 2, DRAINED_KEPT_DAYS - 1)
  assert.deepEqual(await roster.tidyEpochs(), { destroyed: 1 })
  const left = await roster.drainedEpochs(owner, [1, 2])
  assert.deepEqual(
    left.epochs.map(({ id }) => id),
    [2],
  )
  assert.equal(left.positions.length, 1)
})

test('an epoch that is neither drained nor named becomes an exception after a day', async () => {
  const [silent, away, young, named] = [
    await device(),
    await device(),
    await device(),
    await device(),
  ]
  for (const owner of [silent, away, named]) await age(owner, 1, 2)
  for (const owner of [silent, young, named]) await called(owner)
  await roster.namedEpochs(named, [1])
  await roster.tidyEpochs()
  await roster.tidyEpochs()
  const [only, ...more] = await exceptions(silent)
  assert.deepEqual(more, [])
  assert.deepEqual(only?.slice(0, 2), [1, 'SEC-18'])
  assert.match(only?.[2] ?? '', /^epoch 1: neither drained nor named since .*let-go/)
  for (const owner of [away, young, named]) assert.deepEqual(await exceptions(owner), [])
  const closed = await closedEpochs(postgres.db.kysely, silent)
  assert.deepEqual(
    closed.map(({ epoch, doubtful }) => [epoch, doubtful]),
    [
      [1, true],
      [2, false],
    ],
  )
})

test('what an operator lets go is destroyed, named to masters, and kept among the exceptions', async () => {
  const owner = await device()
  const before = await roster.revision()
  const given = { by: 'eve (command line)', reason: 'disk burnt' }
  const gone = await letGoEpochs(postgres.db.kysely, owner, { ...given, epochs: [1, 3, 8] })
  assert.deepEqual(gone, [1], 'neither the newest nor one that is not there')
  assert.ok((await roster.revision()) > before)
  assert.deepEqual(await loaded(owner), [
    [2, 1],
    [3, 1],
  ])
  const { letGo } = await roster.load()
  assert.deepEqual(
    letGo.filter(({ device: of }) => of === owner),
    [{ device: owner, epoch: 1 }],
  )
  const { rows } = await sql<{ keys: Buffer }>`
    select keys from epochs where device_id = ${owner} and id = 1`.execute(postgres.db.kysely)
  assert.equal(rows[0]?.keys.length, 0)
  assert.deepEqual(await exceptions(owner), [
    [1, 'SEC-18', 'epoch 1: let go by eve (command line): disk burnt'],
  ])
})

test('revocation and a new token destroy no epoch', async () => {
  const owner = await device()
  const all = await loaded(owner)
  await revokeDevice(postgres.db.kysely, owner)
  assert.deepEqual(await loaded(owner), all)
  const token = { device: owner, secret: bytes(40, 2), expiresAt: unixMs(NOW + 1e9) }
  await issueToken(postgres.db.kysely, { ...token, id: bytes(8, 200), masterKey: bytes(4, 7) })
  await roster.enrol({
    token: Buffer.alloc(8, 200).toString('hex'),
    device: owner,
    staticKey: bytes(32, 201),
    psk: bytes(48, 1),
    attempt: 1,
  })
  await roster.tidyEpochs()
  assert.deepEqual(await loaded(owner), all)
})

test('the same contradiction is one exception, however often it is told', async () => {
  const owner = await device()
  const doubt = {
    device: owner,
    epoch: 1,
    run: 1,
    sequence: 12,
    code: 'SEC-18',
    about: 'drained',
    detail: 'x',
  } as const
  await roster.doubt(doubt)
  await roster.doubt(doubt)
  await roster.doubt({ ...doubt, code: 'SEC-FORK', about: 'history' })
  assert.deepEqual(
    (await exceptions(owner)).map(([, code]) => code),
    ['SEC-18', 'SEC-FORK'],
  )
})

test('ticklock let-go lists, refuses without a reason, and destroys what it is told to', async (t) => {
  const owner = await device()
  await age(owner, 1, 2)
  await called(owner)
  const data = folderFor(t)
  mkdirSync(data)
  symlinkSync(postgres.folder, join(data, 'postgresql'))
  const settings = readSettings({ TICKLOCK_DATA: data })
  const log = t.mock.method(console, 'log', () => undefined)
  const said = (): string => log.mock.calls.map((call) => String(call.arguments[0])).join('\n')
  await printClosed(settings, owner)
  assert.match(said(), /closed epochs, not drained: 2/)
  assert.match(said(), /^ +1 {2}begun .* {2}closed .* {2}not named since {2}IN DOUBT$/m)
  assert.match(said(), /^ +2 .*its slave may still be away, or sending$/m)
  const misused = { code: 'OPS-12' }
  await assert.rejects(letGo.run([owner, '1'], []), misused, 'no reason')
  await assert.rejects(letGoOf(settings, owner, { epoch: '3', reason: 'x' }), misused, 'the newest')
  await assert.rejects(letGoOf(settings, 'nobody', { epoch: '1', reason: 'x' }), { code: 'SEC-01' })
  await letGoOf(settings, owner, { epoch: 'doubtful', reason: 'its disk burnt' })
  assert.deepEqual(await loaded(owner), [
    [2, 1],
    [3, 1],
  ])
  const details = (await exceptions(owner)).map(([, , detail]) => detail)
  assert.match(details.join('\n'), /^epoch 1: let go by .* \(command line\): its disk burnt$/m)
})
