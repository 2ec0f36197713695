// What an operator says about a meter: its make, what it measures, how its registers count. Two
// people who edit one meter: the second is told (OPS-34). Bills that are issued stay as they are;
// what is changed here counts for those made from then on.

import type { Kysely } from 'kysely'
import { type Author, recordChange } from '../../store/changes.ts'
import type { Database } from '../../store/schema.ts'
import type { Medium } from './tables.ts'

export interface MeterFields {
  readonly make: string
  readonly medium: Medium
  readonly digits: number | null
  readonly multiplier: number
  /** OBIS codes whose sum is billed; null: the total, or else the tariff registers. */
  readonly billedBy: readonly string[] | null
}

/** The fields as the record of changes and a form's comparison hold them. */
export type MeterRecord = Readonly<Record<string, string | number | null>>

type MeterWritten =
  | { readonly is: 'done' }
  | { readonly is: 'overtaken'; readonly version: number; readonly now: MeterRecord }
  | { readonly is: 'gone' }

interface MeterRow extends MeterFields {
  readonly id: number
  readonly number: string
  readonly version: number
}

const recordOf = ({
  number,
  make,
  medium,
  digits,
  multiplier,
  billedBy,
}: MeterRow): MeterRecord => ({
  number,
  make,
  medium,
  digits,
  multiplier,
  billed_by: billedBy === null ? null : billedBy.join(' + '),
})

const lockRows = (trx: Kysely<Database>, ids: readonly number[]) =>
  trx
    .selectFrom('meters')
    .select(['id', 'number', 'make', 'medium', 'digits', 'multiplier', 'billed_by as billedBy'])
    .select('version')
    .where('id', 'in', [0, ...ids])
    .orderBy('id')
    .forUpdate()
    .execute()

/** Call in a transaction. `shown`: the version that the form was made from. */
export async function editMeter(
  trx: Kysely<Database>,
  author: Author,
  change: { readonly id: number; readonly shown: number | null; readonly fields: MeterFields },
): Promise<MeterWritten> {
  const [row] = await lockRows(trx, [change.id])
  if (row === undefined) return { is: 'gone' }
  if (row.version !== change.shown) {
    return { is: 'overtaken', version: row.version, now: recordOf(row) }
  }
  await store(trx, author, row, { ...row, ...change.fields })
  return { is: 'done' }
}

/** What is set for many at once; what is missing stays. */
export type MeterSettings = Partial<Pick<MeterFields, 'make' | 'digits' | 'multiplier'>>

/** Sets fields of many meters, in one transaction of the caller; returns how many changed. */
export async function setOnMeters(
  trx: Kysely<Database>,
  author: Author,
  { ids, settings }: { readonly ids: readonly number[]; readonly settings: MeterSettings },
): Promise<number> {
  let changed = 0
  for (const row of await lockRows(trx, ids)) {
    if (await store(trx, author, row, { ...row, ...settings })) changed += 1
  }
  return changed
}

/** False when nothing is different. */
async function store(
  trx: Kysely<Database>,
  author: Author,
  row: MeterRow,
  next: MeterRow,
): Promise<boolean> {
  const [before, after] = [recordOf(row), recordOf(next)]
  if (Object.keys(before).every((name) => before[name] === after[name])) return false
  const { make, medium, digits, multiplier, billedBy } = next
  await trx
    .updateTable('meters')
    .set({ make, medium, digits, multiplier, billed_by: billedBy, version: row.version + 1 })
    .where('id', '=', row.id)
    .execute()
  await recordChange(trx, author, { what: 'meter', id: row.id, before, after })
  return true
}
