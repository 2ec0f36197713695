// The one door in front of every page: no handler runs before the caller is known.

import type { FastifyReply, FastifyRequest, RouteHandlerMethod } from 'fastify'
import type { VNode } from 'preact'
import type { Viewer } from '../db/access.ts'
import { htmlOf, type PageContext } from '../../kit/layout.tsx'
import type { Trouble } from '../../site/pages/views.ts'
import type { Sessions } from './session.ts'
import { answer, FORM_STALE, NOT_FOUND } from './trouble.ts'

/** What a page handler returns: a page, a file, a redirect, or what went wrong. */
type Shown =
  | { readonly to: string }
  | { readonly page: VNode }
  | { readonly pdf: Uint8Array; readonly name: string }
export type Outcome = Shown | { readonly trouble: Trouble }

interface Visit {
  readonly request: FastifyRequest
  readonly context: PageContext
  readonly viewer: Viewer
}

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

/** A path parameter as text; empty when the route has none of that name. */
export function param(request: FastifyRequest, name: string): string {
  return textIn(request.params, name)
}

/** A query field as text; empty when missing or repeated. */
export const query = (request: FastifyRequest, name: string): string => textIn(request.query, name)

function textIn(fields: unknown, name: string): string {
  if (typeof fields !== 'object' || fields === null || !Object.hasOwn(fields, name)) return ''
  const text: unknown = Reflect.get(fields, name)
  return typeof text === 'string' ? text : ''
}

/** A row id: 1 to 15 digits, so always a safe integer; null otherwise. */
export const rowId = (text: string): number | null =>
  /^[1-9]\d{0,14}$/.test(text) ? Number(text) : null

/** A bill number as a file name: nothing in it can end or extend the header. */
export const fileName = (number: string): string =>
  `${number.replaceAll(/[^A-Za-z0-9._-]/g, '-')}.pdf`
