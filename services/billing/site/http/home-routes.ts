// A customer's first page: bills and places together.

import type { FastifyInstance } from 'fastify'
import type { BillReads } from '../../bills/db/reads.ts'
import type { CustomerReads } from '../../customers/db/reads.ts'
import type { Door } from '../../kit/door.ts'
import { NOT_FOUND } from '../../kit/trouble.ts'
import type { HomeView } from '../core/views.ts'
import { HomePage } from '../pages/home.tsx'

const HOME_BILLS = 6

export interface HomeDeps {
  readonly bills: Pick<BillReads, 'ofCustomer'>
  readonly customers: CustomerReads
}

export function homeRoutes(app: FastifyInstance, deps: HomeDeps, page: Door): void {
  app.get(
    '/home',
    page(async ({ context, viewer }) => {
      const view = await homeOf(deps, viewer.id)
      return view === null ? { trouble: NOT_FOUND } : { page: HomePage({ context, view }) }
    }),
  )
}

async function homeOf({ bills, customers }: HomeDeps, customer: number): Promise<HomeView | null> {
  const [rows, who, places] = await Promise.all([
    bills.ofCustomer(customer, HOME_BILLS),
    customers.who(customer),
    customers.places(customer),
  ])
  if (who === null) return null
  return {
    ...who,
    bills: rows,
    lastBill: rows[0] ?? null,
    places: places.map(({ address, meter }) => ({ address, meter: meter?.number ?? null })),
  }
}
