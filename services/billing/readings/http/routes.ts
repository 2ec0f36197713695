// The operators' page of readings, and a customer's own usage.

import type { FastifyInstance } from 'fastify'
import { isMeterNumber } from '../../../../shared/meter/reading.ts'
import type { UnixMs } from '../../../../shared/units.ts'
import { type Door, query } from '../../kit/door.ts'
import type { UsageView } from '../core/views.ts'
import type { ReadingReads } from '../db/reads.ts'
import { ReadingsPage } from '../pages/readings.tsx'
import { UsagePage } from '../pages/usage.tsx'

export interface ReadingDeps {
  readonly readings: Pick<ReadingReads, 'live' | 'retimed'>
  readonly now: () => UnixMs
}

export function readingRoutes(app: FastifyInstance, deps: ReadingDeps, page: Door): void {
  const { readings, now } = deps
  app.get(
    '/readings',
    page(async ({ context, request }) => {
      const wanted = query(request, 'meter').trim()
      const search = isMeterNumber(wanted) ? wanted : ''
      const [rows, retimed] = await Promise.all([readings.live(search), readings.retimed(search)])
      return { page: ReadingsPage({ context, rows, retimed, search, now: now() }) }
    }),
  )
}

export interface UsageDeps {
  /** A customer's usage at each of their meters. */
  readonly usage: (customer: number, now: UnixMs) => Promise<readonly UsageView[]>
  readonly now: () => UnixMs
}

export function usageRoutes(app: FastifyInstance, deps: UsageDeps, page: Door): void {
  app.get(
    '/home/usage',
    page(async ({ context, viewer }) => {
      const view = await deps.usage(viewer.id, deps.now())
      return { page: UsagePage({ context, view }) }
    }),
  )
}
