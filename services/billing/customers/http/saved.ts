// From what became of an entry to what the person sees: the next page, the form with what is wrong
// beside its fields, or the form with what somebody else changed (OPS-34).

import type { VNode } from 'preact'
import type { Outcome, Visit } from '../../kit/door.ts'
import { field } from '../../kit/door.ts'
import { type FormState, staleOf } from '../../kit/form.ts'
import { NOT_FOUND } from '../../kit/trouble.ts'
import type { Author, ChangedRow } from '../../store/changes.ts'
import type { RowFields, Written } from '../core/written.ts'
import type { CustomerWrites } from '../db/writes.ts'

type Texts = Readonly<Record<string, string>>

export interface Saving {
  /** Where to go when it is stored. */
  readonly to: (id: number) => string
  /** The form again; `version` of the row as it is now, or null for the one that was posted. */
  readonly show: (form: FormState, version: number | null) => VNode
  readonly values: Texts
  /** Of the fields, for what somebody else changed; and their names in a row. */
  readonly labels: Texts
  readonly columns: Texts
  readonly row: { readonly what: ChangedRow; readonly id: number } | null
}

export async function answerTo(
  writes: Pick<CustomerWrites, 'changes'>,
  written: Written,
  saving: Saving,
): Promise<Outcome> {
  const { to, show, values, labels, row } = saving
  if (written.is === 'done') return { to: to(written.id) }
  if (written.is === 'gone') return { trouble: NOT_FOUND }
  if (written.is === 'refused') {
    const errors = Object.fromEntries(
      written.refusals.map(({ field: name, code, text }) => [
        name,
        code === null ? text : `${text} (${code})`,
      ]),
    )
    return { status: 422, page: show({ values, errors }, null) }
  }
  const [change] = row === null ? [] : await writes.changes([row], 1)
  const stale = staleOf({
    who: change?.who ?? null,
    at: change?.at ?? null,
    labels,
    typed: values,
    stored: typedOf(written.now, saving.columns),
  })
  return { status: 409, page: show({ values, errors: {}, stale }, written.version) }
}

/** A row's fields as the form would have them typed. */
const typedOf = (row: RowFields, columns: Texts): Texts =>
  Object.fromEntries(
    Object.entries(columns).map(([name, column]) => [name, String(row[column] ?? '')]),
  )

/** Who posted it, and why: in their words, or what the form is for. */
export function authorOf({ viewer, request }: Visit, what: string): Author {
  const why = field(request, 'why').trim()
  return { who: viewer.name, why: why === '' ? what : why, importId: null }
}
