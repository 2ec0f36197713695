// Lists of periods, a month at a time, and what people say about them: not to be billed, or after
// all.

import { type Kysely, type RawBuilder, type SqlBool, sql } from 'kysely'
import { type UnixMs, unixMs } from '../../../../shared/units.ts'
import { type CivilDate, monthOf } from '../../civil/calendar.ts'
import { type ListQuery, type Page, pageOf, type Selection } from '../../kit/list.ts'
import { type Author, recordChanges } from '../../store/changes.ts'
import { keyset } from '../../store/keyset.ts'
import type { Database } from '../../store/schema.ts'
import type { DryRun, DryRunSum, PeriodRow, PeriodState } from '../core/board.ts'
import type { PeriodKey } from '../core/period-verdict.ts'

/** Of the largest and the smallest bills of a dry run. */
const EXTREMES = 5
/** Periods that one click issues or exempts, at most: some seconds of work. */
export const CLICK_MAX = 2_000

interface Row {
  readonly contract_id: number
  readonly contract: string
  readonly customer: string
  readonly customer_number: string
  readonly service_point_id: number
  readonly service_point: string
  readonly address: string
  readonly period_from: CivilDate
  readonly period_to: CivilDate
  readonly state: PeriodState
  readonly code: string | null
  readonly detail: string
  readonly since: Date
  readonly energy: string | null
  readonly amount: string | null
  readonly currency: string | null
  readonly last_energy: string | null
  readonly last_total: string | null
  readonly last_currency: string | null
  readonly bill_id: number | null
  readonly bill_number: string | null
}

const tables = sql`
  from bill_periods bp join contracts c on c.id = bp.contract_id
  join customers k on k.id = c.customer_id join service_points p on p.id = c.service_point_id`

const columns = sql`
  select bp.contract_id, c.number as contract, k.name as customer, k.number as customer_number,
    p.id as service_point_id, p.code as service_point, p.address, bp.period_from, bp.period_to,
    bp.state, bp.code, bp.detail, bp.since, bp.energy, bp.amount, bp.currency, bp.bill_id,
    (select number from bills where id = bp.bill_id) as bill_number,
    last.energy as last_energy, last.total as last_total, last.currency as last_currency
  ${tables}
  left join lateral (
    select content #>> '{energy,kWh}' as energy, content ->> 'total' as total, currency
    from bills where contract_id = bp.contract_id and period_from < bp.period_from
    order by period_from desc limit 1
  ) last on bp.state = 'ready'`

const rowOf = (row: Row): PeriodRow => ({
  contractId: row.contract_id,
  contract: row.contract,
  customer: row.customer,
  customerNumber: row.customer_number,
  servicePointId: row.service_point_id,
  servicePoint: row.service_point,
  address: row.address,
  period: { from: row.period_from, to: row.period_to },
  state: row.state,
  code: row.code,
  detail: row.detail,
  since: unixMs(row.since.getTime()),
  kWh: row.energy,
  amount: row.amount,
  currency: row.currency,
  last:
    row.last_total === null || row.last_currency === null
      ? null
      : { kWh: row.last_energy ?? '', total: row.last_total, currency: row.last_currency },
  bill:
    row.bill_id === null || row.bill_number === null
      ? null
      : { id: row.bill_id, number: row.bill_number },
})

const inMonth = (month: CivilDate) =>
  sql<SqlBool>`bp.period_from >= ${month}::date and bp.period_from < ${monthOf(month).to}::date`

/** What a list's choices leave over. Nothing chosen: all that is not billed. */
function chosen(month: CivilDate, { q, filters }: ListQuery): RawBuilder<SqlBool> {
  const { state = '', code = '' } = filters
  const like = `%${q.replaceAll(/[\\%_]/g, (letter) => `\\${letter}`)}%`
  return sql<SqlBool>`${inMonth(month)}
    and ${state === '' ? sql`bp.state <> 'billed'` : sql`bp.state = ${sql.lit(state)}`}
    and ${code === '' ? sql`true` : sql`bp.code = ${code}`}
    and ${
      q === ''
        ? sql`true`
        : sql`(c.number ilike ${like} or k.number ilike ${like} or k.name ilike ${like}
          or p.code ilike ${like} or p.address ilike ${like})`
    }`
}

