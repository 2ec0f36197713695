// For programs: health, metrics, the public summary. No login, and no personal data.

import type { FastifyInstance } from 'fastify'
import type { ClockFigures } from '../../clocks/db/figures.ts'
import type { Summary } from '../db/summary.ts'

interface Health {
  readonly ok: boolean
  /** Part by part, without secrets: `{ database: 'up' }`. */
  readonly parts: Readonly<Record<string, string>>
}

export interface MachineDeps {
  readonly summary: () => Promise<Summary>
  readonly clockFigures: () => Promise<ClockFigures>
  readonly health: () => Promise<Health>
  readonly metrics: { readonly contentType: string; metrics(): Promise<string> }
}

export function machineRoutes(app: FastifyInstance, deps: MachineDeps): void {
  app.get('/healthz', async (_request, reply) => {
    const { ok, parts } = await deps.health()
    return reply
      .code(ok ? 200 : 503)
      .header('cache-control', 'no-store')
      .send({ ok, ...(ok ? {} : { fault: 'OPS-08' }), parts })
  })

  app.get('/metrics', async (_request, reply) =>
    reply
      .header('cache-control', 'no-store')
      .type(deps.metrics.contentType)
      .send(await deps.metrics.metrics()),
  )

  app.get('/api/v1/summary', async (_request, reply) => {
    const { meters, readings, refused, bills, notices, clockBoundMs } = await deps.summary()
    return reply
      .header('cache-control', 'no-store')
      .send({ meters, readings, refused, bills, notices, clockBoundMs })
  })

  app.get('/api/v1/clock', async (_request, reply) =>
    reply.header('cache-control', 'no-store').send(await deps.clockFigures()),
  )
}
