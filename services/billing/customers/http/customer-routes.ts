// The operators' pages of customers.

import type { FastifyInstance } from 'fastify'
import { type Door, field, param, smallRowId, type Visit } from '../../kit/door.ts'
import { EMPTY_FORM, type FormState, readForm, versionOf } from '../../kit/form.ts'
import { NOT_FOUND } from '../../kit/trouble.ts'
import { ConfirmPage } from '../../kit/confirm-page.tsx'
import { customerEntry, errorTexts } from '../core/entries.ts'
import { CUSTOMERS } from '../core/lists.ts'
import { createCustomer, deleteCustomer, editCustomer } from '../db/customers.ts'
import { CustomerFormPage, CustomerPage, CustomersPage } from '../pages/customers.tsx'
import { CUSTOMER_LABELS } from '../pages/forms.tsx'
import type { CustomerDeps } from './deps.ts'
import { listAnswers } from './list-routes.ts'
import { answerTo, authorOf } from './saved.ts'

const NAMES = ['number', 'name', 'address', 'email', 'phone', 'language'] as const
const COLUMNS = Object.fromEntries(NAMES.map((name) => [name, name]))
/** Changes shown on a page; older ones stay in the record. */
const CHANGES_SHOWN = 30

type Values = Record<(typeof NAMES)[number], string>

/** What was typed as an entry; a blank number is the next one. */
function checkedCustomer(values: Values) {
  const blank = values.number === ''
  const checked = customerEntry(blank ? { ...values, number: '-' } : values)
  if (!checked.ok) return checked
  return { ok: true as const, entry: { ...checked.entry, number: blank ? null : values.number } }
}

export function customerRoutes(app: FastifyInstance, deps: CustomerDeps, page: Door): void {
  const { customerLists: lists, customerDetails: details } = deps
  listAnswers(app, page, {
    spec: CUSTOMERS,
    rows: (query) => lists.customers(query),
    count: (query, most) => lists.count('customers', query, most),
    key: (row, sort) => (sort === 'number' ? row.number : row.name),
    page: CustomersPage,
    csv: {
      head: ['number', 'name', 'address', 'email', 'phone', 'contracts'],
      row: (row) => [row.number, row.name, row.address, row.email, row.phone, row.contracts],
    },
  })
  const formPage = (
    visit: Visit,
    form: FormState,
    edited: { id: number; version: number } | null,
  ) => CustomerFormPage({ context: visit.context, form, edited })
  app.get(
    '/customers/new',
    page(async (visit) => ({ page: formPage(visit, EMPTY_FORM, null) })),
  )
  app.post(
    '/customers/new',
    page(async (visit) => {
      const values = readForm(visit.request, NAMES)
      const checked = checkedCustomer(values)
      const show = (form: FormState) => formPage(visit, form, null)
      if (!checked.ok) {
        return { status: 422, page: show({ values, errors: errorTexts(checked.errors) }) }
      }
      const author = authorOf(visit, 'entered on its page')
      const written = await deps.customerWrites.write((trx) =>
        createCustomer(trx, author, checked.entry),
      )
      const to = (id: number) => `/customers/${id}`
      const saving = { to, show, values, labels: CUSTOMER_LABELS, columns: COLUMNS, row: null }
      return answerTo(deps.customerWrites, written, saving)
    }),
  )
  app.get(
    '/customers/:id',
    page(async ({ context, request }) => {
      const id = smallRowId(param(request, 'id'))
      const customer = id === null ? null : await details.customer(id)
      if (customer === null) return { trouble: NOT_FOUND }
      const row = { what: 'customer', id: customer.id } as const
      const changes = await deps.customerWrites.changes([row], CHANGES_SHOWN)
      return { page: CustomerPage({ context, customer, changes, now: deps.now() }) }
    }),
  )
  editRoutes(app, deps, page)
}

function editRoutes(app: FastifyInstance, deps: CustomerDeps, page: Door): void {
  const { customerDetails: details, customerWrites: writes } = deps
  app.get(
    '/customers/:id/edit',
    page(async ({ context, request }) => {
      const id = smallRowId(param(request, 'id'))
      const customer = id === null ? null : await details.customer(id)
      if (customer === null) return { trouble: NOT_FOUND }
      const { contracts: _contracts, id: _id, version: _version, ...entry } = customer
      const values = { ...entry, email: entry.email ?? '', phone: entry.phone ?? '' }
      const form = { values, errors: {} }
      return { page: CustomerFormPage({ context, form, edited: customer }) }
    }),
  )
  app.post(
    '/customers/:id/edit',
    page(async (visit) => {
      const id = smallRowId(param(visit.request, 'id'))
      const posted = versionOf(visit.request)
      if (id === null || posted === null) return { trouble: NOT_FOUND }
      const values = readForm(visit.request, NAMES)
      const show = (form: FormState, version: number | null = null) =>
        CustomerFormPage({
          context: visit.context,
          form,
          edited: { id, version: version ?? posted },
        })
      const checked = checkedCustomer(values)
      if (!checked.ok) {
        return { status: 422, page: show({ values, errors: errorTexts(checked.errors) }) }
      }
      const author = authorOf(visit, 'changed on its page')
      const change = { id, version: posted, entry: checked.entry }
      const written = await writes.write((trx) => editCustomer(trx, author, change))
      const row = { what: 'customer', id } as const
      const to = () => `/customers/${id}`
      const saving = { to, show, values, labels: CUSTOMER_LABELS, columns: COLUMNS, row }
      return answerTo(writes, written, saving)
    }),
  )
  app.post(
    '/customers/:id/delete',
    page(async (visit) => {
      const { context, request } = visit
      const id = smallRowId(param(request, 'id'))
      const customer = id === null ? null : await details.customer(id)
      if (id === null || customer === null) return { trouble: NOT_FOUND }
      const show = (form: FormState) =>
        ConfirmPage({
          context,
          title: `Delete ${customer.name}?`,
          text: 'For what was entered by mistake and never used. The history keeps it.',
          action: `/customers/${id}/delete`,
          yes: 'Delete the customer',
          back: `/customers/${id}`,
          why: true,
          form,
        })
      if (field(request, 'sure') !== 'yes') return { page: show(EMPTY_FORM) }
      const author = authorOf(visit, 'entered by mistake')
      const written = await writes.write((trx) => deleteCustomer(trx, author, id))
      const to = () => '/customers'
      const saving = { to, show, values: {}, labels: {}, columns: {}, row: null }
      return answerTo(writes, written, saving)
    }),
  )
}
