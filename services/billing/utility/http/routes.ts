// The pages of the settings: profile, logo, mail, SMS and the checklist.

import type { FastifyInstance } from 'fastify'
import { type Door, LONG_FORM, param, query, UPLOAD, type Visit } from '../../kit/door.ts'
import {
  EMPTY_FORM,
  type FormState,
  hasErrors,
  readForm,
  staleOf,
  versionOf,
} from '../../kit/form.ts'
import { fixedErrors, type UtilityEnvironment } from '../core/environment.ts'
import { LOGO_BYTES_MAX } from '../core/logo.ts'
import { checkProfile, PROFILE_FIELDS, type ProfileValues, profileValues } from '../core/profile.ts'
import { LOGO_FORM, PROFILE_LABELS, SettingsPage } from '../pages/settings.tsx'
import { readLogo } from '../shell/logo-file.ts'
import { authorOf, type UtilityDeps } from './deps.ts'
import { serviceRoutes } from './service-routes.ts'
import { startRoutes } from './start-routes.ts'

export function utilityRoutes(app: FastifyInstance, deps: UtilityDeps, page: Door): void {
  profileRoutes(app, deps, page)
  logoRoutes(app, deps, page)
  serviceRoutes(app, deps, page)
  startRoutes(app, deps, page)
}

async function settingsPage(
  { utility, utilityEnvironment }: UtilityDeps,
  { context, request }: Visit,
  shown: { readonly form?: FormState; readonly logoForm?: FormState } = {},
) {
  const { profile, version } = await utility.stored()
  return SettingsPage({
    context,
    form: shown.form ?? { ...EMPTY_FORM, values: profileValues(profile) },
    version,
    fixed: utilityEnvironment.profile,
    logo: profile.logo,
    logoForm: shown.logoForm ?? LOGO_FORM,
    saved: query(request, 'saved') === 'yes',
  })
}

function profileRoutes(app: FastifyInstance, deps: UtilityDeps, page: Door): void {
  const { utility, utilityEnvironment } = deps
  app.get(
    '/settings',
    page(async (visit) => ({ page: await settingsPage(deps, visit) })),
  )
  app.post(
    '/settings',
    LONG_FORM,
    page(async (visit) => {
      const typed = readForm(visit.request, PROFILE_FIELDS)
      const errors = fixedErrors(typed, utilityEnvironment)
      const { profile: stored } = await utility.stored()
      const values = withFixed(typed, profileValues(stored), utilityEnvironment)
      const verdict = checkProfile(values)
      const wrong = { ...(verdict.ok ? {} : verdict.errors), ...errors }
      if (!verdict.ok || hasErrors(wrong)) {
        const form = { values: typed, errors: wrong }
        return { status: 422, page: await settingsPage(deps, visit, { form }) }
      }
      const entry = { profile: verdict.profile, version: versionOf(visit.request) ?? 0 }
      const saved = await utility.save(entry, authorOf(visit, 'Utility'))
      if (saved.is === 'saved') return { to: '/settings?saved=yes' }
      const [last, now] = await Promise.all([utility.lastChange('profile'), utility.stored()])
      const stale = staleOf({
        who: last?.who ?? null,
        at: last?.at ?? null,
        labels: PROFILE_LABELS,
        typed: values,
        stored: profileValues(now.profile),
      })
      const form = { values: typed, errors: {}, stale }
      return { status: 409, page: await settingsPage(deps, visit, { form }) }
    }),
  )
}

/** What the environment sets keeps the value that is stored under it. */
function withFixed(
  typed: ProfileValues,
  stored: ProfileValues,
  { profile: fixed }: UtilityEnvironment,
): ProfileValues {
  const values: { -readonly [F in keyof ProfileValues]: string } = { ...typed }
  for (const name of PROFILE_FIELDS) if (fixed[name] !== undefined) values[name] = stored[name]
  return values
}

const IS_HASH = /^[0-9a-f]{64}$/
const FOREVER = 'public, max-age=31536000, immutable'

function logoRoutes(app: FastifyInstance, deps: UtilityDeps, page: Door): void {
  const { utility } = deps
  app.post(
    '/settings/logo',
    UPLOAD,
    page(async (visit) => {
      const refused = async (problem: string) => {
        const logoForm = { ...LOGO_FORM, errors: { file: problem } }
        return { status: 422 as const, page: await settingsPage(deps, visit, { logoForm }) }
      }
      const bytes = visit.upload === null ? Buffer.alloc(0) : await firstBytes(visit.upload.chunks)
      const file = readLogo(bytes)
      if (!file.ok) return refused(file.problem)
      await utility.saveLogo(file.logo, authorOf(visit, 'Utility'))
      return { to: '/settings?saved=yes' }
    }),
  )
  app.post(
    '/settings/logo/remove',
    page(async (visit) => {
      await utility.saveLogo(null, authorOf(visit, 'Utility'))
      return { to: '/settings?saved=yes' }
    }),
  )
  // On bills and their pages, for customers too: whoever knows its hash has seen it.
  app.get('/logo/:hash', async (request, reply) => {
    const hash = param(request, 'hash')
    const logo = IS_HASH.test(hash) ? await utility.logo(hash) : null
    if (logo === null) return reply.callNotFound()
    return reply.header('cache-control', FOREVER).type(logo.type).send(logo.content)
  })
}

/** The file, or as much of it as shows that it is too large; the rest is read and dropped. */
async function firstBytes(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of chunks) {
    if (length <= LOGO_BYTES_MAX) parts.push(part)
    length += part.length
  }
  return Buffer.concat(parts)
}
