// The page of one account: the one that joins what all domains know of it.

import type { FastifyInstance } from 'fastify'
import type { UnixMs } from '../../../../shared/units.ts'
import { type Door, param, smallRowId } from '../../kit/door.ts'
import { NOT_FOUND } from '../../kit/trouble.ts'
import type { AccountReads } from '../db/account.ts'
import { AccountPage } from '../pages/account.tsx'

export interface AccountViewDeps {
  readonly accountView: AccountReads
  readonly now: () => UnixMs
}

export function accountViewRoutes(app: FastifyInstance, deps: AccountViewDeps, page: Door): void {
  app.get(
    '/accounts/:id',
    page(async ({ context, request }) => {
      const id = smallRowId(param(request, 'id'))
      const view = id === null ? null : await deps.accountView.account(id)
      if (view === null) return { trouble: NOT_FOUND }
      return { page: AccountPage({ context, view, now: deps.now() }) }
    }),
  )
}
