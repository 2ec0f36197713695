// Writes issued bills, in the transaction that holds the lock of their series.

import { sql, type Transaction } from 'kysely'
import { assert } from '../../../../shared/assert.ts'
import { canonicalJson } from '../../../../shared/documents/canonical.ts'
import type { UnixMs } from '../../../../shared/units.ts'
import { errorText } from '../../../../shared/node/fault-error.ts'
import { type BillDraft, type IssuedBill, issueBill } from '../core/bill.ts'
import type { BillContent, Utility } from '../core/bill-content.ts'
import { mailText, smsText } from '../core/notice.ts'
import { left, type Period } from '../core/period-verdict.ts'
import type { Candidate } from './candidates.ts'
import type { Looked } from './looking.ts'
import { type NoticeEntry, queueNotices } from '../../notices/db/notices.ts'
import { blamesRows } from '../../store/apart.ts'
import { count } from '../../store/counters.ts'
import type { Database } from '../../store/schema.ts'

export interface Ready {
  readonly period: Period
  readonly candidate: Candidate
  readonly draft: BillDraft
  readonly tariffVersionId: number
}

export interface Insertion {
  readonly ready: readonly Ready[]
  readonly series: string
  /** The number of the first. */
  readonly next: number
  readonly now: UnixMs
  readonly utility: Utility
  readonly by: string
}

/** The next free number, with the row locked until the transaction ends: runs wait for each other
 * here. */
export async function lockSeries(trx: Transaction<Database>, series: string): Promise<number> {
  await trx
    .insertInto('bill_series')
    .values({ series, next: 1 })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  const row = await trx
    .selectFrom('bill_series')
    .select('next')
    .where('series', '=', series)
    .forUpdate()
    .executeTakeFirstOrThrow()
  return row.next
}

/** Inserts bills, in halves when the database refuses one; returns how many it took, and adds the
 * others to `leftOut`. Each try is undone as a whole, so that numbers stay without a gap. */
export async function insertApart(
  trx: Transaction<Database>,
  insertion: Insertion,
  leftOut: Looked[],
): Promise<number> {
  const { ready, next } = insertion
  const [first] = ready
  if (first === undefined) return 0
  await sql`savepoint bills`.execute(trx)
  try {
    const issued = await insertBills(trx, insertion, leftOut)
    await sql`release savepoint bills`.execute(trx)
    return issued
  } catch (error) {
    if (!blamesRows(error)) throw error
    await sql`rollback to savepoint bills`.execute(trx)
    await sql`release savepoint bills`.execute(trx)
    if (ready.length === 1) {
      leftOut.push(lostTo(first, error))
      return 0
    }
  }
  const half = Math.ceil(ready.length / 2)
  const before = await insertApart(trx, { ...insertion, ready: ready.slice(0, half) }, leftOut)
  const rest = { ...insertion, ready: ready.slice(half), next: next + before }
  return before + (await insertApart(trx, rest, leftOut))
}

const lostTo = ({ period, candidate }: Ready, error: unknown): Looked => {
  const { code } = candidate.facts.servicePoint
  return { period, verdict: left(`service point ${code}: ${errorText(error)}`), candidate }
}

type Issued = ReadonlyMap<string, { readonly ready: Ready; readonly bill: IssuedBill }>

/** Returns how many were issued: one whose document cannot be made is left out. */
async function insertBills(
  trx: Transaction<Database>,
  insertion: Insertion,
  leftOut: Looked[],
): Promise<number> {
  const { ready, next, series, now: at, utility } = insertion
  const issued = new Map<string, { readonly ready: Ready; readonly bill: IssuedBill }>()
  const failed: Looked[] = []
  for (const entry of ready) {
    const number = `${series}-${String(next + issued.size).padStart(6, '0')}`
    try {
      issued.set(number, { ready: entry, bill: issueBill(entry.draft, { number, at, utility }) })
    } catch (error) {
      failed.push(lostTo(entry, error))
    }
  }
  if (issued.size > 0) await insertIssued(trx, issued, insertion)
  leftOut.push(...failed)
  return issued.size
}

async function insertIssued(
  trx: Transaction<Database>,
  issued: Issued,
  { next, series, now, by }: Insertion,
): Promise<void> {
  const inserted = await trx
    .insertInto('bills')
    .values(
      [...issued.values()].map(
        ({ ready: { period, candidate, draft, tariffVersionId }, bill }) => ({
          number: bill.content.number,
          contract_id: candidate.contractId,
          customer_id: candidate.customerId,
          service_point_id: candidate.servicePointId,
          period_from: period.from,
          period_to: period.to,
          tariff_version_id: tariffVersionId,
          currency: bill.content.currency,
          total: draft.total,
          content: canonicalJson(bill.content),
          hash: bill.hash,
          issued_at: new Date(now),
          issued_by: by,
          due_on: bill.content.dueOn,
        }),
      ),
    )
    .onConflict((conflict) => conflict.column('number').doNothing())
    .returning(['id', 'number', 'contract_id', 'period_from'])
    .execute()
  // Somebody has written bills without the lock: roll back rather than leave a gap in the numbers.
  assert(inserted.length === issued.size, 'bills are written under the lock of their series only')
  await trx
    .updateTable('bill_series')
    .set({ next: next + issued.size })
    .where('series', '=', series)
    .execute()
  await settlePeriods(trx, inserted, now)
  await count(trx, 'bills', issued.size)
  const notices = inserted.flatMap(({ id, number }) => {
    const entry = issued.get(number)
    return entry === undefined ? [] : noticesOf(id, entry.bill.content, entry.ready.candidate)
  })
  await queueNotices(trx, notices, now)
}

async function settlePeriods(
  trx: Transaction<Database>,
  bills: readonly {
    readonly id: number
    readonly contract_id: number
    readonly period_from: string
  }[],
  now: UnixMs,
): Promise<void> {
  const settled = await sql`
    update bill_periods bp set state = 'billed', bill_id = b.id, code = null, detail = '',
      since = ${new Date(now)}, energy = null, amount = null, currency = null,
      tariff_version_id = null
    from jsonb_to_recordset(${JSON.stringify(bills)}::jsonb)
      as b(id bigint, contract_id integer, period_from date)
    where bp.contract_id = b.contract_id and bp.period_from = b.period_from`.execute(trx)
  assert(Number(settled.numAffectedRows) === bills.length, 'each bill is of one period')
}

/** A mail and an SMS about a bill, each if the customer has an address for it. */
function noticesOf(
  billId: number,
  bill: BillContent,
  { email, phone }: Pick<Candidate, 'email' | 'phone'>,
): readonly NoticeEntry[] {
  const { subject, text } = mailText(bill, null)
  const mail = { billId, channel: 'email' as const, address: email ?? '', subject, body: text }
  const body = smsText(bill, null)
  const sms = { billId, channel: 'sms' as const, address: phone ?? '', subject: null, body }
  return [mail, sms].filter(({ address }) => address !== '')
}
