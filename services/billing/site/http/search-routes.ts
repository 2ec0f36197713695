// The search over everything; a single exact hit is opened at once.

import type { FastifyInstance } from 'fastify'
import { type Door, query } from '../../kit/door.ts'
import { SEARCH_CHARS_MAX } from '../../kit/list.ts'
import { jump } from '../core/search.ts'
import type { SearchReads } from '../db/search.ts'
import { SearchPage } from '../pages/search.tsx'

export interface SearchDeps {
  readonly everything: SearchReads
}

export function searchRoutes(app: FastifyInstance, { everything }: SearchDeps, page: Door): void {
  app.get(
    '/search',
    page(async ({ context, request }) => {
      const q = query(request, 'q').trim().slice(0, SEARCH_CHARS_MAX).toWellFormed()
      const hits = q === '' ? [] : await everything.search(q)
      const to = jump(hits)
      return to === null ? { page: SearchPage({ context, q, hits }) } : { to }
    }),
  )
}
