// Many meters that hang nowhere, each with a field for its service point.

import type { FastifyInstance, FastifyRequest } from 'fastify'
import { errorText, LOCAL } from '../../customers/core/fields.ts'
import type { Refusal } from '../../customers/core/written.ts'
import { type Door, field, type Outcome, query, smallRowId, type Visit } from '../../kit/door.ts'
import { type FieldErrors, fieldsOf, hasErrors } from '../../kit/form.ts'
import { pageOf, readList } from '../../kit/list.ts'
import { NOT_FOUND } from '../../kit/trouble.ts'
import type { MeterListRow } from '../core/meters.ts'
import type { Assignment } from '../db/assign.ts'
import { AssignManyPage, pointName } from '../pages/meter-forms.tsx'
import { authorOf } from './meter-form-routes.ts'
import { METER_LIST, type MeterDeps, saidOf } from './meter-routes.ts'

/** Meters on one page; a form has no more. */
const ROWS_MAX = 50
const UNASSIGNED = { q: '', state: 'unassigned', medium: '', device: null } as const

export function assignRoutes(app: FastifyInstance, deps: MeterDeps, page: Door): void {
  app.get(
    '/meters/assign',
    page(async ({ context, request }) => {
      const { rows, next } = await rowsFor(deps, request)
      const form = { values: {}, errors: {} }
      const said = saidOf(request)
      return { page: AssignManyPage({ context, rows, form, next, said, now: deps.now() }) }
    }),
  )
  app.post(
    '/meters/assign',
    page((visit) => assignMany(deps, visit)),
  )
}

/** The meters ticked in the list that hang nowhere, or a page of all those. */
async function rowsFor(
  { meters, now }: MeterDeps,
  request: FastifyRequest,
): Promise<{ readonly rows: readonly MeterListRow[]; readonly next: string | null }> {
  const ids = query(request, 'ids').split('.').slice(0, ROWS_MAX).map(smallRowId)
  const known = ids.filter((id) => id !== null)
  if (known.length > 0) {
    const rows = await meters.named(known, now())
    return { rows: rows.filter(({ place }) => place === null), next: null }
  }
  const list = readList({ after: query(request, 'after') }, METER_LIST)
  const fetched = await meters.page(UNASSIGNED, list, now())
  const { rows, next } = pageOf(fetched, list, ({ number, id }) => ({ key: number, id }))
  return { rows, next: next === null ? null : `/meters/assign?after=${next}` }
}

async function assignMany(deps: MeterDeps, visit: Visit): Promise<Outcome> {
  const { context, request } = visit
  const { meters, now } = deps
  const ids = fieldsOf(request, 'id').slice(0, ROWS_MAX).map(smallRowId)
  const shown = [...new Set(ids.filter((id) => id !== null))]
  const from = field(request, 'from').trim()
  const typed = shown.map((id) => ({ id, point: field(request, pointName(id)).trim() }))
  const again = async (errors: FieldErrors): Promise<Outcome> => {
    const rows = await meters.named(shown, now())
    const points = typed.map(({ id, point }) => [pointName(id), point] as const)
    const form = { values: { from, ...Object.fromEntries(points) }, errors }
    const props = { context, rows, form, next: null, said: '', now: now() }
    return { status: 422, page: AssignManyPage(props) }
  }
  const filled = typed.filter(({ point }) => point !== '')
  const parsed = from === '' ? null : LOCAL.parse(from)
  if (parsed !== null && !parsed.ok) return again({ from: errorText(parsed.error) })
  if (filled.length === 0) return { to: '/meters/assign?did=none' }
  const start = parsed?.value ?? null
  const assignments = await Promise.all(
    filled.map(({ id, point }) => assignmentOf(deps, { id, point, start })),
  )
  const known = assignments.filter((assignment) => assignment !== null)
  if (known.length < filled.length) return { trouble: NOT_FOUND }
  const written = await meters.assign(authorOf(visit, 'assigned on the pages'), known)
  if (written.is === 'refused') {
    const errors = refusalTexts(written.refusals)
    if (hasErrors(errors)) return again(errors)
  }
  return { to: `/meters/assign?did=assign&n=${known.length}` }
}

/** From the typed time on; without one from when the meter's own readings begin. */
async function assignmentOf(
  { meters, now }: MeterDeps,
  what: { readonly id: number; readonly point: string; readonly start: string | null },
): Promise<Assignment | null> {
  const { id: meterId, point, start } = what
  if (start !== null) return { meterId, point, from: start, opening: [] }
  const view = await meters.view(meterId, now())
  if (view === null) return null
  const zone = await meters.zoneOf(meterId)
  const found = await meters.suggestion(view, { zone, now: now() })
  return { meterId, point, from: found?.at ?? now(), opening: found?.registers ?? [] }
}

/** All that is wrong with a meter, beside its field. */
const refusalTexts = (refusals: readonly Refusal[]): FieldErrors =>
  Object.fromEntries(
    refusals.map(({ field: name, text }) => [pointName(Number(/\d+$/.exec(name)?.[0] ?? 0)), text]),
  )
