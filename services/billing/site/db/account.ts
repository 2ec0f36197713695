// Everything about one account, from the domains that own it.

import { type Kysely, sql } from 'kysely'
import type { BillReads } from '../../bills/db/reads.ts'
import type { ContractDetail } from '../../customers/core/details.ts'
import { customerDetails } from '../../customers/db/details.ts'
import type { NoticeReads } from '../../notices/db/reads.ts'
import { type ChangedRow, changesOf } from '../../store/changes.ts'
import { instant } from '../../store/instants.ts'
import type { Database } from '../../store/schema.ts'
import type { AccountView, EnteredReading, NewestReading, OpenPeriod } from '../core/account.ts'

/** Bills, manual readings and changes on the page: a year of them, and a few more. */
const SHOWN = 15
/** Changes: each form makes several. */
const CHANGES_SHOWN = 40
/** Bills whose notices are shown. */
const NOTICED = 3
/** Registers of all meters of a place. */
const REGISTERS_MAX = 60

export interface AccountReads {
  account(id: number): Promise<AccountView | null>
}

type Deps = Pick<BillReads, 'ofContract'> & Pick<NoticeReads, 'aboutBill'>

export const accountReads = (db: Kysely<Database>, deps: Deps): AccountReads => ({
  async account(id) {
    const account = await customerDetails(db).contract(id)
    if (account === null) return null
    const meters = account.point.installations.map(({ meterId }) => meterId)
    const [open, newest, entered, bills, changes] = await Promise.all([
      openPeriods(db, id),
      newestReadings(db, account),
      enteredReadings(db, meters),
      deps.ofContract(id, SHOWN),
      changesOf(db, rowsOf(account), CHANGES_SHOWN),
    ])
    const told = await Promise.all(bills.slice(0, NOTICED).map((bill) => deps.aboutBill(bill.id)))
    const history = changes.map((row) => ({ ...row, at: instant(row.at) }))
    const notices = told.flat()
    return { account, open, newest, entered, bills, notices, changes: history }
  },
})

function rowsOf(
  account: ContractDetail,
): readonly { readonly what: ChangedRow; readonly id: number }[] {
  const { id, customer, point, terms } = account
  return [
    { what: 'contract', id },
    { what: 'customer', id: customer.id },
    { what: 'service point', id: point.id },
    ...terms.map((term) => ({ what: 'term', id: term.id }) as const),
    ...point.installations.map((line) => ({ what: 'installation', id: line.id }) as const),
  ]
}

async function openPeriods(db: Kysely<Database>, id: number): Promise<readonly OpenPeriod[]> {
  const rows = await db
    .selectFrom('bill_periods')
    .select(['period_from as from', 'period_to as to', 'state', 'code', 'detail', 'since'])
    .where('contract_id', '=', id)
    .where('state', '<>', 'billed')
    .orderBy('period_from')
    .limit(SHOWN)
    .execute()
  return rows.map((row) => ({ ...row, since: instant(row.since) }))
}

async function newestReadings(
  db: Kysely<Database>,
  { point }: ContractDetail,
): Promise<readonly NewestReading[]> {
  const ids = point.installations.filter(({ to }) => to === null).map(({ meterId }) => meterId)
  const { rows } = await sql<Omit<NewestReading, 'at'> & { readonly ts: Date }>`
    select v.meter_id as "meterId", r.obis, v.value, r.exponent, r.unit, v.ts
    from standing_values v join registers r on r.id = v.register_id
    where v.meter_id = any(${ids}::integer[]) order by v.meter_id, r.obis
    limit ${REGISTERS_MAX}`.execute(db)
  return rows.map(({ ts, ...row }) => ({ ...row, at: instant(ts) }))
}

async function enteredReadings(
  db: Kysely<Database>,
  meters: readonly number[],
): Promise<readonly EnteredReading[]> {
  const rows = await db
    .selectFrom('manual_readings')
    .innerJoin('meters', 'meters.id', 'meter_id')
    .select(['manual_readings.id as id', 'meter_id as meterId', 'meters.number as meter', 'obis'])
    .select(['value', 'exponent', 'unit', 'kind', 'state', 'entered_by as enteredBy', 'note', 'ts'])
    .where('meter_id', 'in', [0, ...meters])
    .orderBy('ts', 'desc')
    .limit(SHOWN)
    .execute()
  return rows.map(({ ts, ...row }) => ({ ...row, at: instant(ts) }))
}
