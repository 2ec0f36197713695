// The pages of imports: upload, map columns, dry run, import, undo, log.

import type { FastifyInstance } from 'fastify'
import type { UnixMs } from '../../../../shared/units.ts'
import { ConfirmPage } from '../../kit/confirm-page.tsx'
import type { CsvList } from '../../kit/csv.ts'
import {
  type Door,
  field,
  type Outcome,
  param,
  query,
  smallRowId,
  UPLOAD,
  type Upload,
  type Visit,
} from '../../kit/door.ts'
import { EMPTY_FORM, type FormState } from '../../kit/form.ts'
import { NOT_FOUND, troubleOf } from '../../kit/trouble.ts'
import { isKind, type Kind } from '../core/imports/kinds.ts'
import { sampleOf } from '../core/imports/sample.ts'
import { type ImportView, isAtWork } from '../core/imports/views.ts'
import { ImportPage } from '../pages/imports/import.tsx'
import { ImportsPage } from '../pages/imports/log.tsx'
import type { Found } from '../pages/imports/outcome.tsx'
import type { ImportDesk } from '../shell/imports/desk.ts'
import { choicesOf, formOf, type Typed } from './import-form.ts'

/** What the pages ask of the rest. */
export interface ImportOffice {
  list(before: number | null): Promise<{
    readonly imports: readonly ImportView[]
    readonly next: number | null
  }>
  find(id: number): Promise<ImportView | null>
  found(view: ImportView): Promise<Found>
  /** The first lines, read with the stored plan; null: they cannot be read. */
  sample(view: ImportView): Promise<readonly (readonly string[])[] | null>
  receive(file: {
    readonly kind: Kind
    readonly by: string
    readonly upload: Upload
  }): Promise<
    { readonly ok: true; readonly id: number } | { readonly ok: false; readonly detail: string }
  >
  /** Stores how the file is read, or says why it cannot be read so. */
  read(view: ImportView, typed: Typed): Promise<string | null>
  refused(view: ImportView): CsvList
  drop(id: number): Promise<void>
  readonly desk: ImportDesk
}

export interface ImportDeps {
  readonly imports: ImportOffice
  readonly now: () => UnixMs
}

export function importRoutes(app: FastifyInstance, deps: ImportDeps, page: Door): void {
  const { imports: office, now } = deps
  const logPage = async ({ context, request }: Visit, form: FormState): Promise<Outcome> => {
    const log = await office.list(smallRowId(query(request, 'before')))
    const wrong = Object.keys(form.errors).length > 0
    const shown = ImportsPage({ context, ...log, form, now: now() })
    return { status: wrong ? 422 : 200, page: shown }
  }
  app.get(
    '/imports',
    page((visit) => logPage(visit, EMPTY_FORM)),
  )
  app.get(
    '/imports/samples/:file',
    page(async ({ request }) => {
      const kind = param(request, 'file').replace(/\.csv$/, '')
      if (!isKind(kind)) return { trouble: NOT_FOUND }
      return { csv: sampleOf(kind), name: `${kind}.csv` }
    }),
  )
  app.post(
    '/imports',
    UPLOAD,
    page(async (visit) => {
      const { request, upload, viewer } = visit
      const kind = field(request, 'kind')
      const wrong = (errors: Readonly<Record<string, string>>) =>
        logPage(visit, { values: { kind }, errors })
      if (!isKind(kind)) return wrong({ kind: 'Choose what is in the file.' })
      if (upload === null || upload.filename === '') return wrong({ file: 'Choose a file.' })
      const received = await office.receive({ kind, by: viewer.name, upload })
      if (!received.ok) return wrong({ file: `OPS-39: ${received.detail}.` })
      return { to: `/imports/${received.id}` }
    }),
  )
  oneImport(app, deps, page)
}

/** The routes of one import. */
function oneImport(app: FastifyInstance, { imports: office, now }: ImportDeps, page: Door): void {
  const shown = async ({ context }: Visit, view: ImportView, form: FormState | null) => {
    const sample = canBeRead(view) ? await office.sample(view) : null
    const mapping = canBeRead(view) ? { sample: sample ?? [], form: form ?? formOf(view) } : null
    const found = isAtWork(view.state) ? NOTHING : await office.found(view)
    return ImportPage({ context, view, mapping, found, now: now() })
  }
  const withImport = (work: (visit: Visit, view: ImportView) => Promise<Outcome>) =>
    page(async (visit) => {
      const id = smallRowId(param(visit.request, 'id'))
      const view = id === null ? null : await office.find(id)
      return view === null ? { trouble: NOT_FOUND } : work(visit, view)
    })
  const back = ({ id }: ImportView, begun: boolean): Outcome =>
    begun ? { to: `/imports/${id}` } : { trouble: MOVED_ON }
  app.get(
    '/imports/:id',
    withImport(async (visit, view) => ({ page: await shown(visit, view, null) })),
  )
  app.post(
    '/imports/:id/check',
    withImport(async (visit, view) => {
      if (!canBeRead(view)) return { trouble: MOVED_ON }
      const typed = choicesOf(visit.request, view)
      const problem = typed.ok ? await office.read(view, typed.typed) : null
      const errors = problem === null ? (typed.ok ? {} : typed.errors) : { encoding: problem }
      if (Object.keys(errors).length > 0) {
        const form = { values: typed.values, errors }
        return { status: 422, page: await shown(visit, view, form) }
      }
      return back(view, await office.desk.check(view.id))
    }),
  )
  app.post(
    '/imports/:id/apply',
    withImport(async ({ viewer }, view) =>
      back(view, await office.desk.apply(view.id, viewer.name)),
    ),
  )
  app.get(
    '/imports/:id/undo',
    withImport(async ({ context }, view) => {
      if (view.state !== 'applied') return { trouble: MOVED_ON }
      return { page: undoPage(context, view) }
    }),
  )
  app.post(
    '/imports/:id/undo',
    withImport(async ({ viewer }, view) =>
      back(view, await office.desk.undo(view.id, viewer.name)),
    ),
  )
  app.post(
    '/imports/:id/drop',
    withImport(async (_visit, view) => {
      await office.drop(view.id)
      return { to: '/imports' }
    }),
  )
  app.get(
    '/imports/:id/refused.csv',
    withImport(async (_visit, view) => ({
      csv: office.refused(view),
      name: `refused-${view.id}.csv`,
    })),
  )
}

const undoPage = (context: Visit['context'], view: ImportView) =>
  ConfirmPage({
    context,
    title: `Undo import ${view.id}?`,
    text:
      'What it added is taken away, and what it changed gets its old values, as long as nothing ' +
      'rests on it yet. The record of changes keeps both.',
    action: `/imports/${view.id}/undo`,
    yes: 'Undo the import',
    back: `/imports/${view.id}`,
  })

const NOTHING: Found = { previews: [], refusals: [] }

const MOVED_ON = troubleOf(
  409,
  'This import has moved on',
  'Somebody else was faster, or it is at work: open it again to see how it stands.',
)

/** Whether its columns can still be mapped. */
const canBeRead = ({ state, hasFile, appliedAt }: ImportView): boolean =>
  hasFile && appliedAt === null && ['uploaded', 'checked', 'refused', 'interrupted'].includes(state)
