// The one door in front of every page: no handler runs before the caller is known.

import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest, RouteHandlerMethod } from 'fastify'
import type { VNode } from 'preact'
import { errorText } from '../../../../shared/node/fault-error.ts'
import { type CsvList, csvPieces } from '../../kit/csv.ts'
import type { Outcome, Shown, Upload, Visit } from '../../kit/door.ts'
import { htmlOf } from '../../kit/layout.tsx'
import { NOT_FOUND, troubleOf } from '../../kit/trouble.ts'
import type { Viewer } from '../../kit/context.ts'
import { answer, FORM_STALE, refuse } from './answer.ts'
import type { Sessions } from './session.ts'
import { takeForm } from './upload.ts'

const REFUSED = {
  'too large': troubleOf(
    413,
    'This form is too large',
    'A file may have 32 MiB and a text field beside it 4 KiB. Split the file.',
  ),
  unreadable: troubleOf(
    400,
    'The server did not understand that',
    'Go back and try again from the page itself.',
  ),
} as const

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
    if (viewer.kind === kind && takesFile(request)) {
      const form = await takeForm(request)
      if (typeof form === 'string') {
        // Whatever else it sends is not waited for.
        void reply.header('connection', 'close')
        return answer(request, reply, REFUSED[form], sessions, viewer)
      }
      try {
        return await handled(request, reply, viewer, form.upload)
      } finally {
        form.finish()
      }
    }
    return handled(request, reply, viewer, null)
  }

  async function handled(
    request: FastifyRequest,
    reply: FastifyReply,
    viewer: Viewer,
    upload: Upload | null,
  ): Promise<FastifyReply> {
    if (request.method === 'POST' && !sessions.formFits(request)) {
      return answer(request, reply, FORM_STALE, sessions, viewer)
    }
    if (viewer.kind !== kind) return answer(request, reply, NOT_FOUND, sessions, viewer)
    const context = sessions.context(request, reply, viewer)
    const outcome = await handle({ request, context, viewer, upload })
    if ('trouble' in outcome) return answer(request, reply, outcome.trouble, sessions, viewer)
    if ('csv' in outcome) return sendList(sessions, request, reply, outcome)
    return send(reply, outcome)
  }
}

/** A form with a file, on a route that takes one. Elsewhere nobody reads such a body, so its token
 * is not found. */
const takesFile = (request: FastifyRequest): boolean =>
  request.isMultipart() && request.routeOptions.config.takesFile === true

function send(
  reply: FastifyReply,
  outcome: Exclude<Shown, { readonly csv: CsvList }>,
): FastifyReply {
  if ('to' in outcome) return reply.redirect(outcome.to, 303)
  void reply.header('cache-control', 'no-store')
  if ('page' in outcome) return sendPage(reply.code(outcome.status ?? 200), outcome.page)
  void reply.header('content-disposition', attachment(outcome.name))
  if ('json' in outcome) return reply.type('application/json; charset=utf-8').send(outcome.json)
  return reply.type('application/pdf').send(Buffer.from(outcome.pdf))
}

const attachment = (name: string): string => `attachment; filename="${name}"`

/** A list that breaks off has its first lines out already: the connection ends, so that the browser
 * says so, and the log has the reason. */
function sendList(
  sessions: Sessions,
  request: FastifyRequest,
  reply: FastifyReply,
  { csv, name }: { readonly csv: CsvList; readonly name: string },
): FastifyReply {
  async function* pieces(): AsyncGenerator<string> {
    try {
      yield* csvPieces(csv)
    } catch (error) {
      refuse(sessions, request, 'OPS-28', errorText(error))
      throw error
    }
  }
  return reply
    .header('cache-control', 'no-store')
    .header('content-disposition', attachment(name))
    .type('text/csv; charset=utf-8')
    .send(Readable.from(pieces()))
}

export const sendPage = (reply: FastifyReply, page: VNode): FastifyReply =>
  reply.header('cache-control', 'no-store').type('text/html; charset=utf-8').send(htmlOf(page))
