// The lists, page by page. A search finds the ids of what matches in each table first, by the
// folded texts of migrations/0024_search.sql; the list then keeps the rows that have one of them.

import { type Kysely, type RawBuilder, type SqlBool, sql } from 'kysely'
import type { ListQuery } from '../../kit/list.ts'
import { countUpTo } from '../../store/count-up-to.ts'
import { keyset } from '../../store/keyset.ts'
import type { Database } from '../../store/schema.ts'
import type { AccountRow, CustomerRow, ServicePointRow } from '../core/lists.ts'

/** Meters named in a row; a place with more says so. */
const METERS_SHOWN = 3

export interface CustomerLists {
  accounts(query: ListQuery): Promise<readonly AccountRow[]>
  customers(query: ListQuery): Promise<readonly CustomerRow[]>
  servicePoints(query: ListQuery): Promise<readonly ServicePointRow[]>
  /** Of these ids, those that there are. */
  accountsById(
    ids: readonly number[],
  ): Promise<readonly { readonly id: number; readonly number: string }[]>
  /** How many match, counted up to `most`. */
  count(
    list: 'accounts' | 'customers' | 'servicePoints',
    query: ListQuery,
    most: number,
  ): Promise<number>
}

export function customerLists(db: Kysely<Database>): CustomerLists {
  return {
    accounts: async (query) => (await accounts(query).execute(db)).rows,
    accountsById: (ids) =>
      db
        .selectFrom('contracts')
        .select(['id', 'number'])
        .where('id', 'in', [0, ...ids])
        .execute(),
    customers: async (query) => (await customers(query).execute(db)).rows,
    servicePoints: async (query) => (await servicePoints(query).execute(db)).rows,
    count: (list, query, most) => countUpTo(db, FROM[list](query), most),
  }
}

/** A part of a folded text: the search's own signs stand for themselves. */
export const partOf = (q: string): RawBuilder<string> =>
  sql<string>`'%' || regexp_replace(search_fold(${q}), '([\\\\%_])', '\\\\\\1', 'g') || '%'`

const and = (conditions: readonly RawBuilder<SqlBool>[]): RawBuilder<SqlBool> =>
  conditions.length === 0 ? sql<SqlBool>`true` : sql<SqlBool>`${sql.join(conditions, sql` and `)}`

/** Where a key of another table leads the order, an index of that table finds the place. */
function leading(query: ListQuery, key: RawBuilder<unknown>): RawBuilder<SqlBool> {
  const place = query.after ?? query.before
  if (place === null) return sql<SqlBool>`true`
  const falling = (query.before === null) === query.down
  return falling ? sql<SqlBool>`${key} <= ${place.key}` : sql<SqlBool>`${key} >= ${place.key}`
}

const METERS_OF = (point: RawBuilder<unknown>) => sql`array(
  select m.number from installations i join meters m on m.id = i.meter_id
  where i.service_point_id = ${point} and i.to_ts is null order by i.from_ts
  limit ${METERS_SHOWN})`

const HAS_METER = (point: RawBuilder<unknown>) => sql<SqlBool>`exists (
  select from installations i where i.service_point_id = ${point} and i.to_ts is null)`

/** Service points where a meter hangs whose number matches. */
const POINTS_BY_METER = (part: RawBuilder<string>) => sql`select i.service_point_id
  from installations i where i.to_ts is null and i.meter_id in (
    select id from meters where search_fold(number) like ${part})`

/** The terms of today, or of the first day of a contract that has not begun. */
const TERM_NOW = sql`(select t.tariff_id from contract_terms t where t.contract_id = c.id
  and t.from_date <= greatest(current_date, c.from_date) order by t.from_date desc limit 1)`

const KEPT = sql`('waiting', 'blocked')`

const ACCOUNT_FILTERS: Readonly<Record<string, RawBuilder<SqlBool>>> = {
  'state running': sql<SqlBool>`c.from_date <= current_date
    and (c.to_date is null or c.to_date > current_date)`,
  'state future': sql<SqlBool>`c.from_date > current_date`,
  'state ended': sql<SqlBool>`c.to_date <= current_date`,
  'tariff with': sql<SqlBool>`${TERM_NOW} is not null`,
  'tariff without': sql<SqlBool>`${TERM_NOW} is null`,
  'meter with': HAS_METER(sql`c.service_point_id`),
  'meter without': sql<SqlBool>`not ${HAS_METER(sql`c.service_point_id`)}`,
  'bill kept': sql<SqlBool>`exists (select from bill_periods b
    where b.contract_id = c.id and b.state in ${KEPT})`,
  'bill blocked': sql<SqlBool>`exists (select from bill_periods b
    where b.contract_id = c.id and b.state = 'blocked')`,
  'email without': sql<SqlBool>`cu.email is null`,
}

const chosen = (
  query: ListQuery,
  filters: Readonly<Record<string, RawBuilder<SqlBool>>>,
): readonly RawBuilder<SqlBool>[] =>
  Object.entries(query.filters).flatMap(([name, value]) => filters[`${name} ${value}`] ?? [])

function accountsFrom(query: ListQuery): RawBuilder<unknown> {
  const part = partOf(query.q)
  // One way after the other by its index: with `or` between them every contract would be read.
  const matches = sql<SqlBool>`c.id in (
    select id from contracts where search_fold(number) like ${part}
    union select id from contracts
      where customer_id in (select id from customers where search like ${part})
    union select id from contracts
      where service_point_id in (select id from service_points where search like ${part})
    union select id from contracts where service_point_id in (${POINTS_BY_METER(part)}))`
  const where = [...chosen(query, ACCOUNT_FILTERS), ...(query.q === '' ? [] : [matches])]
  return sql`from contracts c join customers cu on cu.id = c.customer_id
    join service_points p on p.id = c.service_point_id where ${and(where)}`
}

