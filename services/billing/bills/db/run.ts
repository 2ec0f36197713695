// Issues bills. It is safe to start at any moment, twice, or on two machines: each batch is one
// transaction that holds the row lock of the number series, takes the periods that are ready under
// that lock, computes them once more, and writes bills, notices, counters, the periods' state and
// the next number together. So numbers have no gaps, a bill has its notices, and a second run finds
// nothing to do. Gaps are illegal in many countries.

import { type Kysely, sql, type Transaction } from 'kysely'
import { assert } from '../../../../shared/assert.ts'
import type { FaultCode } from '../../../../shared/faults.ts'
import type { UnixMs } from '../../../../shared/units.ts'
import type { Utility } from '../core/bill-content.ts'
import type { Period, PeriodKey } from '../core/period-verdict.ts'
import { type CivilDate, monthOf } from '../../civil/calendar.ts'
import { insertApart, lockSeries, type Ready } from './issuing.ts'
import { type Looked, lookAgain, lookAtDue, storeVerdicts, verdictsOf } from './looking.ts'
import { seriesOf } from './series.ts'
import { tileMarked, tileMonths } from './tiling.ts'
import type { Database } from '../../store/schema.ts'

/** Bills in one transaction, usually: the series stays locked for well under a second. */
const BATCH_DEFAULT = 500
/** 13 columns times 2,000 rows stay below the 65,535 parameters of one statement. */
const BATCH_MAX = 2_000
/** Periods named in a report; the rest are only counted. */
const NAMED_MAX = 20

export interface IssueOptions {
  /** The first day of the month whose ready periods are billed. */
  readonly month: CivilDate
  /** Only these of them; null: all. */
  readonly only: readonly PeriodKey[] | null
  /** Only those that were ready by then; null: whenever. */
  readonly readyBy: UnixMs | null
  /** Holds back a bill that comes to another sum than the one somebody was shown (BIL-28). */
  readonly asShown: boolean
  readonly now: UnixMs
  /** Null: it has no name yet, and then nothing is issued (BIL-19). */
  readonly utility: Utility | null
  /** Who issues: an operator's name, or a program's. */
  readonly by: string
  readonly batch?: number
}

export interface BillRun {
  readonly issued: number
  /** How often each fault kept a bill from being issued. */
  readonly faults: ReadonlyMap<FaultCode, number>
  /** The first few of them, for people. */
  readonly examples: readonly { readonly fault: FaultCode; readonly detail: string }[]
}

interface Tally {
  issued: number
  readonly faults: Map<FaultCode, number>
  readonly examples: { fault: FaultCode; detail: string }[]
}

const emptyTally = (): Tally => ({ issued: 0, faults: new Map(), examples: [] })

function note(tally: Tally, fault: FaultCode, detail: string): void {
  tally.faults.set(fault, (tally.faults.get(fault) ?? 0) + 1)
  if (tally.examples.length < NAMED_MAX) tally.examples.push({ fault, detail })
}

/** Issues the ready bills of a month, or some of them. */
export async function issueBills(db: Kysely<Database>, options: IssueOptions): Promise<BillRun> {
  const { month } = options
  assert(monthOf(month).from === month, 'a month is named by its first day')
  assert((options.batch ?? 1) > 0 && (options.batch ?? 1) <= BATCH_MAX, 'a batch is 1..2000 bills')
  const tally = emptyTally()
  const { utility } = options
  if (utility === null) {
    note(tally, 'BIL-19', month.slice(0, 7))
    return tally
  }
  let after: PeriodKey | null = { contractId: 0, from: month }
  while (after !== null) {
    const batch: BatchTask = { options, utility, after, tally }
    after = await db.transaction().execute((trx) => runBatch(trx, batch))
  }
  return tally
}

/** Makes the periods that are due, looks at those of a month and issues what is ready: what the
 * clerk does bit by bit. Reports what keeps the others. */
export async function runBills(
  db: Kysely<Database>,
  options: Pick<IssueOptions, 'month' | 'now' | 'utility' | 'by' | 'batch'>,
): Promise<BillRun> {
  const { month, now } = options
  await tileMonths(db, now)
  while ((await tileMarked(db, now)) > 0);
  await lookAgain(db, month, now)
  while ((await lookAtDue(db, { now, month, fresh: true })).looked > 0);
  const every = { only: null, readyBy: null, asShown: false } as const
  const run = await issueBills(db, { ...options, ...every })
  const tally: Tally = { ...emptyTally(), issued: run.issued }
  const { rows } = await sql<{ code: FaultCode; detail: string }>`
    select code, detail from bill_periods where state in ('waiting', 'blocked')
      and period_from >= ${month}::date
      and period_from < (${month}::date + interval '1 month')::date
    order by contract_id, period_from`.execute(db)
  for (const { code, detail } of rows) note(tally, code, detail)
  if (run.faults.has('BIL-19')) note(tally, 'BIL-19', month.slice(0, 7))
  return tally
}

