// Brings a database to this program's schema: numbered files, forward only, one transaction each. A
// file that has been applied never changes; its hash in the database proves it. Two programs that
// start together wait for each other at an advisory lock.

import { createHash } from 'node:crypto'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type pg from 'pg'
import { errorCode, FaultError } from '../../../shared/node/fault-error.ts'
import { packageRoot } from '../../../shared/node/root.ts'
import { grantRights, surplusRights } from './grants.ts'
import { reach } from './pool.ts'

/** Key of the advisory lock while migrating: 'migr' in ASCII. */
const LOCK_KEY = 0x6d696772
/** Oldest PostgreSQL we run on, as server_version_num: 15, which Debian 12 brings. */
const SERVER_VERSION_MIN = 150_000

interface Migration {
  readonly number: number
  readonly name: string
  readonly sql: string
  readonly hash: string
}

/** The migrations of a folder in order: 0001_name.sql, 0002_name.sql, without a gap. */
function readMigrations(folder: string): readonly Migration[] {
  const names = readdirSync(folder)
    .filter((name) => /^\d{4}_[a-z-]+\.sql$/.test(name))
    .sort()
  return names.map((name, index) => {
    const sql = readFileSync(join(folder, name), 'utf8')
    if (Number(name.slice(0, 4)) !== index + 1) {
      throw new Error(`broken promise: migrations are numbered without a gap, but ${name}`)
    }
    return { number: index + 1, name, sql, hash: createHash('sha256').update(sql).digest('hex') }
  })
}

/** The schema up to date and the rights as grants.ts says, by the owner's connection; returns what
 * the working role may do beyond that. */
export async function prepareSchema(roles: {
  readonly owner: pg.Pool
  readonly runtime: pg.Pool
}): Promise<readonly string[]> {
  await sameDatabase(roles)
  await migrate(roles.owner)
  await grantRights(roles.owner, roles.runtime)
  return surplusRights(roles.runtime)
}

/** A server started once, and a name there, are one database. */
const WHERE = `select concat(current_database(), ' ', pg_postmaster_start_time()) as place`

/** OPS-05 when the two connections lead to different databases: the schema must not be made in the
 * wrong one. */
async function sameDatabase(roles: { owner: pg.Pool; runtime: pg.Pool }): Promise<void> {
  const places = await Promise.all(
    [roles.owner, roles.runtime].map(async (pool) => {
      const client = await reach(pool)
      try {
        return (await client.query<{ place: string }>(WHERE)).rows[0]?.place
      } finally {
        client.release()
      }
    }),
  )
  if (places[0] === places[1]) return
  const detail = 'TICKLOCK_MIGRATION_URL and DATABASE_URL lead to different databases'
  throw new FaultError('OPS-05', detail)
}

/** Applies what is missing and returns how many files that was. Rejects with OPS-08 when the
 * database cannot be reached, and with OPS-13 when it holds a migration that this program does not
 * know or knows differently; then nothing was changed. */
export async function migrate(
  pool: pg.Pool,
  folder = join(packageRoot(), 'migrations'),
): Promise<number> {
  const known = readMigrations(folder)
  const client = await reach(pool)
  try {
    await client.query('select pg_advisory_lock($1)', [LOCK_KEY])
    const server = await client.query(
      "select current_setting('server_version_num')::integer as version",
    )
    if (server.rows[0]?.version < SERVER_VERSION_MIN) {
      throw new FaultError('OPS-07', 'the server is older than PostgreSQL 15')
    }
    await ensureLedger(client)
    const { rows } = await client.query<{ number: number; name: string; hash: string }>(
      'select number, name, hash from schema_migrations order by number',
    )
    for (const applied of rows) {
      const ours = known[applied.number - 1]
      if (ours === undefined) throw new FaultError('OPS-13', `it holds ${applied.name}`)
      if (ours.hash !== applied.hash) {
        throw new FaultError('OPS-13', `its ${applied.name} differs from ours`)
      }
    }
    const missing = known.slice(rows.length)
    await asOwner(async () => {
      for (const migration of missing) await apply(client, migration)
    })
    return missing.length
  } finally {
    // The lock belongs to the connection: releasing the connection releases the lock, whatever
    // happened.
    client.release(true)
  }
}

/** The table of what was applied. Made only when it is missing: a role that may create nothing can
 * start on a database that is up to date. */
async function ensureLedger(client: pg.PoolClient): Promise<void> {
  const { rows } = await client.query<{ there: boolean }>(
    "select to_regclass('schema_migrations') is not null as there",
  )
  if (rows[0]?.there === true) return
  await asOwner(() =>
    client.query(`create table schema_migrations (
      number integer primary key, name text not null, hash text not null,
      applied_at timestamptz not null default now())`),
  )
}

/** Not enough privilege, in PostgreSQL's codes. */
const FORBIDDEN = '42501'

/** OPS-31 when this role may not change the schema. */
async function asOwner(work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (errorCode(error) !== FORBIDDEN) throw error
    throw new FaultError(
      'OPS-31',
      'this role may not change the schema; TICKLOCK_MIGRATION_URL names the owner of the tables',
    )
  }
}

async function apply(client: pg.PoolClient, migration: Migration): Promise<void> {
  const { number, name, sql, hash } = migration
  await client.query('begin')
  try {
    await client.query(sql)
    await client.query('insert into schema_migrations (number, name, hash) values ($1, $2, $3)', [
      number,
      name,
      hash,
    ])
    await client.query('commit')
  } catch (error) {
    await client.query('rollback')
    throw error
  }
}
