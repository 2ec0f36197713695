// Operators, and the way to end what is open: sessions and links. Every change that makes the first
// operator burns all set-up links in the same transaction, so that none outlives it.

import type { Kysely, Transaction } from 'kysely'
import { sql } from 'kysely'
import { instant } from '../../store/instants.ts'
import type { Database } from '../../store/schema.ts'
import type { UnixMs } from '../../../../shared/units.ts'
import type { OperatorRow } from '../core/views.ts'

/** More operators than one utility has; the page shows them all. */
const OPERATORS_SHOWN_MAX = 1_000

/** What was ended. */
export interface Ended {
  readonly sessions: number
  readonly links: number
}

/** What the page of accounts asks and does. */
export interface AccountStore {
  operators(now: UnixMs): Promise<readonly OperatorRow[]>
  /** Ends an operator's sessions; null: there is no such operator. */
  endOperator(id: number): Promise<Ended | null>
  /** Ends a customer's sessions and every open link; null: no customer has that number. */
  endCustomer(number: string): Promise<Ended | null>
  /** ... those of every customer. */
  endCustomers(): Promise<Ended>
}

export const accountStore = (db: Kysely<Database>): AccountStore => ({
  operators: (now) => listOperators(db, now),
  endOperator: (id) => endOperator(db, id),
  endCustomer: (number) => endCustomer(db, number),
  endCustomers: async () => {
    const links = await ended(db.deleteFrom('links').where('purpose', '=', 'customer'))
    const sessions = await ended(db.deleteFrom('sessions').where('customer_id', 'is not', null))
    return { sessions, links }
  },
})

export async function listOperators(
  db: Kysely<Database>,
  now: UnixMs,
): Promise<readonly OperatorRow[]> {
  const rows = await db
    .selectFrom('operators')
    .leftJoin('sessions', (join) =>
      join
        .onRef('sessions.operator_id', '=', 'operators.id')
        .on('sessions.expires_at', '>', new Date(now)),
    )
    .select((each) => [
      'operators.id',
      'operators.name',
      'operators.created_at',
      each.fn.count<number>('sessions.hash').as('sessions'),
    ])
    .groupBy(['operators.id', 'operators.name', 'operators.created_at'])
    .orderBy('operators.name')
    .limit(OPERATORS_SHOWN_MAX)
    .execute()
  return rows.map(({ id, name, created_at, sessions }) => ({
    id,
    name,
    madeAt: instant(created_at),
    sessions,
  }))
}

/** Whether anybody can log in; if nobody can, the server prints a set-up link at start. */
export async function hasOperator(db: Kysely<Database>): Promise<boolean> {
  const row = await db.selectFrom('operators').select('id').limit(1).executeTakeFirst()
  return row !== undefined
}

/** Makes the first operator by a set-up link. `spent`: the link is unknown, used or expired, or
 * there is an operator already. Of two people with two links one comes first. */
export async function setUp(
  db: Kysely<Database>,
  entry: {
    readonly hash: Buffer
    readonly name: string
    readonly password: string
    readonly now: UnixMs
  },
): Promise<{ readonly id: number } | 'spent'> {
  return db.transaction().execute(async (trx) => {
    await lockOperators(trx)
    const open = await trx
      .selectFrom('links')
      .select('hash')
      .where('hash', '=', entry.hash)
      .where('purpose', '=', 'setup')
      .where('used_at', 'is', null)
      .where('expires_at', '>', new Date(entry.now))
      .executeTakeFirst()
    if (open === undefined || (await hasOperator(trx))) return 'spent' as const
    await burnSetupLinks(trx)
    const { name, password } = entry
    const values = { name, password }
    return trx.insertInto('operators').values(values).returning('id').executeTakeFirstOrThrow()
  })
}

