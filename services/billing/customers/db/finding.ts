// From what somebody typed to the one row that is meant: its number, or any part of a name or
// address that fits one row alone. Otherwise the ones that are near are named.

import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { Database } from '../../store/schema.ts'
import { partOf } from './lists.ts'

/** Rows that are named when the text fits several. */
const NEAR_MAX = 3

export type Found =
  | { readonly is: 'one'; readonly id: number }
  | { readonly is: 'none' }
  /** The first few of them. */
  | { readonly is: 'several'; readonly near: readonly string[] }

interface Near {
  readonly id: number
  readonly text: string
}

async function one(
  db: Kysely<Database>,
  exact: RawBuilder<Near>,
  near: RawBuilder<Near>,
): Promise<Found> {
  const [row] = (await exact.execute(db)).rows
  if (row !== undefined) return { is: 'one', id: row.id }
  const { rows } = await near.execute(db)
  const [only, second] = rows
  if (only === undefined) return { is: 'none' }
  if (second === undefined) return { is: 'one', id: only.id }
  return { is: 'several', near: rows.map(({ text }) => text) }
}

export const findCustomer = (db: Kysely<Database>, text: string): Promise<Found> =>
  one(
    db,
    sql<Near>`select id, number as text from customers where number = ${text}`,
    sql<Near>`select id, number || ' ' || name as text from customers
      where search like ${partOf(text)} order by number limit ${NEAR_MAX}`,
  )

export const findServicePoint = (db: Kysely<Database>, text: string): Promise<Found> =>
  one(
    db,
    sql<Near>`select id, code as text from service_points where code = ${text}`,
    sql<Near>`select id, code || ' ' || address as text from service_points
      where search like ${partOf(text)} order by code limit ${NEAR_MAX}`,
  )

export const findMeter = (db: Kysely<Database>, text: string): Promise<Found> =>
  one(
    db,
    sql<Near>`select id, number as text from meters where number = ${text}`,
    sql<Near>`select id, number as text from meters
      where search_fold(number) like ${partOf(text)} order by number limit ${NEAR_MAX}`,
  )
