// The bill run. It is safe to start at any moment, twice, or on two machines: each batch is one
// transaction that holds the row lock of the number series, looks up under that lock what is not
// billed yet, and writes bills, notices, counters and the next number together. So numbers have no
// gaps, a bill has its notices, and a second run finds nothing to do. Gaps are illegal in many
// countries.

import { type Kysely, sql, type Transaction } from 'kysely'
import { assert } from '../../../../shared/assert.ts'
import { canonicalJson } from '../../../../shared/documents/canonical.ts'
import type { FaultCode } from '../../../../shared/faults.ts'
import type { UnixMs } from '../../../../shared/units.ts'
import { errorText } from '../../../../shared/node/fault-error.ts'
import {
  type BillDraft,
  type BillVerdict,
  draftBill,
  type IssuedBill,
  issueBill,
} from '../core/bill.ts'
import type { BillContent, Utility } from '../core/bill-content.ts'
import { mailText, smsText } from '../core/notice.ts'
import { type CivilPeriod, isCivilDate, isZone } from '../../civil/calendar.ts'
import { type Candidate, energyRegisters, nextCandidates, type Registers } from './candidates.ts'
import { zonesOf } from '../../customers/db/reads.ts'
import { type NoticeEntry, queueNotices } from '../../notices/db/notices.ts'
import { blamesRows } from '../../store/apart.ts'
import { count } from '../../store/counters.ts'
import type { Database } from '../../store/schema.ts'
import { type StoredTariff, tariffsFor } from '../../tariffs/db/tariffs.ts'

/** Bills in one transaction, usually: the series stays locked for well under a second. */
const BATCH_DEFAULT = 500
/** 12 columns times 2,000 rows stay below the 65,535 parameters of one statement. */
const BATCH_MAX = 2_000
/** Service points named in a report; the rest are only counted. */
const NAMED_MAX = 20

export interface BillRunOptions {
  /** Local dates; each service point's own zone turns them into instants. */
  readonly period: CivilPeriod
  readonly now: UnixMs
  readonly utility: Utility
  /** Name of the number series; a bill is numbered `series-000001`. */
  readonly series: string
  readonly batch?: number
}

export interface BillRun {
  readonly issued: number
  /** Bills that wait for a boundary reading (BIL-04): run again after the back-fill. */
  readonly waiting: number
  /** How often each fault kept a bill from being issued, BIL-04 included. */
  readonly faults: ReadonlyMap<FaultCode, number>
  /** The first few of them, for people. */
  readonly examples: readonly { readonly fault: FaultCode; readonly detail: string }[]
}

interface Tally {
  issued: number
  readonly faults: Map<FaultCode, number>
  readonly examples: { fault: FaultCode; detail: string }[]
}

/** Issues every bill of the period that can be issued now and has not been. */
export async function runBills(db: Kysely<Database>, options: BillRunOptions): Promise<BillRun> {
  const { period } = options
  assert(isCivilDate(period.from) && isCivilDate(period.to), 'a bill period is two civil dates')
  assert((options.batch ?? 1) > 0 && (options.batch ?? 1) <= BATCH_MAX, 'a batch is 1..2000 bills')
  const [registers, tariffs] = [await energyRegisters(db), await tariffsFor(db, period)]
  const tally: Tally = { issued: 0, faults: new Map(), examples: [] }
  for (const zone of await zonesOf(db)) {
    if (!isZone(zone)) {
      note(tally, 'OPS-05', `time zone "${zone}" of a service point is unknown here`)
      continue
    }
    let after: number | null = 0
    while (after !== null) {
      const batch: BatchTask = { options, zone, after, registers, tariffs, tally }
      after = await db.transaction().execute((trx) => runBatch(trx, batch))
    }
  }
  const { issued, faults, examples } = tally
  return { issued, waiting: faults.get('BIL-04') ?? 0, faults, examples }
}

function note(tally: Tally, fault: FaultCode, detail: string): void {
  tally.faults.set(fault, (tally.faults.get(fault) ?? 0) + 1)
  if (tally.examples.length < NAMED_MAX) tally.examples.push({ fault, detail })
}

interface BatchTask {
  readonly options: BillRunOptions
  readonly zone: string
  readonly after: number
  readonly registers: Registers
  readonly tariffs: ReadonlyMap<number, StoredTariff | null>
  readonly tally: Tally
}

interface Ready {
  readonly candidate: Candidate
  readonly draft: BillDraft
  readonly tariff: StoredTariff
  readonly contractId: number
  readonly customerId: number
}

/** One batch; returns the last service point it looked at, or null at the end. */
async function runBatch(trx: Transaction<Database>, task: BatchTask): Promise<number | null> {
  const { options, tally } = task
  const next = await lockSeries(trx, options.series)
  const { candidates, last } = await nextCandidates(trx, {
    ...task,
    period: options.period,
    limit: options.batch ?? BATCH_DEFAULT,
  })
  const ready: Ready[] = []
  for (const candidate of candidates) {
    const verdict = drafted(candidate)
    if (!verdict.ok) note(tally, verdict.fault, verdict.detail)
    else {
      const { tariff, contractId, customerId } = candidate
      assert(tariff !== null, 'a drafted bill has a tariff')
      assert(contractId !== null && customerId !== null, 'a drafted bill has a customer')
      ready.push({ candidate, draft: verdict.draft, tariff, contractId, customerId })
    }
  }
  tally.issued += await insertApart(trx, { ready, next, options }, tally)
  return last
}

