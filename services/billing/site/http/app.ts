// The billing server's web side: one Fastify app over plain dependencies. It does not listen;
// main.ts does, and tests inject. Choices: docs/adr/0005-web.md.

import fastifyCookie from '@fastify/cookie'
import fastifyFormbody from '@fastify/formbody'
import fastifyHelmet from '@fastify/helmet'
import fastifyRateLimit from '@fastify/rate-limit'
import fastify, { type FastifyInstance, LogController } from 'fastify'
import { accessRoutes } from '../../access/http/routes.ts'
import { serveAssets } from './assets.ts'
import { customerRoutes } from './customer-routes.ts'
import type { WebDeps } from './deps.ts'
import {
  ADDRESSES_MAX,
  BODY_BYTES_MAX,
  CONNECTION_MS_MAX,
  CONNECTIONS_MAX,
  PARAM_CHARS_MAX,
  REQUEST_MS_MAX,
  REQUESTS_PER_MINUTE,
} from '../../access/http/limits.ts'
import { machineRoutes } from './machine-routes.ts'
import { operatorRoutes } from './operator-routes.ts'
import { createSessions } from '../../access/http/session.ts'
import { installTroubles } from '../../access/http/trouble.ts'

export async function buildApp(deps: WebDeps): Promise<FastifyInstance> {
  const app = fastify({
    ...(deps.log === null ? { logger: false } : { loggerInstance: deps.log }),
    // Request lines would carry the secrets of links; metrics count requests instead.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_MS_MAX,
    connectionTimeout: CONNECTION_MS_MAX,
    routerOptions: { maxParamLength: PARAM_CHARS_MAX },
  })
  app.server.maxConnections = CONNECTIONS_MAX
  await app.register(fastifyHelmet, headersFor(deps.baseUrl))
  await app.register(fastifyCookie)
  await app.register(fastifyFormbody, { bodyLimit: BODY_BYTES_MAX })
  await app.register(fastifyRateLimit, {
    max: REQUESTS_PER_MINUTE,
    timeWindow: '1 minute',
    cache: ADDRESSES_MAX,
  })
  const assets = serveAssets(app)
  const sessions = createSessions(deps, assets)
  installTroubles(app, sessions)
  machineRoutes(app, deps)
  accessRoutes(app, deps, sessions)
  operatorRoutes(app, deps, sessions)
  customerRoutes(app, deps, sessions)
  return app
}

/** Nothing inline, nothing foreign, no frames: an injected script would have nowhere to come from.
 * */
function headersFor(baseUrl: string) {
  const secure = baseUrl.startsWith('https:')
  const self = ["'self'"]
  const none = ["'none'"]
  return {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: none,
        styleSrc: self,
        scriptSrc: self,
        imgSrc: self,
        connectSrc: self,
        formAction: self,
        frameAncestors: none,
        baseUri: none,
      },
    },
    strictTransportSecurity: secure ? { maxAge: 31_536_000 } : false,
    referrerPolicy: { policy: 'no-referrer' as const },
    xFrameOptions: { action: 'deny' as const },
  }
}