export async function periodList(
  db: Kysely<Database>,
  month: CivilDate,
  query: ListQuery,
): Promise<Page<PeriodRow>> {
  const key = { query, key: sql`bp.period_from`, id: sql`bp.contract_id`, type: 'date' } as const
  const k = keyset(key)
  const { rows } = await sql<Row>`${columns} where ${chosen(month, query)} and ${k.where}
    order by ${k.orderBy} limit ${k.limit}`.execute(db)
  return pageOf(rows.map(rowOf), query, ({ period, contractId }) => ({
    key: period.from,
    id: contractId,
  }))
}

/** The periods of a selection that are in one of these states, and CLICK_MAX at most. */
export async function selectedPeriods(
  db: Kysely<Database>,
  month: CivilDate,
  { selection, states }: { readonly selection: Selection; readonly states: readonly PeriodState[] },
): Promise<readonly PeriodRow[]> {
  const which = selection.all
    ? chosen(month, selection.list)
    : sql<SqlBool>`${inMonth(month)} and bp.contract_id = any(${[...selection.ids]}::integer[])`
  const { rows } = await sql<Row>`${columns} where ${which}
    and bp.state = any(${[...states]}::text[]) and bp.state <> 'billed'
    order by bp.period_from, bp.contract_id limit ${CLICK_MAX}`.execute(db)
  return rows.map(rowOf)
}

/** What all ready bills of a month come to. */
export async function dryRunOf(db: Kysely<Database>, month: CivilDate): Promise<DryRun> {
  const { rows: sums } = await sql<DryRunSum & { computed_at: Date | null }>`
    select t.code as tariff, bp.currency, count(*)::integer as count,
      trim_scale(sum(bp.energy))::text as "kWh", sum(bp.amount)::text as amount,
      min(bp.amount)::text as lowest, max(bp.amount)::text as highest,
      min(bp.looked_at) as computed_at
    from bill_periods bp left join tariff_versions v on v.id = bp.tariff_version_id
    left join tariffs t on t.id = v.tariff_id
    where bp.state = 'ready' and ${inMonth(month)} group by 1, 2 order by 1, 2`.execute(db)
  const extreme = async (direction: RawBuilder<unknown>) =>
    (
      await sql<Row>`${columns} where bp.state = 'ready' and ${inMonth(month)}
      order by bp.amount ${direction}, bp.contract_id limit ${EXTREMES}`.execute(db)
    ).rows.map(rowOf)
  const times = sums.flatMap(({ computed_at: at }) => (at === null ? [] : [at.getTime()]))
  return {
    sums: sums.map(({ computed_at: _at, ...sum }) => sum),
    highest: await extreme(sql`desc`),
    lowest: await extreme(sql`asc`),
    computedAt: times.length === 0 ? null : unixMs(Math.min(...times)),
  }
}

/** Exempts periods, or takes that back; returns how many. Each is recorded with its reason. */
export async function setExempt(
  db: Kysely<Database>,
  change: {
    readonly periods: readonly PeriodKey[]
    readonly exempt: boolean
    readonly author: Author
    readonly now: UnixMs
  },
): Promise<number> {
  const { periods, exempt, author, now } = change
  const keys = JSON.stringify(periods.map(({ contractId: id, from }) => ({ id, from })))
  const at = new Date(now)
  return db.transaction().execute(async (trx) => {
    const { rows } = await sql<{ contract_id: number; period_from: string; was: PeriodState }>`
      with held as (
        select bp.contract_id, bp.period_from, bp.state from bill_periods bp
        join jsonb_to_recordset(${keys}::jsonb) as k(id integer, "from" date)
          on k.id = bp.contract_id and k."from" = bp.period_from
        where ${exempt ? sql`bp.state not in ('billed', 'exempt')` : sql`bp.state = 'exempt'`}
        order by bp.period_from, bp.contract_id for update of bp
      )
      update bill_periods bp set state = ${exempt ? 'exempt' : 'unseen'}, code = null,
        detail = ${exempt ? author.why : ''}, since = ${at}, due_at = ${at}, looked_at = null,
        energy = null, amount = null, currency = null, tariff_version_id = null
      from held where bp.contract_id = held.contract_id and bp.period_from = held.period_from
      returning bp.contract_id, bp.period_from, held.state as was`.execute(trx)
    const state = exempt ? 'exempt' : 'unseen'
    await recordChanges(
      trx,
      author,
      rows.map(({ contract_id: id, period_from: from, was }) => ({
        what: 'period' as const,
        id,
        before: { from, state: was },
        after: { from, state },
      })),
    )
    // An exempt period may cover days that the contract no longer has.
    if (!exempt) {
      await sql`insert into bill_marks (contract_id)
        select distinct id from jsonb_to_recordset(${keys}::jsonb) as k(id integer)`.execute(trx)
    }
    return rows.length
  })
}