/** Adds an operator; false: there is one of that name. */
export async function addOperator(
  db: Kysely<Database>,
  operator: { readonly name: string; readonly password: string },
): Promise<boolean> {
  return db.transaction().execute(async (trx) => {
    await lockOperators(trx)
    await burnSetupLinks(trx)
    const made = await trx
      .insertInto('operators')
      .values(operator)
      .onConflict((conflict) => conflict.column('name').doNothing())
      .returning('id')
      .executeTakeFirst()
    return made !== undefined
  })
}

/** Stores a new password hash and ends the operator's sessions; false: there is none of that
 * name. */
export async function changePassword(
  db: Kysely<Database>,
  operator: { readonly name: string; readonly password: string },
): Promise<boolean> {
  return db.transaction().execute(async (trx) => {
    const found = await trx
      .updateTable('operators')
      .set({ password: operator.password })
      .where('name', '=', operator.name)
      .returning('id')
      .executeTakeFirst()
    if (found === undefined) return false
    await trx.deleteFrom('sessions').where('operator_id', '=', found.id).execute()
    return true
  })
}

/** Adds the operator, or gives the one of that name this password and ends its sessions. */
export async function setOperator(
  db: Kysely<Database>,
  operator: { readonly name: string; readonly password: string },
): Promise<void> {
  if (await changePassword(db, operator)) return
  await addOperator(db, operator)
}

/** Removes an operator and its sessions; `last`: it is the only one, and `evenLast` was not
 * said. */
export async function removeOperator(
  db: Kysely<Database>,
  { name, evenLast }: { readonly name: string; readonly evenLast: boolean },
): Promise<'removed' | 'unknown' | 'last'> {
  return db.transaction().execute(async (trx) => {
    await lockOperators(trx)
    const all = await trx.selectFrom('operators').select(['id', 'name']).execute()
    const found = all.find((operator) => operator.name === name)
    if (found === undefined) return 'unknown' as const
    if (all.length === 1 && !evenLast) return 'last' as const
    await trx.deleteFrom('sessions').where('operator_id', '=', found.id).execute()
    await trx.deleteFrom('operators').where('id', '=', found.id).execute()
    return 'removed' as const
  })
}

export async function operatorId(db: Kysely<Database>, name: string): Promise<number | null> {
  const row = await db
    .selectFrom('operators')
    .select('id')
    .where('name', '=', name)
    .executeTakeFirst()
  return row?.id ?? null
}

async function endOperator(db: Kysely<Database>, id: number): Promise<Ended | null> {
  const known = await db
    .selectFrom('operators')
    .select('id')
    .where('id', '=', id)
    .executeTakeFirst()
  if (known === undefined) return null
  return {
    sessions: await ended(db.deleteFrom('sessions').where('operator_id', '=', id)),
    links: 0,
  }
}

async function endCustomer(db: Kysely<Database>, number: string): Promise<Ended | null> {
  const known = await db
    .selectFrom('customers')
    .select('id')
    .where('number', '=', number)
    .executeTakeFirst()
  if (known === undefined) return null
  return endAccessOf(db, known.id)
}

/** Ends a customer's links and sessions. */
export async function endAccessOf(db: Kysely<Database>, customerId: number): Promise<Ended> {
  // Links first: a session opened in between is then among those that end.
  const links = await ended(db.deleteFrom('links').where('customer_id', '=', customerId))
  const sessions = await ended(db.deleteFrom('sessions').where('customer_id', '=', customerId))
  return { sessions, links }
}

const ended = async (deletion: {
  executeTakeFirst(): Promise<{ readonly numDeletedRows: bigint } | undefined>
}): Promise<number> => Number((await deletion.executeTakeFirst())?.numDeletedRows ?? 0n)

/** Changes that ask how many operators there are come one after the other. */
const lockOperators = async (trx: Transaction<Database>): Promise<void> => {
  await sql`lock table operators in share row exclusive mode`.execute(trx)
}

const burnSetupLinks = async (trx: Transaction<Database>): Promise<void> => {
  await trx.deleteFrom('links').where('purpose', '=', 'setup').execute()
}
