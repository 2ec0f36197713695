// The page of notices, and queueing a notice again that was given up.

import type { FastifyInstance } from 'fastify'
import type { UnixMs } from '../../../../shared/units.ts'
import { type Door, param, rowId } from '../../kit/door.ts'
import { NOT_FOUND } from '../../kit/trouble.ts'
import type { NoticeReads } from '../db/reads.ts'
import { NoticesPage } from '../pages/notices.tsx'
import { nextOf, sliceOf } from './slice.ts'

export interface NoticeDeps {
  readonly notices: Pick<NoticeReads, 'notices'>
  /** Queues once more a notice that was given up (BIL-11); does nothing for any other. */
  readonly queueAgain: (notice: number) => Promise<void>
  readonly now: () => UnixMs
}

export function noticeRoutes(app: FastifyInstance, deps: NoticeDeps, page: Door): void {
  app.get(
    '/notices',
    page(async ({ context, request }) => {
      const slice = sliceOf(request)
      const rows = await deps.notices.notices(slice)
      const before = nextOf(rows)
      return { page: NoticesPage({ context, rows, state: slice.state, before, now: deps.now() }) }
    }),
  )
  app.post(
    '/notices/:id/again',
    page(async ({ request }) => {
      const id = rowId(param(request, 'id'))
      if (id === null) return { trouble: NOT_FOUND }
      await deps.queueAgain(id)
      return { to: '/notices' }
    }),
  )
}
