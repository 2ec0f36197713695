// What needs attention (services/billing/attention): gathered, marked, and gone with its cause.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { attentionReads, look } from '../../services/billing/attention/db/board.ts'
import { attentionSpec } from '../../services/billing/attention/http/spec.ts'
import { readList } from '../../services/billing/kit/list.ts'
import { unixMs } from '../../shared/units.ts'
import { type TestPostgres, testPostgres } from './postgres.ts'

const NOW = unixMs(Date.now())
const DEVICE = '00000000000000d1'
let postgres: TestPostgres

before(async () => {
  postgres = await testPostgres()
  await postgres.db.pool.query(
    "insert into devices (id, name, static_key) values ($1, 'Cellar', 'key')",
    [DEVICE],
  )
})
after(() => postgres.close())

const listed = async (state: 'open' | 'muted' | 'closed' = 'open') => {
  const rows = await attentionReads(postgres.db.kysely).list(
    { state, query: readList({}, attentionSpec(state)) },
    NOW,
  )
  return rows.map(({ code, subject, count }) => [code, subject, count])
}

const complain = (code: string, item: number) =>
  postgres.db.pool.query(
    `insert into exceptions (device_id, epoch, run, sequence, item, code, meter, detail)
      values ($1, 1, 1, 1, $2, $3, 'M1', 'x')`,
    [DEVICE, item, code],
  )

test('a cut link, a wrong clock and given-up frames are listed, the worst and oldest first', async () => {
  const { db } = postgres
  await db.pool.query(
    `insert into device_status (device_id, connected_at, disconnected_at, reported_at, clock_state)
      values ($1, $2, $3, $3, 'S')`,
    [DEVICE, new Date(NOW - 7_200_000), new Date(NOW - 3_600_000)],
  )
  await complain('SEC-03', 1)
  await complain('BIL-12', 2)
  await complain('BIL-12', 3)
  assert.equal(await look(db.kysely, NOW), true)
  assert.deepEqual(await listed(), [
    ['SEC-03', 'meter M1 at Cellar', 1],
    ['OPS-43', 'Cellar', 1],
    ['BIL-12', 'meter M1 at Cellar', 2],
  ])
  await look(db.kysely, NOW)
  assert.equal((await listed()).length, 3, 'a second look adds nothing')
})

test('what is closed comes back when it happens again; what is muted, on its day', async () => {
  const { db } = postgres
  const reads = attentionReads(db.kysely)
  const idOf = async (code: string) => {
    const { rows } = await db.pool.query('select id from attention where code = $1', [code])
    return rows[0].id
  }
  const mute = { kind: 'mute', until: unixMs(NOW + 86_400_000), reason: 'fitter comes' } as const
  await reads.mark([await idOf('BIL-12')], { kind: 'close', reason: 'clock set' }, 'Ravi', NOW)
  await reads.mark([await idOf('OPS-43')], mute, 'Ravi', NOW)
  await reads.mark([await idOf('SEC-03')], { kind: 'seen' }, 'Ravi', NOW)
  await look(db.kysely, unixMs(NOW + 1))
  assert.deepEqual(await listed(), [['SEC-03', 'meter M1 at Cellar', 1]])
  assert.deepEqual(await listed('muted'), [['OPS-43', 'Cellar', 1]])
  assert.deepEqual(await listed('closed'), [['BIL-12', 'meter M1 at Cellar', 2]])
  assert.equal((await reads.totals(NOW)).open, 1)

  await complain('BIL-12', 4)
  await look(db.kysely, unixMs(NOW + 2))
  assert.deepEqual(await listed(), [
    ['SEC-03', 'meter M1 at Cellar', 1],
    ['BIL-12', 'meter M1 at Cellar', 3],
  ])
  const later = unixMs(NOW + 2 * 86_400_000)
  const search = (q: string) =>
    reads.list({ state: 'open', query: readList({ q }, attentionSpec('open')) }, later)
  assert.equal((await search('cellar')).length, 3)
  assert.equal((await search('%')).length, 0)
})

test('what is mended is gone from the list', async () => {
  const { db } = postgres
  await db.pool.query('update device_status set connected_at = $1', [new Date(NOW)])
  await look(db.kysely, unixMs(NOW + 3))
  assert.deepEqual(await listed('muted'), [])
})
