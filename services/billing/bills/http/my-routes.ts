// A customer's own bills. Every query carries the customer of the session; the id of somebody
// else's bill is answered like one that does not exist.

import type { FastifyInstance } from 'fastify'
import { type Door, param, rowId } from '../../kit/door.ts'
import { NOT_FOUND } from '../../kit/trouble.ts'
import type { BillReads } from '../db/reads.ts'
import { MyBillPage, MyBillsPage } from '../pages/my-bills.tsx'
import { documentOutcome, type RenderPdf } from './document.ts'

/** Ten years of monthly bills. */
const BILLS_MAX = 120

export interface MyBillDeps {
  readonly bills: Pick<BillReads, 'ofCustomer' | 'billOf'>
  readonly renderPdf: RenderPdf
}

export function myBillRoutes(app: FastifyInstance, deps: MyBillDeps, page: Door): void {
  const { bills } = deps
  app.get(
    '/home/bills',
    page(async ({ context, viewer }) => {
      const view = await bills.ofCustomer(viewer.id, BILLS_MAX)
      return { page: MyBillsPage({ context, view }) }
    }),
  )
  app.get(
    '/home/bills/:id',
    page(async ({ context, viewer, request }) => {
      const id = rowId(param(request, 'id'))
      const view = id === null ? null : await bills.billOf(viewer.id, id)
      return view === null ? { trouble: NOT_FOUND } : { page: MyBillPage({ context, view }) }
    }),
  )
  app.get(
    '/home/bills/:id/pdf',
    page(async ({ viewer, request }) => {
      const id = rowId(param(request, 'id'))
      const view = id === null ? null : await bills.billOf(viewer.id, id)
      if (id === null || view === null) return { trouble: NOT_FOUND }
      const document = await deps.renderPdf(id, `customer ${viewer.id}`)
      return documentOutcome(document, view.bill.number)
    }),
  )
}
