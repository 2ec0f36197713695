// The role that Ticklock works with cannot change what is final, and cannot leave the database
// (threat-model.md). Each statement below is tried as that role.

import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Client, Pool } from 'pg'
import { startPostgres } from '../../services/billing/store/embedded/embedded-postgres.ts'
import { WORKER } from '../../services/billing/store/embedded/roles.ts'
import { GRANTS, surplusRights } from '../../services/billing/store/grants.ts'
import { migrate, prepareSchema } from '../../services/billing/store/migrate.ts'
import { openDatabase, openOwner, serverVersion } from '../../services/billing/store/pool.ts'
import { type TestPostgres, testPostgres } from './postgres.ts'

const FORBIDDEN = '42501'

let postgres: TestPostgres
before(async () => {
  postgres = await testPostgres()
  await postgres.owner.query('select make_readings_month(2026 * 12)')
})
let closed = false
after(() => (closed ? undefined : postgres.close()))

/** What changes something final. */
const FINAL: readonly string[] = [
  'update bills set total = 0',
  "update bills set content = '{}'",
  'delete from bills',
  'truncate bills cascade',
  'alter table bills disable trigger all',
  'drop trigger bills_are_final on bills',
  'drop table bills cascade',
  'update commands set what = \'{"is": "read-now"}\'',
  "update commands set asked_by = 'somebody else'",
  'update commands set expires_at = now()',
  'delete from commands',
  'truncate commands',
  'update readings set value = 0',
  'update readings set quality = 0',
  'delete from readings',
  'truncate readings',
  'update readings_2026_01 set value = 0',
  'insert into readings_2026_01 select * from readings',
  'drop table readings_2026_01',
  'alter table readings detach partition readings_2026_01',
  'update retimed_readings set value = 0',
  'update rival_readings set value = 0',
  'delete from rival_readings',
  'update set_aside set from_at = null',
  'delete from set_aside',
  'delete from retimed_readings',
  "update tariff_versions set content = '{}'",
  'delete from tariff_versions',
  "update exceptions set detail = ''",
  'delete from exceptions',
  'delete from counters',
  'delete from notices',
  "update schema_migrations set hash = ''",
  "insert into schema_migrations values (9999, '9999_x.sql', 'x')",
]

/** What leaves the tables. */
const BEYOND: readonly string[] = [
  "copy (select 1) to program 'true'",
  "copy bills to '/tmp/bills'",
  "select pg_read_file('/etc/passwd')",
  "select pg_ls_dir('/')",
  'create table mine (a integer)',
  'create temporary table mine (a integer)',
  'create schema mine',
  "create function mine() returns integer language sql as 'select 1'",
  'drop extension plpgsql',
  'create role mine',
  "alter role ticklock password 'x'",
  `alter role ${WORKER} superuser`,
  'create database mine',
  'alter system set fsync = off',
  'set role ticklock',
  'set session authorization ticklock',
  "set session_replication_role = 'replica'",
  'select * from pg_authid',
  'lock table bills in share mode',
  "create or replace function make_readings_month(month integer) returns void language sql as ''",
]

for (const [what, tries] of [
  ['change what is final', FINAL],
  ['leave its tables', BEYOND],
] as const) {
  test(`the working role cannot ${what}: permission denied`, async () => {
    const outcomes: string[] = []
    for (const statement of tries) {
      const client = await postgres.db.pool.connect()
      try {
        // These two run in no transaction.
        if (!/^(?:create database|alter system)/.test(statement)) await client.query('begin')
        const code = await client.query(statement).then(
          () => 'done',
          (error: { code?: string }) => error.code ?? 'no code',
        )
        if (code !== FORBIDDEN) outcomes.push(`${code}: ${statement}`)
      } finally {
        await client.query('rollback')
        client.release()
      }
    }
    assert.deepEqual(outcomes, [])
  })
}

test('a month of readings is made for it, a name of its own choice is not', async () => {
  const { pool } = postgres.db
  await pool.query('select make_readings_month(2026 * 12 + 1)')
  await pool.query('select make_readings_month(2026 * 12 + 1)')
  const { rows } = await pool.query(
    `select inhrelid::regclass::text as name, pg_get_userbyid(relowner) as owner
     from pg_inherits join pg_class c on c.oid = inhrelid
     where inhparent = 'readings'::regclass order by 1`,
  )
  assert.deepEqual(rows, [
    { name: 'readings_2026_01', owner: 'ticklock' },
    { name: 'readings_2026_02', owner: 'ticklock' },
  ])
  await assert.rejects(pool.query('select make_readings_month(1)'), /no month of readings/)
  await assert.rejects(pool.query('select make_readings_month(null)'), /no month of readings/)
})

