// The terms of a contract: its tariff, and what is done when a reading is missing. They hold from
// a date until the next terms'; what was billed by them is never changed.

import { type CivilDate, addDays, dateText } from '../../civil/calendar.ts'
import { type Author, recordChange } from '../../store/changes.ts'
import { done, GONE, refused, type RowFields, type Written } from '../core/written.ts'
import { contractBilledUntil } from './billed.ts'
import { type ContractRow, lockContract, overtakenBy } from './contract-rows.ts'
import type { Trx } from './writing.ts'

export interface TermChange {
  readonly contractId: number
  readonly version: number | null
  readonly from: CivilDate
  /** Left out: as it was the day before. Null: none agreed. */
  readonly tariffId?: number | null
  readonly missing?: 'wait' | 'estimate'
}

interface TermRow {
  readonly id: number
  readonly from: CivilDate
  readonly tariffId: number | null
  readonly missing: 'wait' | 'estimate'
}

/** Sets terms from a date on. A term of the same date is replaced; later ones stay. */
export async function setTerms(trx: Trx, author: Author, change: TermChange): Promise<Written> {
  const contract = await lockContract(trx, change.contractId)
  if (contract === null) return GONE
  const overtaken = overtakenBy(contract, change.version)
  if (overtaken !== null) return overtaken
  const { from } = change
  if (from < contract.from || (contract.to !== null && from >= contract.to)) {
    return refused('from', null, `Contract ${contract.number} does not hold on ${dateText(from)}.`)
  }
  const until = await contractBilledUntil(trx, contract.id)
  if (until !== null && from < until) {
    const text =
      `It is billed up to ${dateText(addDays(until, -1))}, and an issued bill stays: ` +
      `change its terms from ${dateText(until)} on.`
    return refused('from', 'OPS-41', text)
  }
  const held = await termAt(trx, contract.id, from)
  const tariffId = change.tariffId === undefined ? (held?.tariffId ?? null) : change.tariffId
  const missing = change.missing ?? held?.missing ?? 'wait'
  await putTerm(trx, author, { contract, from, tariffId, missing })
  await grow(trx, contract)
  return done(contract.id)
}

/** The terms that hold on a day. */
async function termAt(trx: Trx, contractId: number, day: CivilDate): Promise<TermRow | null> {
  const row = await trx
    .selectFrom('contract_terms')
    .select(['id', 'from_date as from', 'tariff_id as tariffId', 'missing'])
    .where('contract_id', '=', contractId)
    .where('from_date', '<=', day)
    .orderBy('from_date', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row ?? null
}

/** Writes the terms of one day, and their record under the contract. */
export async function putTerm(
  trx: Trx,
  author: Author,
  term: {
    readonly contract: ContractRow
    readonly from: CivilDate
    readonly tariffId: number | null
    readonly missing: 'wait' | 'estimate'
  },
): Promise<void> {
  const { contract, from, tariffId, missing } = term
  const known = await termAt(trx, contract.id, from)
  const before = known?.from === from ? known : null
  const same = before !== null && before.tariffId === tariffId && before.missing === missing
  if (same) return
  const { id } = await trx
    .insertInto('contract_terms')
    .values({ contract_id: contract.id, from_date: from, tariff_id: tariffId, missing })
    .onConflict((conflict) =>
      conflict.columns(['contract_id', 'from_date']).doUpdateSet({ tariff_id: tariffId, missing }),
    )
    .returning('id')
    .executeTakeFirstOrThrow()
  await recordChange(trx, author, {
    what: 'term',
    id,
    before: before === null ? null : await fieldsOf(trx, contract, before),
    after: await fieldsOf(trx, contract, { id, from, tariffId, missing }),
  })
}

/** Takes back terms by which nothing was billed; the contract's first stay. */
export async function deleteTerm(
  trx: Trx,
  author: Author,
  change: { readonly contractId: number; readonly termId: number },
): Promise<Written> {
  const contract = await lockContract(trx, change.contractId)
  if (contract === null) return GONE
  const term = await trx
    .selectFrom('contract_terms')
    .select(['id', 'from_date as from', 'tariff_id as tariffId', 'missing'])
    .where('id', '=', change.termId)
    .where('contract_id', '=', contract.id)
    .executeTakeFirst()
  if (term === undefined) return GONE
  if (term.from === contract.from) {
    return refused('', 'OPS-41', 'A contract has terms from its first day on: change them instead.')
  }
  const until = await contractBilledUntil(trx, contract.id)
  if (until !== null && term.from < until) {
    return refused('', 'OPS-41', 'Bills were made by these terms: they stay as they are.')
  }
  await trx.deleteFrom('contract_terms').where('id', '=', term.id).execute()
  const before = await fieldsOf(trx, contract, term)
  await recordChange(trx, author, { what: 'term', id: term.id, before, after: null })
  await grow(trx, contract)
  return done(contract.id)
}

/** Takes back all terms of a contract that goes away itself. */
export async function deleteTerms(trx: Trx, author: Author, contract: ContractRow): Promise<void> {
  const terms = await trx
    .deleteFrom('contract_terms')
    .where('contract_id', '=', contract.id)
    .returning(['id', 'from_date as from', 'tariff_id as tariffId', 'missing'])
    .execute()
  for (const term of terms) {
    const before = await fieldsOf(trx, contract, term)
    await recordChange(trx, author, { what: 'term', id: term.id, before, after: null })
  }
}

async function fieldsOf(trx: Trx, contract: ContractRow, term: TermRow): Promise<RowFields> {
  const { from, tariffId, missing } = term
  const tariff =
    tariffId === null
      ? undefined
      : await trx.selectFrom('tariffs').select('code').where('id', '=', tariffId).executeTakeFirst()
  return { contract: contract.number, from_date: from, tariff: tariff?.code ?? null, missing }
}

/** Terms belong to the contract that people look at: they are a change of it. */
async function grow(trx: Trx, { id, version }: ContractRow): Promise<void> {
  await trx
    .updateTable('contracts')
    .set({ version: version + 1 })
    .where('id', '=', id)
    .execute()
}
