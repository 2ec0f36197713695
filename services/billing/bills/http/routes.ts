// The operators' pages of bills, and the document itself.

import type { FastifyInstance } from 'fastify'
import type { UnixMs } from '../../../../shared/units.ts'
import { type Door, param, rowId } from '../../kit/door.ts'
import { NOT_FOUND } from '../../kit/trouble.ts'
import type { NoticeReads } from '../../notices/db/reads.ts'
import { nextOf, sliceOf } from '../../notices/http/slice.ts'
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
      const slice = sliceOf(request)
      const rows = await bills.bills(slice)
      return { page: BillsPage({ context, rows, state: slice.state, before: nextOf(rows) }) }
    }),
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
