// Looks at periods that are due and stores what is known of each: ready, waiting or blocked, by
// what and since when. One silent meter keeps its own bill waiting and nobody else's. How soon a
// period is looked at again grows with the time it has waited, up to an hour, for as long as it is
// not billed; whatever changes under it makes it due at once (tiling.ts).

import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { FaultCode } from '../../../../shared/faults.ts'
import { errorText } from '../../../../shared/node/fault-error.ts'
import type { UnixMs } from '../../../../shared/units.ts'
import { type CivilDate, isZone } from '../../civil/calendar.ts'
import { blamesRows } from '../../store/apart.ts'
import type { Database } from '../../store/schema.ts'
import {
  left,
  type Period,
  type PeriodKey,
  type PeriodVerdict,
  verdictOf,
} from '../core/period-verdict.ts'
import { type Candidate, factsOf } from './candidates.ts'

/** Periods looked at in one go: some tenths of a second. */
export const LOOK_BATCH = 500
/** Longest detail that is kept, characters. */
const DETAIL_MAX = 500
/** A waiting period is looked at again after a quarter of the time that it has waited: at first
 * often, so that a back-fill is billed as it ends, and no less than every hour, seconds. */
const AGAIN_PART = 4
const AGAIN_MIN_S = 2
const AGAIN_MAX_S = 3_600
/** A ready one, while it waits for somebody's word, seconds: issuing looks once more anyway. */
const READY_AGAIN_S = 86_400

/** A period whose state or code is another one than before. */
export interface Turn {
  readonly was: string
  readonly state: string
  readonly code: FaultCode | null
  readonly detail: string
}

export interface Look {
  readonly looked: number
  /** Of these, seen for the first time, or after something under them had changed. */
  readonly turns: readonly Turn[]
}

interface Due extends Period {
  readonly zone: string
}

interface Asked {
  readonly now: UnixMs
  /** Its first day: only of that month. */
  readonly month?: CivilDate
  /** Only what was never looked at, or has changed since. */
  readonly fresh?: boolean
  readonly limit?: number
}

/** Looks at what is due, the most overdue first. */
export async function lookAtDue(db: Kysely<Database>, asked: Asked): Promise<Look> {
  const { now, month, fresh = false, limit = LOOK_BATCH } = asked
  const ofMonth =
    month === undefined
      ? sql`true`
      : sql`bp.period_from >= ${month}::date
          and bp.period_from < (${month}::date + interval '1 month')::date`
  const { rows: due } = await sql<Due>`
    select bp.contract_id as "contractId", bp.period_from as "from", bp.period_to as "to", p.zone
    from bill_periods bp join contracts c on c.id = bp.contract_id
    join service_points p on p.id = c.service_point_id
    where bp.state not in ('billed', 'exempt') and bp.due_at <= ${new Date(now)}
      and ${fresh ? sql`bp.looked_at is null` : sql`true`} and ${ofMonth}
    order by bp.due_at limit ${limit}`.execute(db)
  const known = due.filter(({ zone }) => isZone(zone))
  const looked = await verdictsOf(db, known, now)
  const unknown = due.filter(({ zone }) => !isZone(zone))
  const lost = unknown.map((period) => ({
    period,
    verdict: lostZone(period.zone),
    candidate: null,
  }))
  const turns = await storeVerdicts(db, [...looked, ...lost], now)
  return { looked: due.length, turns }
}

/** Has every period of a month that is not billed looked at, however soon it was due. */
export const lookAgain = (db: Kysely<Database>, month: CivilDate, now: UnixMs): Promise<void> =>
  makeDue(
    db,
    sql`period_from >= ${month}::date
      and period_from < (${month}::date + interval '1 month')::date`,
    now,
  )

/** The same for some. */
export const lookAgainAt = (
  db: Kysely<Database>,
  periods: readonly PeriodKey[],
  now: UnixMs,
): Promise<void> => {
  const keys = JSON.stringify(periods.map(({ contractId: id, from }) => ({ id, from })))
  const some = sql`(contract_id, period_from) in (
    select id, "from" from jsonb_to_recordset(${keys}::jsonb) as k(id integer, "from" date))`
  return makeDue(db, some, now)
}

async function makeDue(
  db: Kysely<Database>,
  which: RawBuilder<unknown>,
  now: UnixMs,
): Promise<void> {
  await sql`
    update bill_periods bp set due_at = ${new Date(now)}, looked_at = null
    from (select contract_id, period_from from bill_periods
      where state not in ('billed', 'exempt') and ${which}
      order by period_from, contract_id for update skip locked) held
    where bp.contract_id = held.contract_id and bp.period_from = held.period_from`.execute(db)
}

