// Access: operators, sessions and links. Only hashes of secrets reach this file (shell/tokens.ts).

import { type Kysely, sql } from 'kysely'
import type { UnixMs } from '../../../../shared/units.ts'
import type { Viewer } from '../../kit/context.ts'
import type { Database } from '../../store/schema.ts'

export interface AccessStore {
  operator(name: string): Promise<{ readonly id: number; readonly password: string } | null>
  /** Who the session belongs to; null when unknown or expired. */
  viewer(hash: Buffer, now: UnixMs): Promise<Viewer | null>
  openSession(entry: {
    readonly hash: Buffer
    readonly viewer: { readonly kind: Viewer['kind']; readonly id: number }
    readonly now: UnixMs
    readonly expiresAt: UnixMs
  }): Promise<void>
  closeSession(hash: Buffer): Promise<void>
  /** Whether the set-up link can still be used. */
  setupOpen(hash: Buffer, now: UnixMs): Promise<boolean>
  /** Creates the operator and burns the link in one transaction. `spent`: the link is unknown, used
   * or expired; `taken`: an operator of that name exists already. */
  setUp(entry: {
    readonly hash: Buffer
    readonly name: string
    readonly password: string
    readonly now: UnixMs
  }): Promise<{ readonly id: number } | 'spent' | 'taken'>
  /** The customer a link opens; null when unknown or expired. Reading does not burn it (adr/0005).
   * */
  linkCustomer(hash: Buffer, now: UnixMs): Promise<number | null>
  /** Remembers when the link was first used. */
  markLinkUsed(hash: Buffer, now: UnixMs): Promise<void>
}

const dateOf = (at: UnixMs): Date => new Date(at)

/** Postgres: unique_violation. */
const isTaken = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === '23505'

export function accessStore(db: Kysely<Database>): AccessStore {
  return {
    operator: async (name) =>
      (await db
        .selectFrom('operators')
        .select(['id', 'password'])
        .where('name', '=', name)
        .executeTakeFirst()) ?? null,
    viewer: (hash, now) => viewerOf(db, hash, now),
    async openSession({ hash, viewer, now, expiresAt }) {
      // Every login sweeps, so that expired sessions never pile up.
      await db.deleteFrom('sessions').where('expires_at', '<=', dateOf(now)).execute()
      await db
        .insertInto('sessions')
        .values({
          hash,
          operator_id: viewer.kind === 'operator' ? viewer.id : null,
          customer_id: viewer.kind === 'customer' ? viewer.id : null,
          expires_at: dateOf(expiresAt),
        })
        .execute()
    },
    async closeSession(hash) {
      await db.deleteFrom('sessions').where('hash', '=', hash).execute()
    },
    async setupOpen(hash, now) {
      const link = await openLink(db, hash, now)
      return link?.purpose === 'setup' && link.used_at === null
    },
    setUp: (entry) => setUp(db, entry),
    async linkCustomer(hash, now) {
      const link = await openLink(db, hash, now)
      return link?.customer_id ?? null
    },
    async markLinkUsed(hash, now) {
      await db
        .updateTable('links')
        .set({ used_at: dateOf(now) })
        .where('hash', '=', hash)
        .where('used_at', 'is', null)
        .execute()
    },
  }
}

/** Stores a link by its hash. `db` may be a transaction: the notice that carries the link commits
 * with it. */
export async function storeLink(
  db: Kysely<Database>,
  link: {
    readonly hash: Buffer
    readonly purpose: 'setup' | 'customer'
    readonly customerId: number | null
    readonly expiresAt: UnixMs
  },
): Promise<void> {
  // Every new link sweeps, so that expired ones never pile up.
  await db.deleteFrom('links').where('expires_at', '<=', sql<Date>`now()`).execute()
  await db
    .insertInto('links')
    .values({
      hash: link.hash,
      purpose: link.purpose,
      customer_id: link.customerId,
      expires_at: dateOf(link.expiresAt),
      used_at: null,
    })
    .execute()
}

/** Whether anybody can log in; if nobody can, the server prints a set-up link at start. */
export async function hasOperator(db: Kysely<Database>): Promise<boolean> {
  const row = await db.selectFrom('operators').select('id').limit(1).executeTakeFirst()
  return row !== undefined
}

const openLink = (db: Kysely<Database>, hash: Buffer, now: UnixMs) =>
  db
    .selectFrom('links')
    .select(['purpose', 'customer_id', 'used_at'])
    .where('hash', '=', hash)
    .where('expires_at', '>', dateOf(now))
    .executeTakeFirst()

async function viewerOf(db: Kysely<Database>, hash: Buffer, now: UnixMs): Promise<Viewer | null> {
  const row = await db
    .selectFrom('sessions')
    .leftJoin('operators', 'operators.id', 'sessions.operator_id')
    .leftJoin('customers', 'customers.id', 'sessions.customer_id')
    .select([
      'operators.id as operator_id',
      'operators.name as operator_name',
      'customers.id as customer_id',
      'customers.name as customer_name',
    ])
    .where('sessions.hash', '=', hash)
    .where('sessions.expires_at', '>', dateOf(now))
    .executeTakeFirst()
  if (row === undefined) return null
  if (row.operator_id !== null) {
    return { kind: 'operator', id: row.operator_id, name: row.operator_name ?? '' }
  }
  if (row.customer_id === null) return null
  return { kind: 'customer', id: row.customer_id, name: row.customer_name ?? '' }
}

async function setUp(
  db: Kysely<Database>,
  entry: Parameters<AccessStore['setUp']>[0],
): Promise<{ readonly id: number } | 'spent' | 'taken'> {
  try {
    return await db.transaction().execute(async (work) => {
      const burnt = await work
        .updateTable('links')
        .set({ used_at: dateOf(entry.now) })
        .where('hash', '=', entry.hash)
        .where('purpose', '=', 'setup')
        .where('used_at', 'is', null)
        .where('expires_at', '>', dateOf(entry.now))
        .returning('purpose')
        .executeTakeFirst()
      if (burnt === undefined) return 'spent' as const
      return work
        .insertInto('operators')
        .values({ name: entry.name, password: entry.password })
        .returning('id')
        .executeTakeFirstOrThrow()
    })
  } catch (error) {
    if (isTaken(error)) return 'taken'
    throw error
  }
}

/** Creates an operator, or stores a new password hash for an existing one and ends that operator's
 * open sessions. */
export async function setOperator(
  db: Kysely<Database>,
  operator: { readonly name: string; readonly password: string },
): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const { id } = await trx
      .insertInto('operators')
      .values(operator)
      .onConflict((conflict) =>
        conflict.column('name').doUpdateSet({ password: operator.password }),
      )
      .returning('id')
      .executeTakeFirstOrThrow()
    await trx.deleteFrom('sessions').where('operator_id', '=', id).execute()
  })
}
