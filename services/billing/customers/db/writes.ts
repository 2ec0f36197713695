// What the pages of customers write and look up: one door, so that a test can stand in its place.

import type { Kysely } from 'kysely'
import type { UnixMs } from '../../../../shared/units.ts'
import { type ChangedRow, type ChangeRow, changesOf } from '../../store/changes.ts'
import { instant } from '../../store/instants.ts'
import type { Database } from '../../store/schema.ts'
import type { Refusal, Written } from '../core/written.ts'
import { type Found, findCustomer, findMeter, findServicePoint } from './finding.ts'
import { type Trx, trying, writing } from './writing.ts'

/** Who changed what, when and why. */
type Change = Omit<ChangeRow, 'at'> & { readonly at: UnixMs }

export interface CustomerWrites {
  write(work: (trx: Trx) => Promise<Written>): Promise<Written>
  /** What would stand in the way; nothing is stored. */
  attempt(work: (trx: Trx) => Promise<Written>): Promise<readonly Refusal[]>
  findCustomer(text: string): Promise<Found>
  findServicePoint(text: string): Promise<Found>
  findMeter(text: string): Promise<Found>
  changes(
    rows: readonly { readonly what: ChangedRow; readonly id: number }[],
    limit: number,
  ): Promise<readonly Change[]>
}

export const customerWrites = (db: Kysely<Database>): CustomerWrites => ({
  write: (work) => writing(db, work),
  attempt: (work) => trying(db, work),
  findCustomer: (text) => findCustomer(db, text),
  findServicePoint: (text) => findServicePoint(db, text),
  findMeter: (text) => findMeter(db, text),
  changes: async (rows, limit) =>
    (await changesOf(db, rows, limit)).map((row) => ({ ...row, at: instant(row.at) })),
})