test('every table has its rights declared, and what is declared is there', async () => {
  const { rows } = await postgres.owner.query<{ name: string }>(
    `select relname as name from pg_class where relnamespace = 'public'::regnamespace
     and relkind in ('r', 'p', 'v', 'm') and not relispartition`,
  )
  assert.deepEqual(rows.map(({ name }) => name).sort(), Object.keys(GRANTS).sort())
})

test('one role for everything still works, and is told what it may do (OPS-31)', async () => {
  const { owner } = postgres
  const may = await prepareSchema({ owner, runtime: owner })
  assert.ok(may.includes('is superuser') && may.includes('changes bills'), may.join())
  assert.deepEqual(await surplusRights(postgres.db.pool), [])
  // The working role alone: up to date, it starts; otherwise it says what is missing.
  assert.equal(await migrate(postgres.db.pool), 0)
  const newest = 'number = (select max(number) from schema_migrations)'
  const { rows } = await owner.query<{ row: string }>(
    `with gone as (delete from schema_migrations where ${newest} returning *)
     select to_jsonb(gone)::text as row from gone`,
  )
  await assert.rejects(migrate(postgres.db.pool), { code: 'OPS-31' })
  await owner.query(
    `insert into schema_migrations
     select * from jsonb_populate_record(null::schema_migrations, $1)`,
    [rows[0]?.row],
  )
})

test("an operator's own server: two roles, neither a superuser", async (t) => {
  const { owner: root, server } = postgres
  await root.query(`create role keeper login password 'k'; create role clerk login password 'c'`)
  await root.query('create database theirs owner keeper')
  await root.query('revoke temporary on database theirs from public')
  const as = (user: string, password: string) => ({
    ...server.owner,
    user,
    password,
    database: 'theirs',
  })
  const owner = openOwner(as('keeper', 'k'))
  const runtime = openDatabase(as('clerk', 'c'), () => {})
  t.after(async () => {
    await owner.end()
    await runtime.close()
  })
  assert.deepEqual(await prepareSchema({ owner, runtime: runtime.pool }), [])
  await runtime.pool.query('select make_readings_month(2026 * 12)')
  for (const statement of [...FINAL.slice(0, 3), 'create table mine (a integer)']) {
    await assert.rejects(runtime.pool.query(statement), { code: FORBIDDEN }, statement)
  }
  assert.match(await serverVersion(runtime.pool), /^\d+/)
  // What the role says of itself does not outweigh what durability rests on.
  await runtime.pool.query('alter role clerk set synchronous_commit = off')
  const later = openDatabase(as('clerk', 'c'), () => {})
  const { rows: shown } = await later.pool.query('show synchronous_commit')
  await later.close()
  assert.deepEqual(shown, [{ synchronous_commit: 'on' }])
  // The wrong name in one of the two settings: nothing is made anywhere.
  await root.query('create database other owner keeper')
  const elsewhere = openOwner({ ...as('keeper', 'k'), database: 'other' })
  await assert.rejects(prepareSchema({ owner: elsewhere, runtime: runtime.pool }), {
    code: 'OPS-05',
  })
  const { rows } = await elsewhere.query("select to_regclass('schema_migrations') as made")
  await elsewhere.end()
  assert.deepEqual(rows, [{ made: null }])
})

test('a data folder of before has one role: the next start makes the other', async () => {
  await postgres.db.close()
  const { server, folder, owner } = postgres
  closed = true
  // As an earlier version left it.
  await owner.query(`drop owned by ${WORKER}`)
  await owner.query(`drop function make_readings_month(integer)`)
  await owner.query(`revoke all on database ticklock from ${WORKER}`)
  await owner.query(`drop role ${WORKER}`)
  await owner.end()
  await server.close()
  rmSync(join(folder, 'password-work'))

  const again = await startPostgres({ folder, log: () => {} })
  const [root, runtime] = [openOwner(again.owner), new Pool(again.connection)]
  try {
    assert.deepEqual(await prepareSchema({ owner: root, runtime }), [])
    await assert.rejects(runtime.query('delete from bills'), { code: FORBIDDEN })
    const { rows } = await runtime.query('select count(*)::integer as bills from bills')
    assert.deepEqual(rows, [{ bills: 0 }])
    const other = new Client({ ...again.connection, database: 'postgres' })
    await assert.rejects(other.connect(), { code: FORBIDDEN })
  } finally {
    await root.end()
    await runtime.end()
    await again.close()
  }
})
