// Everything that the pages ask and write about readings by hand. A test can answer in its place.

import type { Kysely } from 'kysely'
import type { ListQuery } from '../../kit/list.ts'
import type { Author } from '../../store/changes.ts'
import type { Database } from '../../store/schema.ts'
import type { Around, Finding } from '../core/manual.ts'
import type { ManualMeterView, ManualRow, OwnRow } from '../core/manual-views.ts'
import {
  aroundOf,
  manualList,
  manualMeter,
  manualRow,
  metersOfCustomer,
  ownReadings,
} from './manual.ts'
import {
  decideManual,
  type Decided,
  type Decision,
  type Entered,
  enterManual,
  findingsAbout,
  type ManualEntry,
} from './manual-writes.ts'
import type { UnixMs } from '../../../../shared/units.ts'

export interface ManualStore {
  meter(
    which: { readonly id: number } | { readonly number: string },
  ): Promise<ManualMeterView | null>
  ofCustomer(customer: number): Promise<readonly ManualMeterView[]>
  own(enteredBy: string): Promise<readonly OwnRow[]>
  list(query: ListQuery): Promise<{ readonly rows: readonly ManualRow[]; readonly count: number }>
  /** One, with what is beside it and what is odd about it; null: there is none. */
  row(id: number): Promise<{
    readonly row: ManualRow
    readonly around: Around
    readonly findings: readonly Finding[]
  } | null>
  enter(author: Author, entry: ManualEntry): Promise<Entered>
  decide(
    author: Author,
    asked: { readonly id: number; readonly decision: Decision; readonly now: UnixMs },
  ): Promise<Decided>
}

export function manualStore(db: Kysely<Database>): ManualStore {
  return {
    meter: (which) => manualMeter(db, which),
    ofCustomer: (customer) => metersOfCustomer(db, customer),
    own: (enteredBy) => ownReadings(db, enteredBy),
    list: (query) => manualList(db, query),
    async row(id) {
      const row = await manualRow(db, id)
      if (row === null) return null
      const [around, findings] = await Promise.all([
        aroundOf(db, { ...row, but: id }),
        findingsAbout(db, row),
      ])
      return { row, around, findings }
    },
    enter: (author, entry) => enterManual(db, author, entry),
    decide: (author, asked) => decideManual(db, author, asked),
  }
}
