import assert from 'node:assert/strict'
import { cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { migrate } from '../../services/billing/db/migrate.ts'
import { packageRoot } from '../../shared/node/root.ts'
import { type TestPostgres, testPostgres } from './postgres.ts'

let postgres: TestPostgres
before(async () => {
  postgres = await testPostgres()
})
after(() => postgres.close())

test('a second migration changes nothing, two at once do not collide', async () => {
  assert.deepEqual(
    await Promise.all([migrate(postgres.db.pool), migrate(postgres.db.pool)]),
    [0, 0],
  )
})

test('a database with a migration we do not know is refused as newer (OPS-13)', async () => {
  const { pool } = postgres.db
  await pool.query("insert into schema_migrations values (9999, '9999_future.sql', 'x')")
  await assert.rejects(migrate(pool), { code: 'OPS-13' })
  await pool.query('delete from schema_migrations where number = 9999')
  assert.equal(await migrate(pool), 0)
})

test('an applied migration that was edited is refused (OPS-13)', async () => {
  const folder = join(postgres.folder, 'edited')
  cpSync(join(packageRoot(), 'migrations'), folder, { recursive: true })
  writeFileSync(join(folder, '0001_fleet.sql'), '-- edited')
  await assert.rejects(migrate(postgres.db.pool, folder), { code: 'OPS-13' })
})

test('int8 comes back as a number, date and numeric as text, an unsafe int8 is an error', async () => {
  const { rows } = await postgres.db.pool.query(
    "select 9007199254740991::int8 as a, '2026-02-28'::date as b, 1.10::numeric as c",
  )
  assert.deepEqual(rows, [{ a: 9007199254740991, b: '2026-02-28', c: '1.10' }])
  await assert.rejects(postgres.db.pool.query('select 9007199254740992::int8'), RangeError)
})
