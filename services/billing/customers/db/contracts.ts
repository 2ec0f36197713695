// Contracts: who is supplied where, from a local date to another. To begin one is a move-in, to
// end one a move-out; both are entered by hand, by import and for a selection.

import { sql } from 'kysely'
import { type CivilDate, addDays, dateText } from '../../civil/calendar.ts'
import { type Author, recordChange } from '../../store/changes.ts'
import { done, GONE, refused, type Written } from '../core/written.ts'
import { contractBilledUntil } from './billed.ts'
import {
  type ContractRow,
  contractFields,
  contractRows,
  lockContract,
  lockPoint,
  overtakenBy,
} from './contract-rows.ts'
import { deleteTerms, putTerm } from './terms.ts'
import type { Trx } from './writing.ts'

export interface ContractEntry {
  /** Null: the next one of ours. */
  readonly number: string | null
  readonly customerId: number
  readonly servicePointId: number
  /** Null: none agreed yet. */
  readonly tariffId: number | null
  readonly missing: 'wait' | 'estimate'
  readonly from: CivilDate
  /** Not before `from`. */
  readonly billedFrom: CivilDate
}

/** Begins a contract: the customer moves in. */
export async function openContract(
  trx: Trx,
  author: Author,
  entry: ContractEntry,
): Promise<Written> {
  if (!(await lockPoint(trx, entry.servicePointId))) {
    return refused('servicePoint', null, 'There is no such service point.')
  }
  if (entry.billedFrom < entry.from) {
    return refused('billedFrom', null, 'It is billed from its first day on, or from a later one.')
  }
  const stands = await overlapping(trx, { ...entry, to: null, but: 0 })
  if (stands !== null) return stands
  const taken = entry.number === null ? null : await numberTaken(trx, entry.number, 0)
  if (taken !== null) return taken
  const { id } = await trx
    .insertInto('contracts')
    .values({
      ...(entry.number === null ? {} : { number: entry.number }),
      customer_id: entry.customerId,
      service_point_id: entry.servicePointId,
      from_date: entry.from,
      billed_from: entry.billedFrom,
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  const row = await contractRows(trx).where('contracts.id', '=', id).executeTakeFirstOrThrow()
  await recordChange(trx, author, {
    what: 'contract',
    id,
    before: null,
    after: contractFields(row),
  })
  const { tariffId, missing, from } = entry
  await putTerm(trx, author, { contract: row, from, tariffId, missing })
  return done(id)
}

async function numberTaken(trx: Trx, number: string, but: number): Promise<Written | null> {
  const other = await trx
    .selectFrom('contracts')
    .select('id')
    .where('number', '=', number)
    .where('id', '<>', but)
    .executeTakeFirst()
  if (other === undefined) return null
  const text = `Another contract has the number ${number}: give another, or none for the next.`
  return refused('number', 'OPS-41', text, `/accounts/${other.id}`)
}

/** BIL-30, naming the contract that has the service point at that time; null: nobody has. */
async function overlapping(
  trx: Trx,
  period: {
    readonly servicePointId: number
    readonly from: CivilDate
    readonly to: CivilDate | null
    readonly but: number
  },
): Promise<Written | null> {
  const { servicePointId, from, to, but } = period
  const other = await trx
    .selectFrom('contracts')
    .innerJoin('customers', 'customers.id', 'customer_id')
    .select(['contracts.id', 'contracts.number', 'name', 'from_date', 'to_date'])
    .where('service_point_id', '=', servicePointId)
    .where('contracts.id', '<>', but)
    .where(sql<boolean>`daterange(from_date, to_date) && daterange(${from}::date, ${to}::date)`)
    .orderBy('from_date')
    .limit(1)
    .executeTakeFirst()
  if (other === undefined) return null
  const { number, name, from_date: since, to_date: until } = other
  const text =
    until === null
      ? `Contract ${number} of ${name} has this service point since ${dateText(since)}: end it ` +
        'first, or choose another service point.'
      : `Contract ${number} of ${name} has this service point from ${dateText(since)} to ` +
        `${dateText(addDays(until, -1))}: begin on ${dateText(until)} or later.`
  return refused('from', 'BIL-30', text, `/accounts/${other.id}`)
}

/** Corrects what was typed: the number, and until something was billed the first billed day. */
export async function editContract(
  trx: Trx,
  author: Author,
  change: {
    readonly id: number
    readonly version: number
    readonly number: string | null
    readonly billedFrom: CivilDate
  },
): Promise<Written> {
  const row = await lockContract(trx, change.id)
  if (row === null) return GONE
  const overtaken = overtakenBy(row, change.version)
  if (overtaken !== null) return overtaken
  const number = change.number ?? row.number
  const taken = await numberTaken(trx, number, row.id)
  if (taken !== null) return taken
  const { billedFrom } = change
  if (billedFrom !== row.billedFrom) {
    const until = await contractBilledUntil(trx, row.id)
    if (until !== null) {
      const text = `It is billed up to ${dateText(addDays(until, -1))}, so its first billed day stays.`
      return refused('billedFrom', 'OPS-41', text)
    }
    const within = billedFrom >= row.from && (row.to === null || billedFrom < row.to)
    if (!within) return refused('billedFrom', null, 'That day is not a day of the contract.')
  }
  return update(trx, author, row, { ...row, number, billedFrom })
}

/** Ends a contract: `to` is the first day that is not supplied any more. */
export async function endContract(
  trx: Trx,
  author: Author,
  change: { readonly id: number; readonly version: number | null; readonly to: CivilDate },
): Promise<Written> {
  const row = await lockContract(trx, change.id)
  if (row === null) return GONE
  const overtaken = overtakenBy(row, change.version)
  if (overtaken !== null) return overtaken
  const { to } = change
  if (to <= row.from) {
    const text = `The contract begins on ${dateText(row.from)}: its last day is not before that.`
    return refused('lastDay', null, text)
  }
  const until = await contractBilledUntil(trx, row.id)
  if (until !== null && to < until) {
    const last = dateText(addDays(until, -1))
    const text = `It is billed up to ${last}, and an issued bill stays: end it on that day or later.`
    return refused('lastDay', 'OPS-41', text)
  }
  const after = { ...row, to, billedFrom: row.billedFrom < to ? row.billedFrom : addDays(to, -1) }
  const stands = await overlapping(trx, { ...after, but: row.id })
  if (stands !== null) return stands
  return update(trx, author, row, after)
}

/** Takes an end back, as if it had not been said. BIL-30 when somebody has moved in meanwhile. */
export async function undoEnd(
  trx: Trx,
  author: Author,
  change: { readonly id: number; readonly version: number | null },
): Promise<Written> {
  const row = await lockContract(trx, change.id)
  if (row === null) return GONE
  const overtaken = overtakenBy(row, change.version)
  if (overtaken !== null) return overtaken
  const stands = await overlapping(trx, { ...row, to: null, but: row.id })
  if (stands !== null) return stands
  return update(trx, author, row, { ...row, to: null })
}

/** Takes back a contract that was entered by mistake; OPS-41 once it was billed. */
export async function deleteContract(trx: Trx, author: Author, id: number): Promise<Written> {
  const row = await lockContract(trx, id)
  if (row === null) return GONE
  const until = await contractBilledUntil(trx, id)
  if (until !== null) {
    const text = `It is billed up to ${dateText(addDays(until, -1))}: end it instead of deleting it.`
    return refused('', 'OPS-41', text, `/accounts/${id}`)
  }
  await deleteTerms(trx, author, row)
  await trx.deleteFrom('contracts').where('id', '=', id).execute()
  await recordChange(trx, author, {
    what: 'contract',
    id,
    before: contractFields(row),
    after: null,
  })
  return done(id)
}

async function update(
  trx: Trx,
  author: Author,
  row: ContractRow,
  after: ContractRow,
): Promise<Written> {
  const { id, version } = row
  await trx
    .updateTable('contracts')
    .set({
      number: after.number,
      to_date: after.to,
      billed_from: after.billedFrom,
      version: version + 1,
    })
    .where('id', '=', id)
    .execute()
  const [before, now] = [contractFields(row), contractFields(after)]
  await recordChange(trx, author, { what: 'contract', id, before, after: now })
  return done(id)
}
