// The operators' pages of service points.

import type { FastifyInstance } from 'fastify'
import { ConfirmPage } from '../../kit/confirm-page.tsx'
import { type Door, field, param, smallRowId, type Visit } from '../../kit/door.ts'
import { EMPTY_FORM, type FormState, readForm, versionOf } from '../../kit/form.ts'
import { NOT_FOUND } from '../../kit/trouble.ts'
import { errorTexts, servicePointEntry } from '../core/entries.ts'
import { SERVICE_POINTS } from '../core/lists.ts'
import { createServicePoint, deleteServicePoint, editServicePoint } from '../db/service-points.ts'
import { SERVICE_POINT_LABELS } from '../pages/forms.tsx'
import {
  ServicePointFormPage,
  ServicePointPage,
  ServicePointsPage,
} from '../pages/service-points.tsx'
import type { CustomerDeps } from './deps.ts'
import { listAnswers } from './list-routes.ts'
import { answerTo, authorOf } from './saved.ts'

const NAMES = ['code', 'address', 'zone'] as const
const COLUMNS = Object.fromEntries(NAMES.map((name) => [name, name]))
/** Changes shown on a page; older ones stay in the record. */
const CHANGES_SHOWN = 30

/** What was typed as an entry; a blank code is the next one. */
function checkedPoint(values: Record<(typeof NAMES)[number], string>) {
  const blank = values.code === ''
  const checked = servicePointEntry(blank ? { ...values, code: '-' } : values)
  if (!checked.ok) return checked
  return { ok: true as const, entry: { ...checked.entry, code: blank ? null : values.code } }
}

export function servicePointRoutes(app: FastifyInstance, deps: CustomerDeps, page: Door): void {
  const { customerLists: lists, customerDetails: details, customerWrites: writes } = deps
  listAnswers(app, page, {
    spec: SERVICE_POINTS,
    rows: (query) => lists.servicePoints(query),
    count: (query, most) => lists.count('servicePoints', query, most),
    key: (row, sort) => (sort === 'address' ? row.address : row.code),
    page: ServicePointsPage,
    csv: {
      head: ['code', 'address', 'zone', 'meters', 'contract'],
      row: ({ code, address, zone, meters, contract }) => [
        code,
        address,
        zone,
        meters.join(' '),
        contract?.number ?? null,
      ],
    },
  })
  const formPage = (visit: Visit, form: FormState) =>
    ServicePointFormPage({ context: visit.context, form, edited: null })
  app.get(
    '/service-points/new',
    page(async (visit) => {
      const zone = (await details.usualZone()) ?? ''
      return { page: formPage(visit, { values: { zone }, errors: {} }) }
    }),
  )
  app.post(
    '/service-points/new',
    page(async (visit) => {
      const values = readForm(visit.request, NAMES)
      const checked = checkedPoint(values)
      const show = (form: FormState) => formPage(visit, form)
      if (!checked.ok) {
        return { status: 422, page: show({ values, errors: errorTexts(checked.errors) }) }
      }
      const author = authorOf(visit, 'entered on its page')
      const written = await writes.write((trx) => createServicePoint(trx, author, checked.entry))
      const to = (id: number) => `/service-points/${id}`
      const saving = { to, show, values, labels: SERVICE_POINT_LABELS, columns: COLUMNS, row: null }
      return answerTo(writes, written, saving)
    }),
  )
  app.get(
    '/service-points/:id',
    page(async ({ context, request }) => {
      const id = smallRowId(param(request, 'id'))
      const point = id === null ? null : await details.servicePoint(id)
      if (point === null) return { trouble: NOT_FOUND }
      const rows = [
        { what: 'service point', id: point.id } as const,
        ...point.installations.map((each) => ({ what: 'installation', id: each.id }) as const),
      ]
      const changes = await writes.changes(rows, CHANGES_SHOWN)
      return { page: ServicePointPage({ context, point, changes, now: deps.now() }) }
    }),
  )
  editRoutes(app, deps, page)
}

function editRoutes(app: FastifyInstance, deps: CustomerDeps, page: Door): void {
  const { customerDetails: details, customerWrites: writes } = deps
  app.get(
    '/service-points/:id/edit',
    page(async ({ context, request }) => {
      const id = smallRowId(param(request, 'id'))
      const point = id === null ? null : await details.servicePoint(id)
      if (point === null) return { trouble: NOT_FOUND }
      const { code, address, zone } = point
      const form = { values: { code, address, zone }, errors: {} }
      return { page: ServicePointFormPage({ context, form, edited: point }) }
    }),
  )
  app.post(
    '/service-points/:id/edit',
    page(async (visit) => {
      const id = smallRowId(param(visit.request, 'id'))
      const posted = versionOf(visit.request)
      if (id === null || posted === null) return { trouble: NOT_FOUND }
      const values = readForm(visit.request, NAMES)
      const { context } = visit
      const show = (form: FormState, version: number | null = null) =>
        ServicePointFormPage({ context, form, edited: { id, version: version ?? posted } })
      const checked = checkedPoint(values)
      if (!checked.ok) {
        return { status: 422, page: show({ values, errors: errorTexts(checked.errors) }) }
      }
      const author = authorOf(visit, 'changed on its page')
      const change = { id, version: posted, entry: checked.entry }
      const written = await writes.write((trx) => editServicePoint(trx, author, change))
      const row = { what: 'service point', id } as const
      const to = () => `/service-points/${id}`
      const saving = { to, show, values, labels: SERVICE_POINT_LABELS, columns: COLUMNS, row }
      return answerTo(writes, written, saving)
    }),
  )
  app.post(
    '/service-points/:id/delete',
    page(async (visit) => {
      const { context, request } = visit
      const id = smallRowId(param(request, 'id'))
      const point = id === null ? null : await details.servicePoint(id)
      if (id === null || point === null) return { trouble: NOT_FOUND }
      const show = (form: FormState) =>
        ConfirmPage({
          context,
          title: `Delete ${point.code}?`,
          text: 'For what was entered by mistake and never used. The history keeps it.',
          action: `/service-points/${id}/delete`,
          yes: 'Delete the service point',
          back: `/service-points/${id}`,
          why: true,
          form,
        })
      if (field(request, 'sure') !== 'yes') return { page: show(EMPTY_FORM) }
      const author = authorOf(visit, 'entered by mistake')
      const written = await writes.write((trx) => deleteServicePoint(trx, author, id))
      const to = () => '/service-points'
      return answerTo(writes, written, { to, show, values: {}, labels: {}, columns: {}, row: null })
    }),
  )
}