interface BatchTask {
  readonly options: IssueOptions
  readonly utility: Utility
  /** Where the batch begins: behind this one. */
  readonly after: PeriodKey
  readonly tally: Tally
}

/** A period that somebody may have seen at this sum. */
interface Taken extends Period {
  readonly amount: string | null
  readonly currency: string | null
}

/** One batch; returns the last period that it took, or null at the end. */
async function runBatch(trx: Transaction<Database>, task: BatchTask): Promise<PeriodKey | null> {
  const { options, tally, utility } = task
  const { now, by } = options
  const series = seriesOf(options.month)
  const next = await lockSeries(trx, series)
  const limit = options.batch ?? BATCH_DEFAULT
  const taken = await takeReady(trx, task, limit)
  const { ready, others } = sorted(taken, await verdictsOf(trx, firsts(taken), now), task)
  const leftOut: Looked[] = []
  const insertion = { ready, series, next, now, utility, by }
  tally.issued += await insertApart(trx, insertion, leftOut)
  for (const { verdict } of leftOut) {
    if (verdict.state !== 'ready') note(tally, verdict.code, verdict.detail)
  }
  await storeVerdicts(trx, [...others, ...leftOut], now)
  const last = taken.at(-1)
  return taken.length < limit || last === undefined ? null : last
}

/** Of two periods of one contract the second is left for the next run: its beginning may be the
 * end of the first. */
function firsts(taken: readonly Taken[]): readonly Taken[] {
  const first = new Map<number, Taken>()
  for (const period of taken) {
    if (!first.has(period.contractId)) first.set(period.contractId, period)
  }
  return [...first.values()]
}

/** Which of them become bills; the others are noted. */
function sorted(taken: readonly Taken[], looked: readonly Looked[], task: BatchTask) {
  const { options, tally } = task
  const shown = new Map(firsts(taken).map((period) => [period.contractId, period]))
  const ready: Ready[] = []
  const others: Looked[] = []
  for (const each of looked) {
    const { period, verdict, candidate } = each
    const was = shown.get(period.contractId)
    if (verdict.state !== 'ready' || candidate === null) {
      others.push(each)
      if (verdict.state !== 'ready') note(tally, verdict.code, verdict.detail)
      continue
    }
    const { amount, currency } = verdict.estimate
    if (options.asShown && (amount !== was?.amount || currency !== was.currency)) {
      others.push(each)
      note(tally, 'BIL-28', candidate.facts.servicePoint.code)
      continue
    }
    const { tariffVersionId } = candidate
    assert(tariffVersionId !== null, 'a drafted bill has a tariff')
    ready.push({ period, candidate, draft: verdict.draft, tariffVersionId })
  }
  return { ready, others }
}

/** The next periods that are ready, locked, and their contracts kept from changing. One of each
 * contract: what a bill begins with may be what the one before it ended with. */
async function takeReady(
  trx: Transaction<Database>,
  { options, after }: BatchTask,
  limit: number,
): Promise<readonly Taken[]> {
  const { month, only, readyBy } = options
  const keys = JSON.stringify(only?.map(({ contractId: id, from }) => ({ id, from })) ?? [])
  const { rows } = await sql<Taken>`
    select bp.contract_id as "contractId", bp.period_from as "from", bp.period_to as "to",
      bp.amount, bp.currency
    from bill_periods bp join contracts c on c.id = bp.contract_id
    where bp.state = 'ready' and bp.period_from >= ${month}::date
      and bp.period_from < (${month}::date + interval '1 month')::date
      and (bp.period_from, bp.contract_id) > (${after.from}::date, ${after.contractId})
      and (${readyBy === null ? null : new Date(readyBy)}::timestamptz is null
        or bp.since <= ${readyBy === null ? null : new Date(readyBy)}::timestamptz)
      and (${only === null} or (bp.contract_id, bp.period_from) in (
        select id, "from" from jsonb_to_recordset(${keys}::jsonb) as k(id integer, "from" date)))
      and bp.period_from >= greatest(c.from_date, c.billed_from)
      and (c.to_date is null or bp.period_to <= c.to_date)
    order by bp.period_from, bp.contract_id limit ${limit}
    for update of bp for share of c`.execute(trx)
  return rows
}
