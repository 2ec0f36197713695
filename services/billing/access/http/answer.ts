// The one place that turns a trouble into an answer: a page for people, JSON for programs, never a
// stack trace.

import type { FastifyReply, FastifyRequest } from 'fastify'
import { type FaultCode, FAULTS } from '../../../../shared/faults.ts'
import { htmlOf } from '../../kit/layout.tsx'
import { TroublePage } from '../../kit/trouble-page.tsx'
import { type Trouble, troubleOf } from '../../kit/trouble.ts'
import type { Viewer } from '../../kit/context.ts'
import type { Sessions } from './session.ts'

export const LINK_SPENT = troubleOf(
  404,
  'This link does not open anything',
  'It is unknown, already used, or expired. Your next bill brings a new one.',
  'OPS-21',
)
export const SETUP_SPENT = troubleOf(
  404,
  'This link does not open anything',
  'A set-up link makes the first operator, once. If there is one already, ask on the server for ' +
    'another by "ticklock operator add NAME"; if there is none, each start prints a new link.',
  'OPS-21',
)
export const FORM_STALE = troubleOf(
  403,
  'This form cannot be used any more',
  'Go back, load the page again and repeat what you did.',
  'OPS-22',
)
export const TOO_MANY = troubleOf(
  429,
  'Too many attempts',
  'Wait a minute, then try again.',
  'OPS-23',
)

/** True for requests by programs: they get JSON. */
const wantsJson = (request: FastifyRequest): boolean =>
  /^\/(?:api\/|healthz|metrics)/.test(request.url) ||
  !(request.headers.accept ?? 'text/html').includes('text/html')

/** From here on it is our fault, and site/http/troubles.ts has told the log. */
const INTERNAL = 500

/** Tells the log and the metrics. The route's pattern, never the URL: that may hold a secret. */
export function refuse(
  sessions: Sessions,
  request: FastifyRequest,
  fault: FaultCode,
  detail = '',
): void {
  const route = request.routeOptions.url ?? 'unknown'
  sessions.watch.refused(fault, detail, { from: request.ip, route })
}

export function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  trouble: Trouble,
  sessions: Sessions,
  viewer: Viewer | null = null,
): FastifyReply {
  void reply.code(trouble.status).header('cache-control', 'no-store')
  const { fault } = trouble
  if (fault !== null && trouble.status < INTERNAL) refuse(sessions, request, fault)
  if (wantsJson(request)) {
    const remedy = fault === null ? null : FAULTS[fault].then
    return reply.send({ error: trouble.title, fault, remedy })
  }
  const context = sessions.context(request, reply, viewer)
  return reply.type('text/html; charset=utf-8').send(htmlOf(TroublePage({ context, trouble })))
}
