// One place where a failure becomes an answer: a page for people, JSON for programs, and never a
// stack.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { FAULTS, type FaultCode } from '../../../../shared/faults.ts'
import type { Viewer } from '../db/access.ts'
import { TroublePage } from '../pages/access.tsx'
import { htmlOf } from '../../kit/layout.tsx'
import { capital } from '../../kit/parts.tsx'
import type { Trouble } from '../../site/pages/views.ts'
import { isDatabaseAway } from '../../store/away.ts'
import type { Sessions } from './session.ts'

export const troubleOf = (
  status: number,
  title: string,
  text: string,
  fault: FaultCode | null = null,
): Trouble => ({ status, title, text, fault })

export const NOT_FOUND = troubleOf(
  404,
  'There is no such page',
  'The address may be mistyped, or what it led to is not yours to see.',
)
export const LINK_SPENT = troubleOf(
  404,
  'This link does not open anything',
  'It is unknown, already used, or expired. Your next bill brings a new one.',
  'OPS-21',
)
/** A command that was not accepted: the device is revoked (SEC-14), or too many wait (OPS-18). */
export const notGiven = (fault: 'SEC-14' | 'OPS-18'): Trouble => {
  const { is, then } = FAULTS[fault]
  return troubleOf(409, 'This command was not accepted', `${capital(is)}. Remedy: ${then}.`, fault)
}
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
const DATABASE_AWAY = troubleOf(
  503,
  'The database is away for the moment',
  'No reading is lost: the slaves keep every one until it can be stored. This page comes back by ' +
    'itself when the database does.',
  'OPS-08',
)
const NOT_UNDERSTOOD = troubleOf(
  400,
  'The server did not understand that',
  'Go back and try it once more from the page itself.',
)
const OUR_MISTAKE = troubleOf(
  500,
  'Something went wrong on our side',
  'It has been written to the log of the server. Please try again in a moment.',
)

/** True for requests by programs: they get JSON. */
const wantsJson = (request: FastifyRequest): boolean =>
  /^\/(?:api\/|healthz|metrics)/.test(request.url) ||
  !(request.headers.accept ?? 'text/html').includes('text/html')

export function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  trouble: Trouble,
  sessions: Sessions,
  viewer: Viewer | null = null,
): FastifyReply {
  void reply.code(trouble.status).header('cache-control', 'no-store')
  const { fault } = trouble
  if (wantsJson(request)) {
    const remedy = fault === null ? null : FAULTS[fault].then
    return reply.send({ error: trouble.title, fault, remedy })
  }
  const context = sessions.context(request, reply, viewer)
  return reply.type('text/html; charset=utf-8').send(htmlOf(TroublePage({ context, trouble })))
}

export function installTroubles(app: FastifyInstance, sessions: Sessions): void {
  app.setNotFoundHandler((request, reply) => answer(request, reply, NOT_FOUND, sessions))
  app.setErrorHandler((error, request, reply) => {
    const trouble = classify(error)
    // The pattern of the route, never the address: that may hold a link's secret.
    const route = request.routeOptions.url ?? 'unknown'
    if (trouble.status >= 500) request.log.error({ err: error, route }, trouble.title)
    return answer(request, reply, trouble, sessions)
  })
}

function classify(error: unknown): Trouble {
  if (isDatabaseAway(error)) return DATABASE_AWAY
  const status = statusOf(error)
  if (status === 429) return TOO_MANY
  if (status >= 400 && status < 500) return { ...NOT_UNDERSTOOD, status }
  return OUR_MISTAKE
}

const statusOf = (error: unknown): number =>
  error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500
