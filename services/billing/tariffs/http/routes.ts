// The pages of published tariffs.

import type { FastifyInstance } from 'fastify'
import type { UnixMs } from '../../../../shared/units.ts'
import { civilDateAt } from '../../civil/calendar.ts'
import { type Door, param, query } from '../../kit/door.ts'
import { NOT_FOUND } from '../../kit/trouble.ts'
import { tariffText } from '../core/print.ts'
import { TARIFFS_MAX, type TariffStore } from '../db/reads.ts'
import { TariffPage, TariffsPage } from '../pages/tariffs.tsx'
import { exampleTariffs } from '../shell/examples.ts'

export interface TariffDeps {
  readonly tariffs: TariffStore
  readonly now: () => UnixMs
}

export function tariffRoutes(app: FastifyInstance, deps: TariffDeps, page: Door): void {
  const { tariffs, now } = deps
  const offered = exampleTariffs()
  const today = (): string => civilDateAt(now(), 'UTC')
  app.get(
    '/tariffs',
    page(async ({ request, context }) => {
      const found = await tariffs.tariffs(query(request, 'after'), today())
      const rows = found.slice(0, TARIFFS_MAX)
      const next = found.length > rows.length ? (rows.at(-1)?.code ?? null) : null
      return { page: TariffsPage({ context, rows, next, offered }) }
    }),
  )
  app.get(
    '/tariffs/:code',
    page(async ({ request, context }) => {
      const code = param(request, 'code')
      const versions = await tariffs.versions(code)
      if (versions.length === 0) return { trouble: NOT_FOUND }
      const said = query(request, 'published')
      const published = versions.some(({ validFrom }) => validFrom === said) ? said : null
      return { page: TariffPage({ context, code, versions, today: today(), published }) }
    }),
  )
  app.get(
    '/tariffs/:code/:file',
    page(async ({ request }) => {
      const code = param(request, 'code')
      const day = /^(\d{4}-\d{2}-\d{2})\.json$/.exec(param(request, 'file'))?.[1]
      const version = (await tariffs.versions(code)).find(({ validFrom }) => validFrom === day)
      if (version === undefined) return { trouble: NOT_FOUND }
      return { json: tariffText(version.tariff), name: `${code}-${version.validFrom}.json` }
    }),
  )
}