interface SortKey {
  readonly key: RawBuilder<unknown>
  readonly type: 'text' | 'date'
  /** It leads from another table. */
  readonly joined: boolean
}

const BY_NUMBER: SortKey = { key: sql`c.number`, type: 'text', joined: false }
const ACCOUNT_KEYS: Readonly<Record<string, SortKey>> = {
  customer: { key: sql`cu.name`, type: 'text', joined: true },
  point: { key: sql`p.code`, type: 'text', joined: true },
  from: { key: sql`c.from_date`, type: 'date', joined: false },
}

function accounts(query: ListQuery) {
  const { key, type, joined } = ACCOUNT_KEYS[query.sort] ?? BY_NUMBER
  const page = keyset({ query, key, type, id: sql`c.id` })
  return sql<AccountRow>`
    with chosen as materialized (
      select c.id ${accountsFrom(query)} and ${page.where}
        and ${joined ? leading(query, key) : sql`true`}
      order by ${page.orderBy} limit ${page.limit})
    select c.id, c.number, cu.id as "customerId", cu.name as customer, cu.email,
      p.id as "servicePointId", p.code as "servicePoint", p.address, p.zone,
      c.from_date as from, c.to_date as to, ${METERS_OF(sql`p.id`)} as meters,
      (select code from tariffs where id = ${TERM_NOW}) as tariff,
      (select json_build_object('id', b.id, 'number', b.number, 'to', b.period_to) from bills b
        where b.contract_id = c.id order by b.period_from desc limit 1) as "lastBill",
      (select json_build_object('from', b.period_from, 'to', b.period_to, 'state', b.state,
          'code', b.code) from bill_periods b
        where b.contract_id = c.id and b.state in ${KEPT}
        order by b.period_from limit 1) as kept
    from chosen join contracts c using (id) join customers cu on cu.id = c.customer_id
    join service_points p on p.id = c.service_point_id
    order by ${page.orderBy}`
}

const RUNS = sql`c.from_date <= current_date and (c.to_date is null or c.to_date > current_date)`

const CUSTOMER_FILTERS: Readonly<Record<string, RawBuilder<SqlBool>>> = {
  'contract with': sql<SqlBool>`exists (select from contracts c
    where c.customer_id = cu.id and ${RUNS})`,
  'contract without': sql<SqlBool>`not exists (select from contracts c
    where c.customer_id = cu.id and ${RUNS})`,
  'email with': sql<SqlBool>`cu.email is not null`,
  'email without': sql<SqlBool>`cu.email is null`,
  'phone without': sql<SqlBool>`cu.phone is null`,
}

function customersFrom(query: ListQuery): RawBuilder<unknown> {
  const matches = sql<SqlBool>`cu.search like ${partOf(query.q)}`
  const where = [...chosen(query, CUSTOMER_FILTERS), ...(query.q === '' ? [] : [matches])]
  return sql`from customers cu where ${and(where)}`
}

function customers(query: ListQuery) {
  const sort = query.sort === 'number' ? 'number' : 'name'
  const key = sort === 'number' ? sql`cu.number` : sql`cu.name`
  const page = keyset({ query, key, type: 'text', id: sql`cu.id` })
  return sql<CustomerRow>`
    select cu.id, cu.number, cu.name, cu.address, cu.email, cu.phone,
      (select count(*)::integer from contracts c where c.customer_id = cu.id) as contracts
    ${customersFrom(query)} and ${page.where} order by ${page.orderBy} limit ${page.limit}`
}

const POINT_FILTERS: Readonly<Record<string, RawBuilder<SqlBool>>> = {
  'contract with': sql<SqlBool>`exists (select from contracts c
    where c.service_point_id = p.id and ${RUNS})`,
  'contract without': sql<SqlBool>`not exists (select from contracts c
    where c.service_point_id = p.id and ${RUNS})`,
  'meter with': HAS_METER(sql`p.id`),
  'meter without': sql<SqlBool>`not ${HAS_METER(sql`p.id`)}`,
}

function servicePointsFrom(query: ListQuery): RawBuilder<unknown> {
  const part = partOf(query.q)
  const matches = sql<SqlBool>`p.id in (select id from service_points where search like ${part}
    union ${POINTS_BY_METER(part)})`
  const where = [...chosen(query, POINT_FILTERS), ...(query.q === '' ? [] : [matches])]
  return sql`from service_points p where ${and(where)}`
}

function servicePoints(query: ListQuery) {
  const sort = query.sort === 'address' ? 'address' : 'code'
  const key = sort === 'address' ? sql`p.address` : sql`p.code`
  const page = keyset({ query, key, type: 'text', id: sql`p.id` })
  return sql<ServicePointRow>`
    select p.id, p.code, p.address, p.zone, ${METERS_OF(sql`p.id`)} as meters,
      (select json_build_object('id', c.id, 'number', c.number, 'customer', cu.name)
        from contracts c join customers cu on cu.id = c.customer_id
        where c.service_point_id = p.id and ${RUNS} limit 1) as contract
    ${servicePointsFrom(query)} and ${page.where} order by ${page.orderBy} limit ${page.limit}`
}

const FROM = {
  accounts: accountsFrom,
  customers: customersFrom,
  servicePoints: servicePointsFrom,
} as const
