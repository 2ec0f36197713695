// A customer's own pages. Every query carries the customer of the session; the id of somebody
// else's bill is answered like one that does not exist.

import type { FastifyInstance } from 'fastify'
import { HomePage, MyBillPage, MyBillsPage, UsagePage } from '../pages/customer.tsx'
import type { WebDeps } from './deps.ts'
import { fileName, guarded, param, rowId } from '../../access/http/guard.ts'
import type { Sessions } from '../../access/http/session.ts'
import { NOT_FOUND } from '../../access/http/trouble.ts'

export function customerRoutes(app: FastifyInstance, deps: WebDeps, sessions: Sessions): void {
  const { customers } = deps
  const page = guarded.bind(null, sessions, 'customer')
  app.get(
    '/home',
    page(async ({ context, viewer }) => {
      const view = await customers.home(viewer.id)
      return view === null ? { trouble: NOT_FOUND } : { page: HomePage({ context, view }) }
    }),
  )
  app.get(
    '/home/usage',
    page(async ({ context, viewer }) => {
      const view = await customers.usage(viewer.id, deps.now())
      return { page: UsagePage({ context, view }) }
    }),
  )
  app.get(
    '/home/bills',
    page(async ({ context, viewer }) => {
      const view = await customers.bills(viewer.id)
      return { page: MyBillsPage({ context, view }) }
    }),
  )
  app.get(
    '/home/bills/:id',
    page(async ({ context, viewer, request }) => {
      const id = rowId(param(request, 'id'))
      const view = id === null ? null : await customers.bill(viewer.id, id)
      return view === null ? { trouble: NOT_FOUND } : { page: MyBillPage({ context, view }) }
    }),
  )
  app.get(
    '/home/bills/:id/pdf',
    page(async ({ viewer, request }) => {
      const id = rowId(param(request, 'id'))
      const view = id === null ? null : await customers.bill(viewer.id, id)
      const pdf = id === null || view === null ? null : await deps.renderPdf(id)
      if (pdf === null || view === null) return { trouble: NOT_FOUND }
      return { pdf, name: fileName(view.bill.number) }
    }),
  )
}