/** A candidate that not even a verdict can be made of is left out: the others get their bills. */
function drafted({ facts }: Candidate): BillVerdict {
  try {
    return draftBill(facts)
  } catch (error) {
    const detail = `service point ${facts.servicePoint.code}: ${errorText(error)}`
    return { ok: false, fault: 'BIL-16', detail }
  }
}

/** Inserts bills, in halves when the database refuses one; returns how many it took. Each try is
 * undone as a whole, so that numbers stay without a gap. */
async function insertApart(
  trx: Transaction<Database>,
  insertion: Insertion,
  tally: Tally,
): Promise<number> {
  const { ready, next, options } = insertion
  const [first] = ready
  if (first === undefined) return 0
  await sql`savepoint bills`.execute(trx)
  try {
    const issued = await insertBills(trx, insertion, tally)
    await sql`release savepoint bills`.execute(trx)
    return issued
  } catch (error) {
    if (!blamesRows(error)) throw error
    await sql`rollback to savepoint bills`.execute(trx)
    await sql`release savepoint bills`.execute(trx)
    if (ready.length === 1) {
      leaveOut(tally, first, error)
      return 0
    }
  }
  const half = Math.ceil(ready.length / 2)
  const before = await insertApart(trx, { ready: ready.slice(0, half), next, options }, tally)
  const rest = { ready: ready.slice(half), next: next + before, options }
  return before + (await insertApart(trx, rest, tally))
}

const leaveOut = (tally: Tally, { candidate }: Ready, error: unknown): void =>
  note(tally, 'BIL-16', `service point ${candidate.facts.servicePoint.code}: ${errorText(error)}`)

/** The next free number, with the row locked until the transaction ends: runs wait for each other
 * here. */
async function lockSeries(trx: Transaction<Database>, series: string): Promise<number> {
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

interface Insertion {
  readonly ready: readonly Ready[]
  readonly next: number
  readonly options: BillRunOptions
}

/** Returns how many were issued: one whose document cannot be made is left out. */
async function insertBills(
  trx: Transaction<Database>,
  insertion: Insertion,
  tally: Tally,
): Promise<number> {
  const { ready, next, options } = insertion
  const issued = new Map<string, { readonly ready: Ready; readonly bill: IssuedBill }>()
  const failed: [Ready, unknown][] = []
  for (const entry of ready) {
    const number = `${options.series}-${String(next + issued.size).padStart(6, '0')}`
    const { now: at, utility } = options
    try {
      issued.set(number, { ready: entry, bill: issueBill(entry.draft, { number, at, utility }) })
    } catch (error) {
      failed.push([entry, error])
    }
  }
  if (issued.size > 0) await insertIssued(trx, issued, insertion)
  for (const [entry, error] of failed) leaveOut(tally, entry, error)
  return issued.size
}

type Issued = ReadonlyMap<string, { readonly ready: Ready; readonly bill: IssuedBill }>

async function insertIssued(
  trx: Transaction<Database>,
  issued: Issued,
  { next, options }: Insertion,
): Promise<void> {
  const inserted = await trx
    .insertInto('bills')
    .values(
      [...issued.values()].map(
        ({ ready: { candidate, draft, tariff, contractId, customerId }, bill }) => ({
          number: bill.content.number,
          contract_id: contractId,
          customer_id: customerId,
          service_point_id: candidate.servicePointId,
          period_from: bill.content.period.from,
          period_to: bill.content.period.to,
          tariff_version_id: tariff.id,
          currency: bill.content.currency,
          total: draft.total,
          content: canonicalJson(bill.content),
          hash: bill.hash,
          issued_at: new Date(options.now),
          due_on: bill.content.dueOn,
        }),
      ),
    )
    .onConflict((conflict) => conflict.doNothing())
    .returning(['id', 'number'])
    .execute()
  // Somebody has written bills without the lock: roll back rather than leave a gap in the numbers.
  assert(inserted.length === issued.size, 'bills are written under the lock of their series only')
  await trx
    .updateTable('bill_series')
    .set({ next: next + issued.size })
    .where('series', '=', options.series)
    .execute()
  await count(trx, 'bills', issued.size)
  const notices = inserted.flatMap(({ id, number }) => {
    const entry = issued.get(number)
    return entry === undefined ? [] : noticesOf(id, entry.bill.content, entry.ready.candidate)
  })
  await queueNotices(trx, notices, options.now)
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

/** How many meters, installed over the whole period, have both readings that their bills need. */
export async function boundariesReady(
  db: Kysely<Database>,
  period: CivilPeriod,
): Promise<{ readonly meters: number; readonly ready: number }> {
  const registers = await energyRegisters(db)
  const tariffs = new Map<number, StoredTariff | null>()
  let meters = 0
  let ready = 0
  for (const zone of (await zonesOf(db)).filter(isZone)) {
    let after: number | null = 0
    while (after !== null) {
      const batch = { period, zone, after, limit: BATCH_DEFAULT, registers, tariffs }
      const seen = await nextCandidates(db, batch)
      meters += seen.meters
      ready += seen.ready
      after = seen.last
    }
  }
  return { meters, ready }
}
