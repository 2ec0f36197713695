// What the pages of meters may ask and change.

import { type Kysely, sql } from 'kysely'
import type { UnixMs } from '../../../../shared/units.ts'
import type { Written } from '../../customers/core/written.ts'
import { writing } from '../../customers/db/writing.ts'
import type { ListQuery } from '../../kit/list.ts'
import type { HistoryFrame, HistoryView } from '../../readings/core/history.ts'
import {
  editMeter,
  type MeterFields,
  type MeterSettings,
  setOnMeters,
} from '../../readings/db/meter-edits.ts'
import { adoptMeters } from '../../readings/db/meters.ts'
import type { Author } from '../../store/changes.ts'
import { countUpTo } from '../../store/count-up-to.ts'
import type { Database } from '../../store/schema.ts'
import type { Suggestion } from '../core/assigning.ts'
import type { MeterListRow, MeterRegister, MeterView } from '../core/meters.ts'
import { type Assignment, assignMeters, suggestionFor } from './assign.ts'
import { meterId, meterView, registerHistory, zoneOfMeter } from './meter.ts'
import { chosenMeters, type MeterChoice, meterPage, metersNamed } from './meters.ts'

type ListPlace = Pick<ListQuery, 'sort' | 'down' | 'after' | 'before' | 'limit'>

export interface MeterStore {
  page(choice: MeterChoice, list: ListPlace, now: UnixMs): Promise<readonly MeterListRow[]>
  /** How many there are, up to `most`. */
  count(choice: MeterChoice, most: number, now: UnixMs): Promise<number>
  /** Those of these ids, by number. */
  named(ids: readonly number[], now: UnixMs): Promise<readonly MeterListRow[]>
  view(id: number, now: UnixMs): Promise<MeterView | null>
  idOf(number: string): Promise<number | null>
  /** The zone of a meter's days. */
  zoneOf(id: number): Promise<string>
  history(
    view: MeterView,
    what: { readonly frame: HistoryFrame; readonly register: MeterRegister; readonly now: UnixMs },
  ): Promise<HistoryView>
  suggestion(
    view: MeterView,
    at: { readonly zone: string; readonly now: UnixMs },
  ): Promise<Suggestion | null>
  edit(
    author: Author,
    change: { readonly id: number; readonly shown: number | null; readonly fields: MeterFields },
  ): Promise<Written>
  /** How many were adopted, and the numbers of those that no device has reported yet. */
  adopt(
    author: Author,
    ids: readonly number[],
  ): Promise<{ readonly adopted: number; readonly deviceless: readonly string[] }>
  /** How many changed. */
  set(
    author: Author,
    change: { readonly ids: readonly number[]; readonly settings: MeterSettings },
  ): Promise<number>
  assign(author: Author, assignments: readonly Assignment[]): Promise<Written>
}

export const meterStore = (db: Kysely<Database>): MeterStore => ({
  page: (choice, list, now) => meterPage(db, choice, list, now),
  count: (choice, most, now) =>
    countUpTo(db, sql`from meters m where ${chosenMeters(choice, now)}`, most),
  named: (ids, now) => metersNamed(db, ids, now),
  view: (id, now) => meterView(db, id, now),
  idOf: (number) => meterId(db, number),
  zoneOf: (id) => zoneOfMeter(db, id),
  history: (view, what) => registerHistory(db, view, what),
  suggestion: (view, at) => suggestionFor(db, view, at),
  edit: (author, change) =>
    writing(db, async (trx) => {
      const written = await editMeter(trx, author, change)
      return written.is === 'done' ? { is: 'done', id: change.id } : written
    }),
  adopt: (author, ids) => db.transaction().execute((trx) => adoptMeters(trx, author, ids)),
  set: (author, change) => db.transaction().execute((trx) => setOnMeters(trx, author, change)),
  assign: (author, assignments) => assignMeters(db, author, assignments),
})
