// The page of published tariffs.

import type { FastifyInstance } from 'fastify'
import type { Door } from '../../kit/door.ts'
import type { TariffReads } from '../db/reads.ts'
import { TariffsPage } from '../pages/tariffs.tsx'

export interface TariffDeps {
  readonly tariffs: TariffReads
}

export function tariffRoutes(app: FastifyInstance, { tariffs }: TariffDeps, page: Door): void {
  app.get(
    '/tariffs',
    page(async ({ context }) => ({
      page: TariffsPage({ context, rows: await tariffs.tariffs() }),
    })),
  )
}
