// Requests that no route answers, and errors that a route throws: classified once for the whole
// server.

import type { FastifyInstance } from 'fastify'
import { errorText } from '../../../../shared/node/fault-error.ts'
import { answer, TOO_MANY } from '../../access/http/answer.ts'
import type { Sessions } from '../../access/http/session.ts'
import { NOT_FOUND, type Trouble, troubleOf } from '../../kit/trouble.ts'
import { isDatabaseAway } from '../../store/database-away.ts'

const DATABASE_AWAY = troubleOf(
  503,
  'The database is away for the moment',
  'No reading is lost: the slaves keep every one until it can be stored. This page comes back on ' +
    'its own when the database does.',
  'OPS-08',
)
const NOT_UNDERSTOOD = troubleOf(
  400,
  'The server did not understand that',
  'Go back and try again from the page itself.',
)
const OUR_MISTAKE = troubleOf(
  500,
  'Something went wrong on our side',
  'The server has logged it under this code. Please try again in a moment.',
  'OPS-28',
)

export function installTroubles(app: FastifyInstance, sessions: Sessions): void {
  app.setNotFoundHandler((request, reply) => answer(request, reply, NOT_FOUND, sessions))
  app.setErrorHandler((error, request, reply) => {
    const trouble = classify(error, request.raw.destroyed || request.raw.aborted)
    if (trouble.status >= 500 && trouble.fault !== null) {
      // The route's pattern, never the URL: that may hold a link's secret.
      const route = request.routeOptions.url ?? 'unknown'
      sessions.watch.refused(trouble.fault, errorText(error), { route, at: placeOf(error) })
    }
    return answer(request, reply, trouble, sessions)
  })
}

/** The first line of the stack: where it was thrown. */
const placeOf = (error: unknown): string =>
  /^\s+at (.*)$/m.exec(error instanceof Error ? (error.stack ?? '') : '')?.[1] ?? ''

/** The client went away in the middle of what it sent: nobody reads our answer. */
const isGone = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ECONNRESET' && !('severity' in error)

function classify(error: unknown, gone: boolean): Trouble {
  if (gone && isGone(error)) return { ...NOT_UNDERSTOOD, status: 400 }
  if (isDatabaseAway(error)) return DATABASE_AWAY
  const status = statusOf(error)
  if (status === 429) return TOO_MANY
  if (status >= 400 && status < 500) return { ...NOT_UNDERSTOOD, status }
  return OUR_MISTAKE
}

const statusOf = (error: unknown): number =>
  error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500
