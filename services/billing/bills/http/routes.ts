// The operators' pages of bills, and the document itself.

import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { UnixMs } from '../../../../shared/units.ts'
import type { CsvList } from '../../kit/csv.ts'
import { type Door, param, query, rowId } from '../../kit/door.ts'
import { SEARCH_CHARS_MAX } from '../../kit/list.ts'
import { NOT_FOUND } from '../../kit/trouble.ts'
import type { NoticeReads } from '../../notices/db/reads.ts'
import { nextOf, sliceOf } from '../../notices/http/slice.ts'
import { monthNamed } from '../core/board.ts'
import type { BillSlice } from '../core/views.ts'
import type { BillReads } from '../db/reads.ts'
import { BillPage, BillsPage } from '../pages/bills.tsx'
import { documentOutcome, type RenderPdf } from './document.ts'

export interface BillDeps {
  readonly bills: Pick<BillReads, 'bills' | 'bill'>
  readonly notices: Pick<NoticeReads, 'aboutBill'>
  readonly renderPdf: RenderPdf
  readonly now: () => UnixMs
}

export function billRoutes(app: FastifyInstance, deps: BillDeps, page: Door): void {
  const { bills } = deps
  app.get(
    '/bills',
    page(async ({ context, request }) => {
      const slice = billSliceOf(request)
      const rows = await bills.bills(slice)
      return { page: BillsPage({ context, rows, slice, before: nextOf(rows) }) }
    }),
  )
  app.get(
    '/bills.csv',
    page(async ({ request }) => ({ csv: listOf(bills, billSliceOf(request)), name: 'bills.csv' })),
  )
  app.get(
    '/bills/:id',
    page(async ({ context, request }) => {
      const id = rowId(param(request, 'id'))
      const view = id === null ? null : await bills.bill(id)
      if (id === null || view === null) return { trouble: NOT_FOUND }
      const notices = await deps.notices.aboutBill(id)
      return { page: BillPage({ context, view, notices, now: deps.now() }) }
    }),
  )
  app.get(
    '/bills/:id/pdf',
    page(async ({ request, viewer }) => {
      const id = rowId(param(request, 'id'))
      const view = id === null ? null : await bills.bill(id)
      if (id === null || view === null) return { trouble: NOT_FOUND }
      const document = await deps.renderPdf(id, `operator ${viewer.id}`)
      return documentOutcome(document, view.bill.number)
    }),
  )
}

function billSliceOf(request: FastifyRequest): BillSlice {
  const { state, before } = sliceOf(request)
  const q = query(request, 'q').trim().slice(0, SEARCH_CHARS_MAX).toWellFormed()
  return { before, q, month: monthNamed(query(request, 'month')), notice: state }
}

/** Rows of a file that are fetched at once. */
const FILE_ROWS = 1_000

/** The whole list, page by page. */
function listOf(bills: Pick<BillReads, 'bills'>, asked: BillSlice): CsvList {
  async function* rows() {
    let { before } = asked
    for (;;) {
      const part = await bills.bills({ ...asked, before }, FILE_ROWS)
      for (const { number, customer, period, total, currency, dueOn, issuedAt } of part) {
        const issued = new Date(issuedAt).toISOString()
        yield [number, customer, period.from, period.to, { exact: total }, currency, dueOn, issued]
      }
      const last = part.at(-1)
      if (last === undefined || part.length < FILE_ROWS) return
      before = last.id
    }
  }
  const head = ['number', 'customer', 'from', 'to', 'total', 'currency', 'due', 'issued']
  return { head, rows: rows() }
}
