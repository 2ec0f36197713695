// The checklist from an empty database to the first bill.

import type { FastifyInstance } from 'fastify'
import { type Door, field } from '../../kit/door.ts'
import { NOT_FOUND } from '../../kit/trouble.ts'
import { checklistOf, isStep } from '../core/checklist.ts'
import { effectiveProfile } from '../core/environment.ts'
import { StartPage } from '../pages/start.tsx'
import type { UtilityDeps } from './deps.ts'

export function startRoutes(app: FastifyInstance, deps: UtilityDeps, page: Door): void {
  const { utility, utilityEnvironment: environment } = deps
  app.get(
    '/start',
    page(async ({ context }) => {
      const [stored, facts, mail, sms] = await Promise.all([
        utility.stored(),
        utility.facts(),
        utility.mail.read(),
        utility.sms.read(),
      ])
      const steps = checklistOf({
        ...facts,
        profile: effectiveProfile(stored.profile, environment),
        mail: environment.mail !== null || mail !== null,
        sms: environment.sms !== null || sms !== null,
        skipped: stored.skipped,
      })
      return { page: StartPage({ context, steps }) }
    }),
  )
  app.post(
    '/start/skip',
    page(async ({ request }) => {
      const step = field(request, 'step')
      if (!isStep(step)) return { trouble: NOT_FOUND }
      await utility.skip(step, field(request, 'skip') === 'yes')
      return { to: '/start' }
    }),
  )
}
