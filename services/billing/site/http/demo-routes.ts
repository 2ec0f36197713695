// What exists only in the demo: its inbox and the scripted attacker.

import type { FastifyInstance } from 'fastify'
import type { UnixMs } from '../../../../shared/units.ts'
import { sendPage } from '../../access/http/guard.ts'
import type { Sessions } from '../../access/http/session.ts'
import type { Door } from '../../kit/door.ts'
import type { AttackRun, InboxMessage } from '../core/views.ts'
import { AttacksPage } from '../pages/attacks.tsx'
import { InboxPage } from '../pages/inbox.tsx'

export interface DemoDeps {
  /** Only in the demo; null elsewhere. */
  readonly inbox: { messages(): readonly InboxMessage[] } | null
  /** Only in the demo: the scripted attacker; null elsewhere. */
  readonly attacks: { run(): AttackRun; start(): void } | null
  /** As people type it, without a slash at the end. */
  readonly baseUrl: string
  readonly now: () => UnixMs
}

export function demoRoutes(
  app: FastifyInstance,
  deps: DemoDeps,
  { sessions, page }: { readonly sessions: Sessions; readonly page: Door },
): void {
  if (deps.inbox !== null) inboxRoute(app, deps, deps.inbox, sessions)
  if (deps.attacks !== null) attackRoutes(app, deps.attacks, page)
}

/** Open to everybody at the demo: it listens on this machine only and its messages are
 * fictitious. */
function inboxRoute(
  app: FastifyInstance,
  deps: DemoDeps,
  inbox: NonNullable<DemoDeps['inbox']>,
  sessions: Sessions,
): void {
  app.get('/inbox', async (request, reply) => {
    const context = sessions.context(request, reply, await sessions.viewer(request))
    const { baseUrl } = deps
    const messages = inbox.messages()
    return sendPage(reply, InboxPage({ context, messages, baseUrl, now: deps.now() }))
  })
}

function attackRoutes(
  app: FastifyInstance,
  attacks: NonNullable<DemoDeps['attacks']>,
  page: Door,
): void {
  app.get(
    '/attacks',
    page(async ({ context }) => ({ page: AttacksPage({ context, run: attacks.run() }) })),
  )
  app.post(
    '/attacks',
    page(async () => {
      attacks.start()
      return { to: '/attacks' }
    }),
  )
}
