// The one pool of connections, and Kysely over it. int8 is read as a number and refused when it is
// not a safe one; date and numeric stay text, because a Date would shift days between zones and a
// float would round money.

import { Kysely, PostgresDialect } from 'kysely'
import { Client, Pool, type PoolClient, type PoolConfig, TypeOverrides } from 'pg'
import { errorText, FaultError } from '../../../shared/node/fault-error.ts'
import type { Database } from './schema.ts'

/** Connections at once: the sink, the bill run, pages and the roster; PostgreSQL allows 100 in
 * all. */
const CONNECTIONS_MAX = 16
/** Longest wait for a connection, milliseconds: a page shows OPS-08 rather than hang. */
const CONNECT_MS_MAX = 5_000

const PORT_MAX = 65_535
/** One works, one holds the lock of the migration. */
const OWNER_CONNECTIONS_MAX = 2
/** How long an unused connection of the owner stays open, milliseconds. */
const OWNER_IDLE_MS = 1_000

const OID = { int8: 20, date: 1082, numeric: 1700 } as const

export function parseInt8(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new RangeError(`int8 ${text} is not a safe integer`)
  return value
}

const types = new TypeOverrides()
types.setTypeParser(OID.int8, parseInt8)
types.setTypeParser(OID.date, (text: string) => text)
types.setTypeParser(OID.numeric, (text: string) => text)

/** An open database. `pool` for statements that Kysely cannot express well, `kysely` for the
 * rest. */
export interface Db {
  readonly pool: Pool
  readonly kysely: Kysely<Database>
  close(): Promise<void>
}

export type Connection = PoolConfig | string

/** Connections of the tables' owner: for the start, and now and then for an index. They close when
 * idle, so that nothing holds those rights meanwhile. */
export function openOwner(connection: Connection): Pool {
  const target = typeof connection === 'string' ? { connectionString: connection } : connection
  if (typeof connection === 'string') checkText(connection, 'DATABASE_URL')
  if (typeof connection === 'string') checkText(connection, 'TICKLOCK_MIGRATION_URL')
  const pool = new Pool({
    max: OWNER_CONNECTIONS_MAX,
    idleTimeoutMillis: OWNER_IDLE_MS,
    connectionTimeoutMillis: CONNECT_MS_MAX,
    application_name: 'ticklock owner',
    ...target,
    types,
  })
  pool.on('error', () => {})
  pool.on('connect', (client) => {
    client.on('error', () => {})
  })
  return pool
}

/** `connection`: of the embedded server, or the text of DATABASE_URL. Connects when first used.
 * OPS-05: the text is not understood. */
export function openDatabase(connection: Connection, log: (line: string) => void): Db {
  const target = typeof connection === 'string' ? { connectionString: connection } : connection
  if (typeof connection === 'string') checkText(connection, 'DATABASE_URL')
  const pool = new Pool({
    max: CONNECTIONS_MAX,
    connectionTimeoutMillis: CONNECT_MS_MAX,
    keepAlive: true,
    application_name: 'ticklock',
    ...pinned(connection),
    ...target,
    types,
  })
  // An idle connection that breaks is replaced by the pool; without a listener it would end the
  // process.
  pool.on('error', (error) => log(`OPS-08 a database connection broke: ${errorText(error)}`))
  // A connection in use concerns only its user, whose next statement fails anyway. But without a
  // listener, an 'error' event between two statements of a transaction would end the process too.
  pool.on('connect', (client) => {
    client.on('error', () => {})
  })
  const kysely = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) })
  return { pool, kysely, close: () => pool.end() }
}

/** A role may set its own defaults. What durability rests on is said with every connection, which
 * stands above them; the schema's name too, where the server is ours. */
function pinned(connection: Connection): { readonly options?: string } {
  const always = '-c synchronous_commit=on -c default_transaction_read_only=off'
  if (typeof connection !== 'string') return { options: `${always} -c search_path=public` }
  return /[?&]options=/.test(connection) ? {} : { options: always }
}

/** A client reads the text, and the certificates that it names, when it is made. What is wrong is
 * said without the text: it holds a password. */
function checkText(connectionString: string, name: string): void {
  try {
    const { port } = new Client({ connectionString })
    if (port < 1 || port > PORT_MAX) throw new Error(`port ${port}`)
  } catch (error) {
    throw new FaultError('OPS-05', `${name}: ${errorText(error)}`)
  }
}

/** Whether the database answers. */
export const isUp = (pool: Pool): Promise<boolean> =>
  pool.query('select 1').then(
    () => true,
    () => false,
  )

/** What the server calls its own version. */
export async function serverVersion(pool: Pool): Promise<string> {
  const { rows } = await pool.query<{ version: string }>(
    "select current_setting('server_version') as version",
  )
  return rows[0]?.version ?? ''
}

/** A connection of the pool, to be released. OPS-08 says why the database could not be reached. */
export async function reach(pool: Pool): Promise<PoolClient> {
  try {
    return await pool.connect()
  } catch (error) {
    throw new FaultError('OPS-08', errorText(error), error)
  }
}
