import assert from 'node:assert/strict'
import { cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { migrate } from '../../services/billing/store/migrate.ts'
import {
  ensurePartition,
  indexClosedMonths,
  monthOf,
} from '../../services/billing/readings/db/partitions.ts'
import { packageRoot } from '../../shared/node/root.ts'
import { unixMs } from '../../shared/units.ts'
import { type TestPostgres, testPostgres } from './postgres.ts'

let postgres: TestPostgres
before(async () => {
  postgres = await testPostgres()
})
after(() => postgres.close())

test('a second migration changes nothing, two at once do not collide', async () => {
  assert.deepEqual(await Promise.all([migrate(postgres.owner), migrate(postgres.owner)]), [0, 0])
})

test('a database with a migration we do not know is refused as newer (OPS-13)', async () => {
  const pool = postgres.owner
  await pool.query("insert into schema_migrations values (9999, '9999_future.sql', 'x')")
  await assert.rejects(migrate(pool), { code: 'OPS-13' })
  await pool.query('delete from schema_migrations where number = 9999')
  assert.equal(await migrate(pool), 0)
})

test('an applied migration that was edited is refused (OPS-13)', async () => {
  const folder = join(postgres.folder, 'edited')
  cpSync(join(packageRoot(), 'migrations'), folder, { recursive: true })
  writeFileSync(join(folder, '0001_fleet.sql'), '-- edited')
  await assert.rejects(migrate(postgres.owner, folder), { code: 'OPS-13' })
})

test('int8 comes back as a safe number or not at all, date and numeric as text', async () => {
  const { rows } = await postgres.owner.query(
    "select 9007199254740991::int8 as a, '2026-02-28'::date as b, 1.10::numeric as c",
  )
  assert.deepEqual(rows, [{ a: 9007199254740991, b: '2026-02-28', c: '1.10' }])
  await assert.rejects(postgres.owner.query('select 9007199254740992::int8'), RangeError)
})

test('a month gets its by-meter index two days after its end, once', async () => {
  const { pool } = postgres.db
  const january = unixMs(Date.UTC(2026, 0, 31, 23, 59, 59, 999))
  await ensurePartition(pool, monthOf(january))
  await ensurePartition(pool, monthOf(january))
  await ensurePartition(pool, monthOf(unixMs(january + 1)))
  await pool.query(`insert into readings values
    ('2026-01-31T23:59:59.999Z', 1, 1, 1, 0, 0, now(), null, 'S', 1),
    ('2026-02-01T00:00:00Z', 1, 1, 1, 0, 0, now(), null, 'S', 1)`)
  const { rows } = await pool.query(
    'select tableoid::regclass::text as name from readings order by ts',
  )
  assert.deepEqual(rows, [{ name: 'readings_2026_01' }, { name: 'readings_2026_02' }])
  assert.deepEqual(
    await indexClosedMonths(postgres.owner, unixMs(Date.UTC(2026, 1, 2, 23, 59))),
    [],
  )
  const third = unixMs(Date.UTC(2026, 1, 3))
  assert.deepEqual(await indexClosedMonths(postgres.owner, third), ['readings_2026_01'])
  assert.deepEqual(await indexClosedMonths(postgres.owner, third), [])
})
