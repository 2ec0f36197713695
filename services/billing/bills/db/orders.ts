// What is to be issued: the months that have ready bills, and by whose word all of a month go out.
// An order outlives the process that took it.

import { type Kysely, sql } from 'kysely'
import { type UnixMs, unixMs } from '../../../../shared/units.ts'
import type { CivilDate } from '../../civil/calendar.ts'
import type { Database } from '../../store/schema.ts'

/** The months with ready periods, the oldest first. */
export async function monthsReady(db: Kysely<Database>): Promise<readonly CivilDate[]> {
  // By leaps from month to month: there may be a hundred thousand in one.
  const { rows } = await sql<{ month: CivilDate }>`
    with recursive ready as (
      (select date_trunc('month', period_from::timestamp)::date as month from bill_periods
        where state = 'ready' order by period_from limit 1)
      union all
      select (select date_trunc('month', period_from::timestamp)::date from bill_periods
        where state = 'ready' and period_from >= (ready.month + interval '1 month')::date
        order by period_from limit 1) from ready where ready.month is not null
    ) select month from ready where month is not null`.execute(db)
  return rows.map(({ month }) => month)
}

export interface BillOrder {
  readonly month: CivilDate
  readonly at: UnixMs
  readonly by: string
}

export async function ordersOf(db: Kysely<Database>): Promise<readonly BillOrder[]> {
  const rows = await db.selectFrom('bill_orders').selectAll().orderBy('month').execute()
  return rows.map(({ month, ordered_at: at, ordered_by: by }) => ({
    month,
    at: unixMs(at.getTime()),
    by,
  }))
}

/** Orders every bill of the month that is ready now. */
export async function orderMonth(db: Kysely<Database>, order: BillOrder): Promise<void> {
  const entry = { ordered_at: new Date(order.at), ordered_by: order.by }
  await db
    .insertInto('bill_orders')
    .values({ month: order.month, ...entry })
    .onConflict((conflict) => conflict.column('month').doUpdateSet(entry))
    .execute()
}

/** The order is carried out, unless there is a newer one. */
export async function settleOrder(
  db: Kysely<Database>,
  month: CivilDate,
  at: UnixMs,
): Promise<void> {
  await db
    .deleteFrom('bill_orders')
    .where('month', '=', month)
    .where('ordered_at', '<=', new Date(at))
    .execute()
}
