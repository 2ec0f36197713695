// The pages of published tariffs.

import type { FastifyInstance } from 'fastify'
import type { UnixMs } from '../../../../shared/units.ts'
import { civilDateAt } from '../../civil/calendar.ts'
import { type Door, field, LONG_FORM, param, query, UPLOAD } from '../../kit/door.ts'
import { NOT_FOUND } from '../../kit/trouble.ts'
import { tariffText } from '../core/print.ts'
import { effectiveProfile } from '../../utility/core/environment.ts'
import { zoneOf } from '../../utility/core/profile.ts'
import type { UtilityDeps } from '../../utility/http/deps.ts'
import { TARIFFS_MAX, type TariffStore } from '../db/reads.ts'
import { TariffPage, TariffsPage } from '../pages/tariffs.tsx'
import { loadFile, openEditor, postEditor, valuesFor } from './editor.ts'
import { exampleTariffs } from '../shell/examples.ts'

export interface TariffDeps extends Pick<UtilityDeps, 'utility' | 'utilityEnvironment'> {
  readonly tariffs: TariffStore
  readonly now: () => UnixMs
}

/** Today's date where the utility is. */
async function todayOf({ utility, utilityEnvironment, now }: TariffDeps): Promise<string> {
  const { profile } = await utility.stored()
  return civilDateAt(now(), zoneOf(effectiveProfile(profile, utilityEnvironment)))
}

export function tariffRoutes(app: FastifyInstance, deps: TariffDeps, page: Door): void {
  const { tariffs } = deps
  const offered = exampleTariffs()
  const today = (): Promise<string> => todayOf(deps)
  app.get(
    '/tariffs',
    page(async ({ request, context }) => {
      const found = await tariffs.tariffs(query(request, 'after'), await today())
      const rows = found.slice(0, TARIFFS_MAX)
      const next = found.length > rows.length ? (rows.at(-1)?.code ?? null) : null
      return { page: TariffsPage({ context, rows, next, offered }) }
    }),
  )
  editorRoutes(app, deps, page)
  app.get(
    '/tariffs/:code',
    page(async ({ request, context }) => {
      const code = param(request, 'code')
      const versions = await tariffs.versions(code)
      if (versions.length === 0) return { trouble: NOT_FOUND }
      const said = query(request, 'published')
      const published = versions.some(({ validFrom }) => validFrom === said) ? said : null
      return { page: TariffPage({ context, code, versions, today: await today(), published }) }
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

function editorRoutes(app: FastifyInstance, deps: TariffDeps, page: Door): void {
  const { tariffs: store, now } = deps
  const offered = exampleTariffs()
  app.get(
    '/tariffs/new',
    page(async (visit) => {
      const id = query(visit.request, 'example')
      const text = offered.find((example) => example.id === id)?.text ?? ''
      return openEditor(visit, { store, code: null }, valuesFor(text, await todayOf(deps), null))
    }),
  )
  app.post(
    '/tariffs/new',
    LONG_FORM,
    page(async (visit) => postEditor(visit, { store, code: null, now: now() })),
  )
  app.get(
    '/tariffs/:code/edit',
    page(async (visit) => {
      const code = param(visit.request, 'code')
      const newest = await store.newest(code)
      if (newest === null) return { trouble: NOT_FOUND }
      const values = valuesFor(tariffText(newest.tariff), await todayOf(deps), newest.validFrom)
      return openEditor(visit, { store, code }, values)
    }),
  )
  app.post(
    '/tariffs/:code/edit',
    LONG_FORM,
    page(async (visit) => {
      const code = param(visit.request, 'code')
      if ((await store.newest(code)) === null) return { trouble: NOT_FOUND }
      return postEditor(visit, { store, code, now: now() })
    }),
  )
  app.post(
    '/tariffs/upload',
    UPLOAD,
    page(async (visit) => {
      const code = field(visit.request, 'code')
      const known = code !== '' && (await store.newest(code)) !== null
      return loadFile(visit, { store, code: known ? code : null, today: await todayOf(deps) })
    }),
  )
}
