// Customers as an operator enters them. A name or an address is a fact of today: it is changed in
// place, and what it was stands in the record of changes.

import { sql } from 'kysely'
import { type Author, recordChange } from '../../store/changes.ts'
import { endAccessOf } from '../../access/db/operators.ts'
import { done, GONE, refused, type RowFields, type Written } from '../core/written.ts'
import type { Trx } from './writing.ts'

export interface CustomerEntry {
  /** Null: the next one of ours. */
  readonly number: string | null
  readonly name: string
  readonly address: string
  readonly email: string | null
  readonly phone: string | null
  readonly language: string
}

const FIELDS = ['number', 'name', 'address', 'email', 'phone', 'language'] as const

const fieldsOf = (row: CustomerEntry): RowFields =>
  Object.fromEntries(FIELDS.map((field) => [field, row[field]]))

/** Adds a customer. */
export async function createCustomer(
  trx: Trx,
  author: Author,
  entry: CustomerEntry,
): Promise<Written> {
  if (entry.number !== null) {
    const taken = await numberTaken(trx, entry.number, 0)
    if (taken !== null) return taken
  }
  const { id } = await trx
    .insertInto('customers')
    .values({ ...entry, number: entry.number ?? sql<string>`gen_random_uuid()::text` })
    .returning('id')
    .executeTakeFirstOrThrow()
  const number = entry.number ?? (await numberIt(trx, id))
  const after = fieldsOf({ ...entry, number })
  await recordChange(trx, author, { what: 'customer', id, before: null, after })
  return done(id)
}

/** C000017 for row 17; longer where somebody has that number already. */
async function numberIt(trx: Trx, id: number): Promise<string> {
  let number = `C${String(id).padStart(6, '0')}`
  while ((await numberTaken(trx, number, id)) !== null) number += 'A'
  await trx.updateTable('customers').set({ number }).where('id', '=', id).execute()
  return number
}

async function numberTaken(trx: Trx, number: string, but: number): Promise<Written | null> {
  const other = await trx
    .selectFrom('customers')
    .select(['id', 'name'])
    .where('number', '=', number)
    .where('id', '<>', but)
    .executeTakeFirst()
  if (other === undefined) return null
  const text = `Customer ${other.name} has the number ${number}: give another, or none for the next.`
  return refused('number', 'OPS-41', text, `/customers/${other.id}`)
}

/** Changes a customer that is still in the version that was shown. */
export async function editCustomer(
  trx: Trx,
  author: Author,
  change: { readonly id: number; readonly version: number; readonly entry: CustomerEntry },
): Promise<Written> {
  const { id, version, entry } = change
  const row = await trx
    .selectFrom('customers')
    .select([...FIELDS, 'version'])
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst()
  if (row === undefined) return GONE
  const before = fieldsOf(row)
  if (row.version !== version) return { is: 'overtaken', version: row.version, now: before }
  const number = entry.number ?? row.number
  const taken = await numberTaken(trx, number, id)
  if (taken !== null) return taken
  const after = fieldsOf({ ...entry, number })
  if (sameFields(before, after)) return done(id)
  await trx
    .updateTable('customers')
    .set({ ...entry, number, version: version + 1 })
    .where('id', '=', id)
    .execute()
  await recordChange(trx, author, { what: 'customer', id, before, after })
  return done(id)
}

/** Takes back a customer that was entered by mistake; OPS-41 once anything rests on it. */
export async function deleteCustomer(trx: Trx, author: Author, id: number): Promise<Written> {
  const row = await trx
    .selectFrom('customers')
    .select(FIELDS)
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst()
  if (row === undefined) return GONE
  const contract = await trx
    .selectFrom('contracts')
    .select(['id', 'number'])
    .where('customer_id', '=', id)
    .executeTakeFirst()
  if (contract !== undefined) {
    const text = `${row.name} has contract ${contract.number}: end that instead of deleting it.`
    return refused('', 'OPS-41', text, `/accounts/${contract.id}`)
  }
  await endAccessOf(trx, id)
  await trx.deleteFrom('customers').where('id', '=', id).execute()
  await recordChange(trx, author, { what: 'customer', id, before: fieldsOf(row), after: null })
  return done(id)
}

export const sameFields = (a: RowFields, b: RowFields): boolean =>
  Object.keys(b).every((field) => a[field] === b[field])
