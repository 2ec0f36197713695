// How long a request may take to arrive. Node has one limit for all of a server's requests; a file
// over a thin line needs minutes, and a form that takes minutes is somebody who holds a place.

import type { FastifyInstance } from 'fastify'
import { REQUEST_MS_MAX, UPLOAD_MS_MAX } from './limits.ts'

/** `formMs` for every request, `fileMs` where a route takes a file. */
export function limitArrival(
  app: FastifyInstance,
  { formMs, fileMs } = { formMs: REQUEST_MS_MAX, fileMs: UPLOAD_MS_MAX },
): void {
  app.addHook('onRequest', async ({ raw, routeOptions }, reply) => {
    if (raw.complete) return
    const limit = routeOptions.config.takesFile === true ? fileMs : formMs
    // A request without a body never says that it ended: nobody reads it. Its answer may be a list
    // that takes minutes over a thin line.
    const timer = setTimeout(() => {
      if (!raw.complete) raw.destroy()
    }, limit)
    const arrived = (): void => clearTimeout(timer)
    raw.once('end', arrived)
    reply.raw.once('close', arrived)
  })
}
