// Access: sessions and links, and whom they let in. Only hashes of secrets reach this file
// (shell/tokens.ts). What opens a session locks the row that allows it: whoever takes that away at
// the same moment (a new password, an ended link) then finds the session and ends it too.

import { type Kysely, sql } from 'kysely'
import type { UnixMs } from '../../../../shared/units.ts'
import type { Viewer } from '../../kit/context.ts'
import type { Database } from '../../store/schema.ts'
import { hasOperator, setUp } from './operators.ts'

/** A session to be opened. */
export interface NewSession {
  readonly hash: Buffer
  readonly now: UnixMs
  readonly expiresAt: UnixMs
}

export interface AccessStore {
  operator(name: string): Promise<{ readonly id: number; readonly password: string } | null>
  /** Who the session belongs to; null when unknown or expired. */
  viewer(hash: Buffer, now: UnixMs): Promise<Viewer | null>
  /** Opens a session of an operator whose stored password is still that one; false: it is not. */
  openSession(
    session: NewSession,
    operator: { readonly id: number; readonly password: string },
  ): Promise<boolean>
  /** Opens a session of the customer whose link it is, and remembers when the link was first used;
   * null when it is unknown or expired. It stays open (adr/0005). */
  openByLink(session: NewSession, link: Buffer): Promise<number | null>
  closeSession(hash: Buffer): Promise<void>
  /** Whether the set-up link can still be used. */
  setupOpen(hash: Buffer, now: UnixMs): Promise<boolean>
  /** Makes the first operator and burns every set-up link in one transaction. `spent`: the link is
   * unknown, used or expired, or there is an operator already. */
  setUp(entry: {
    readonly hash: Buffer
    readonly name: string
    readonly password: string
    readonly now: UnixMs
  }): Promise<{ readonly id: number } | 'spent'>
  /** Whether the link opens a customer's pages; looking does not use it. */
  linkOpen(hash: Buffer, now: UnixMs): Promise<boolean>
}

const dateOf = (at: UnixMs): Date => new Date(at)

export function accessStore(db: Kysely<Database>): AccessStore {
  return {
    operator: async (name) =>
      (await db
        .selectFrom('operators')
        .select(['id', 'password'])
        .where('name', '=', name)
        .executeTakeFirst()) ?? null,
    viewer: (hash, now) => viewerOf(db, hash, now),
    openSession: (session, operator) => openSession(db, session, operator),
    openByLink: (session, link) => openByLink(db, session, link),
    async closeSession(hash) {
      await db.deleteFrom('sessions').where('hash', '=', hash).execute()
    },
    async setupOpen(hash, now) {
      const link = await openLink(db, hash, now)
      return link?.purpose === 'setup' && link.used_at === null && !(await hasOperator(db))
    },
    setUp: (entry) => setUp(db, entry),
    async linkOpen(hash, now) {
      const link = await openLink(db, hash, now)
      return link?.purpose === 'customer'
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

const openLink = (db: Kysely<Database>, hash: Buffer, now: UnixMs) =>
  db
    .selectFrom('links')
    .select(['purpose', 'customer_id', 'used_at'])
    .where('hash', '=', hash)
    .where('expires_at', '>', dateOf(now))
    .executeTakeFirst()

async function openSession(
  db: Kysely<Database>,
  session: NewSession,
  { id, password }: { readonly id: number; readonly password: string },
): Promise<boolean> {
  return db.transaction().execute(async (trx) => {
    const still = await trx
      .selectFrom('operators')
      .select('id')
      .where('id', '=', id)
      .where('password', '=', password)
      .forShare()
      .executeTakeFirst()
    if (still === undefined) return false
    await insertSession(trx, session, { operator_id: id, customer_id: null })
    return true
  })
}

async function openByLink(
  db: Kysely<Database>,
  session: NewSession,
  link: Buffer,
): Promise<number | null> {
  return db.transaction().execute(async (trx) => {
    const used = await trx
      .updateTable('links')
      .set({ used_at: sql<Date>`coalesce(used_at, ${dateOf(session.now)})` })
      .where('hash', '=', link)
      .where('purpose', '=', 'customer')
      .where('expires_at', '>', dateOf(session.now))
      .returning('customer_id')
      .executeTakeFirst()
    const customer = used?.customer_id ?? null
    if (customer === null) return null
    await insertSession(trx, session, { operator_id: null, customer_id: customer })
    return customer
  })
}

async function insertSession(
  trx: Kysely<Database>,
  { hash, now, expiresAt }: NewSession,
  owner: { readonly operator_id: number | null; readonly customer_id: number | null },
): Promise<void> {
  // Every login sweeps, so that expired sessions never pile up.
  await trx.deleteFrom('sessions').where('expires_at', '<=', dateOf(now)).execute()
  const row = { hash, expires_at: dateOf(expiresAt), ...owner }
  await trx.insertInto('sessions').values(row).execute()
}

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
