// The one door in front of every page: no handler runs before the caller is known.

import type { FastifyReply, RouteHandlerMethod } from 'fastify'
import type { VNode } from 'preact'
import type { Outcome, Shown, Visit } from '../../kit/door.ts'
import { htmlOf } from '../../kit/layout.tsx'
import { NOT_FOUND } from '../../kit/trouble.ts'
import type { Viewer } from '../../kit/context.ts'
import { answer, FORM_STALE } from './answer.ts'
import type { Sessions } from './session.ts'

/** Admits viewers of that kind only. A viewer who is not logged in is sent to the log-in page; one
 * of the other kind is told that there is no such page. */
export function guarded(
  sessions: Sessions,
  kind: Viewer['kind'],
  handle: (visit: Visit) => Promise<Outcome>,
): RouteHandlerMethod {
  return async (request, reply) => {
    const viewer = await sessions.viewer(request)
    if (viewer === null) return reply.redirect('/login', 303)
    if (request.method === 'POST' && !sessions.formFits(request)) {
      return answer(request, reply, FORM_STALE, sessions, viewer)
    }
    if (viewer.kind !== kind) return answer(request, reply, NOT_FOUND, sessions, viewer)
    const context = sessions.context(request, reply, viewer)
    const outcome = await handle({ request, context, viewer })
    if ('trouble' in outcome) return answer(request, reply, outcome.trouble, sessions, viewer)
    return send(reply, outcome)
  }
}

function send(reply: FastifyReply, outcome: Shown): FastifyReply {
  if ('to' in outcome) return reply.redirect(outcome.to, 303)
  void reply.header('cache-control', 'no-store')
  if ('page' in outcome) return sendPage(reply, outcome.page)
  return reply
    .type('application/pdf')
    .header('content-disposition', `attachment; filename="${outcome.name}"`)
    .send(Buffer.from(outcome.pdf))
}

export const sendPage = (reply: FastifyReply, page: VNode): FastifyReply =>
  reply.header('cache-control', 'no-store').type('text/html; charset=utf-8').send(htmlOf(page))