const lostZone = (zone: string): PeriodVerdict => ({
  state: 'blocked',
  code: 'BIL-27',
  detail: zone,
})

export interface Looked {
  readonly period: Period
  readonly verdict: PeriodVerdict
  /** Null when not even its facts could be read. */
  readonly candidate: Candidate | null
}

/** What can be said of each period that still has a contract. When the database refuses one of
 * them, they are looked at in halves, until it stands alone. */
export async function verdictsOf(
  db: Kysely<Database>,
  periods: readonly Period[],
  now: UnixMs,
): Promise<readonly Looked[]> {
  const [first] = periods
  if (first === undefined) return []
  try {
    if (!db.isTransaction) return judged(periods, await factsOf(db, periods, now))
    await sql`savepoint facts`.execute(db)
    const looked = judged(periods, await factsOf(db, periods, now))
    await sql`release savepoint facts`.execute(db)
    return looked
  } catch (error) {
    if (!blamesRows(error)) throw error
    if (db.isTransaction) {
      await sql`rollback to savepoint facts`.execute(db)
      await sql`release savepoint facts`.execute(db)
    }
    if (periods.length === 1) {
      return [{ period: first, verdict: left(errorText(error)), candidate: null }]
    }
  }
  const half = Math.ceil(periods.length / 2)
  const before = await verdictsOf(db, periods.slice(0, half), now)
  return [...before, ...(await verdictsOf(db, periods.slice(half), now))]
}

const keyOf = (contractId: number, from: string): string => `${contractId} ${from}`

function judged(periods: readonly Period[], candidates: readonly Candidate[]): readonly Looked[] {
  const byKey = new Map(periods.map((period) => [keyOf(period.contractId, period.from), period]))
  return candidates.flatMap((candidate) => {
    const { contractId, facts } = candidate
    const period = byKey.get(keyOf(contractId, facts.period.from))
    return period === undefined ? [] : [{ period, verdict: verdictOf(facts), candidate }]
  })
}

/** Stores what was found, except of a period that was billed, exempted or cut anew meanwhile, or
 * that somebody is billing right now. Returns those that turned. */
export async function storeVerdicts(
  db: Kysely<Database>,
  looked: readonly Looked[],
  now: UnixMs,
): Promise<readonly Turn[]> {
  if (looked.length === 0) return []
  const at = new Date(now)
  const rows = looked.map(({ period, verdict, candidate }) => {
    const ready = verdict.state === 'ready' ? verdict.estimate : null
    return {
      contract_id: period.contractId,
      period_from: period.from,
      period_to: period.to,
      state: verdict.state,
      code: verdict.state === 'ready' ? null : verdict.code,
      detail: verdict.state === 'ready' ? '' : verdict.detail.slice(0, DETAIL_MAX),
      energy: ready?.kWh ?? null,
      amount: ready?.amount ?? null,
      currency: ready?.currency ?? null,
      tariff_version_id: ready === null ? null : (candidate?.tariffVersionId ?? null),
    }
  })
  const { rows: turns } = await sql<Turn>`
    with found as (
      select * from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as f(contract_id integer,
        period_from date, period_to date, state text, code text, detail text, energy numeric,
        amount numeric, currency text, tariff_version_id integer)
    ), held as (
      select bp.contract_id, bp.period_from, bp.state, bp.code, bp.since,
        case when bp.state = f.state and bp.code is not distinct from f.code
          then bp.since else ${at}::timestamptz end as turned
      from bill_periods bp join found f using (contract_id, period_from, period_to)
      where bp.state not in ('billed', 'exempt')
      order by bp.contract_id, bp.period_from for update of bp skip locked
    ), stored as (
      update bill_periods bp set state = f.state, code = f.code, detail = f.detail,
        energy = f.energy, amount = f.amount, currency = f.currency,
        tariff_version_id = f.tariff_version_id, since = held.turned, looked_at = ${at},
        due_at = ${at}::timestamptz + case f.state
          when 'ready' then make_interval(secs => ${READY_AGAIN_S})
          else least(make_interval(secs => ${AGAIN_MAX_S}), greatest(
            make_interval(secs => ${AGAIN_MIN_S}),
            (${at}::timestamptz - held.turned) / ${AGAIN_PART})) end
      from found f join held using (contract_id, period_from)
      where bp.contract_id = f.contract_id and bp.period_from = f.period_from
      returning held.state as was, held.code as was_code, f.state, f.code, f.detail
    )
    select was, state, code, detail from stored
    where was <> state or was_code is distinct from code`.execute(db)
  return turns
}
