// The outbox of notices. A notice is written in its bill's transaction; a worker claims it for a
// while (a lease, not a lock: no transaction stays open while a mail server thinks), sends it and
// records the result. If the worker dies in between, the lease runs out and the notice is sent once
// more: the customer may see it twice, but never not at all. The stable key of a notice lets a mail
// program or a gateway recognise the repeat.

import { type Kysely, sql, type Transaction } from 'kysely'
import { assert } from '../../../../shared/assert.ts'
import type { FaultCode } from '../../../../shared/faults.ts'
import { type SpanMs, shiftMs, type UnixMs } from '../../../../shared/units.ts'
import { count } from '../../store/counters.ts'
import type { Database } from '../../store/schema.ts'

/** Two notices per bill, 7 columns each: far below the 65,535 parameters of one statement. */
const ROWS_MAX = 5_000

/** A notice to one address about one bill. */
export interface NoticeEntry {
  readonly billId: number
  readonly channel: 'email' | 'sms'
  readonly address: string
  readonly subject: string | null
  readonly body: string
}

/** Queues notices in the transaction of the event they report and counts them; returns how many. */
export async function queueNotices(
  trx: Transaction<Database>,
  entries: readonly NoticeEntry[],
  now: UnixMs,
): Promise<number> {
  assert(entries.length <= ROWS_MAX, 'a batch of bills has few notices')
  if (entries.length === 0) return 0
  const due = { next_attempt_at: new Date(now), created_at: new Date(now) }
  const inserted = await trx
    .insertInto('notices')
    .values(entries.map(({ billId, ...words }) => ({ bill_id: billId, ...words, ...due })))
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .execute()
  await count(trx, 'notices', inserted.length)
  return inserted.length
}

export interface DueNotice {
  readonly id: number
  readonly channel: 'email' | 'sms'
  readonly address: string
  /** This attempt included. */
  readonly attempts: number
  readonly billId: number
}

/** Claims up to `limit` notices that are due: counts the attempt and postpones the next one by the
 * lease, so that a second worker, or this one after a crash, takes each of them again only after
 * that. */
export async function claimNotices(
  db: Kysely<Database>,
  claim: {
    readonly now: UnixMs
    readonly lease: SpanMs
    readonly limit: number
    readonly channels: readonly ('email' | 'sms')[]
  },
): Promise<readonly DueNotice[]> {
  const { rows } = await sql<DueNotice>`
    update notices n set attempts = n.attempts + 1,
      next_attempt_at = ${new Date(shiftMs(claim.now, claim.lease))}
    where n.id in (
      select id from notices where state = 'queued' and next_attempt_at <= ${new Date(claim.now)}
        and channel = any(${[...claim.channels]}::text[])
      order by next_attempt_at limit ${claim.limit} for update skip locked
    )
    returning n.id, n.channel, n.address, n.attempts, n.bill_id as "billId"`.execute(db)
  return rows
}

export async function recordSent(
  db: Kysely<Database>,
  notice: { readonly id: number; readonly providerId: string; readonly at: UnixMs },
): Promise<void> {
  await db
    .updateTable('notices')
    .set({
      state: 'sent',
      sent_at: new Date(notice.at),
      provider_id: notice.providerId,
      last_fault: null,
    })
    .where('id', '=', notice.id)
    .where('state', '=', 'queued')
    .execute()
}

/** Postpones the notice until `again`, or gives it up when that is null. */
export async function recordFailed(
  db: Kysely<Database>,
  notice: {
    readonly id: number
    readonly fault: FaultCode
    readonly again: UnixMs | null
    /** The attempt does not count among those a notice has. */
    readonly uncounted?: boolean
  },
): Promise<void> {
  const { again, fault: last_fault, uncounted = false } = notice
  await db
    .updateTable('notices')
    .set(
      again === null
        ? { state: 'failed', last_fault }
        : {
            next_attempt_at: new Date(again),
            last_fault,
            ...(uncounted ? { attempts: sql<number>`attempts - 1` } : {}),
          },
    )
    .where('id', '=', notice.id)
    .where('state', '=', 'queued')
    .execute()
}

/** Queues once more a notice that was given up, with all its attempts, to the customer's address as
 * it is now: BIL-11 and OPS-27 advise to correct it first. */
export async function queueAgain(
  db: Kysely<Database>,
  notice: { readonly id: number; readonly now: UnixMs },
): Promise<void> {
  await sql`
    update notices n set state = 'queued', attempts = 0,
      next_attempt_at = ${new Date(notice.now)},
      address = coalesce(
        (select case n.channel when 'email' then c.email else c.phone end
          from bills b join customers c on c.id = b.customer_id where b.id = n.bill_id),
        n.address)
    where n.id = ${notice.id} and n.state = 'failed'`.execute(db)
}
