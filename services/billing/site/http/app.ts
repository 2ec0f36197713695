// The billing server's web side: one Fastify app over plain dependencies. It does not listen;
// main.ts does, and tests inject. Choices: docs/adr/0005-web.md.

import fastifyCookie from '@fastify/cookie'
import fastifyFormbody from '@fastify/formbody'
import fastifyHelmet from '@fastify/helmet'
import fastifyMultipart from '@fastify/multipart'
import fastifyRateLimit from '@fastify/rate-limit'
import fastify, { type FastifyInstance, LogController } from 'fastify'
import { isIP } from 'node:net'
import { readableForwarded } from '../../access/core/forwarded.ts'
import { attentionRoutes } from '../../attention/http/routes.ts'
import { accountRoutes } from '../../access/http/account-routes.ts'
import { countedAddress } from '../../../../shared/node/admission.ts'
import { guarded } from '../../access/http/guard.ts'
import { isPageOf } from '../../access/http/is-page.ts'
import { accessRoutes } from '../../access/http/routes.ts'
import { createSessions, type Sessions } from '../../access/http/session.ts'
import { myBillRoutes } from '../../bills/http/my-routes.ts'
import { boardRoutes } from '../../bills/http/board-routes.ts'
import { billRoutes } from '../../bills/http/routes.ts'
import { clockRoutes } from '../../clocks/http/routes.ts'
import { assignRoutes } from '../../fleet/http/assign-routes.ts'
import { meterFormRoutes } from '../../fleet/http/meter-form-routes.ts'
import { meterRoutes } from '../../fleet/http/meter-routes.ts'
import { importRoutes } from '../../customers/http/import-routes.ts'
import { fleetRoutes } from '../../fleet/http/routes.ts'
import { UPLOAD_LIMITS } from '../../access/http/upload.ts'
import type { Door } from '../../kit/door.ts'
import { isPlainText } from '../../kit/plain-text.ts'
import { noticeRoutes } from '../../notices/http/routes.ts'
import { manualRoutes } from '../../readings/http/manual-routes.ts'
import { ownReadingRoutes } from '../../readings/http/own-routes.ts'
import { readingRoutes, usageRoutes } from '../../readings/http/routes.ts'
import { tariffRoutes } from '../../tariffs/http/routes.ts'
import { utilityRoutes } from '../../utility/http/routes.ts'
import { limitArrival } from './arrival.ts'
import { customerPages } from '../../customers/http/routes.ts'
import { accountViewRoutes } from './account-view-routes.ts'
import { serveAssets } from './assets.ts'
import { demoRoutes } from './demo-routes.ts'
import { limitConnections } from './connections.ts'
import type { WebDeps } from './deps.ts'
import { homeRoutes } from './home-routes.ts'
import {
  ADDRESSES_MAX,
  BODY_BYTES_MAX,
  CONNECTION_MS_MAX,
  HEADER_BYTES_MAX,
  HEADERS_MS_MAX,
  IDLE_MS_MAX,
  LOOK_MS,
  PARAM_CHARS_MAX,
  REQUESTS_PER_MINUTE,
  UPLOAD_MS_MAX,
} from './limits.ts'
import { searchRoutes } from './search-routes.ts'
import { machineRoutes } from './machine-routes.ts'
import { installTroubles } from './troubles.ts'

const FORWARDED = 'x-forwarded-for'

export async function buildApp(deps: WebDeps): Promise<FastifyInstance> {
  const app = fastify({
    logger: false,
    // Request lines would carry the secrets of links; metrics count requests instead.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: UPLOAD_MS_MAX,
    connectionTimeout: CONNECTION_MS_MAX,
    keepAliveTimeout: IDLE_MS_MAX,
    http: {
      headersTimeout: HEADERS_MS_MAX,
      maxHeaderSize: HEADER_BYTES_MAX,
      connectionsCheckingInterval: LOOK_MS,
    },
    routerOptions: { maxParamLength: PARAM_CHARS_MAX },
    trustProxy: deps.trustedProxies.length === 0 ? false : [...deps.trustedProxies],
  })
  limitConnections(app.server, deps)
  limitArrival(app)
  // Before anything asks for the client's address: limits and log go by what is left of the line.
  app.addHook('onRequest', async ({ raw: { headers } }) => {
    const line = headers[FORWARDED]
    if (line === undefined) return
    headers[FORWARDED] = readableForwarded(String(line), (text) => isIP(text) !== 0)
    if (headers[FORWARDED] === '') delete headers[FORWARDED]
  })
  await app.register(fastifyHelmet, headersFor(deps.baseUrl))
  await app.register(fastifyCookie)
  await app.register(fastifyFormbody, { bodyLimit: BODY_BYTES_MAX })
  await app.register(fastifyMultipart, { limits: UPLOAD_LIMITS, throwFileSizeLimit: false })
  await app.register(fastifyRateLimit, {
    max: REQUESTS_PER_MINUTE,
    timeWindow: '1 minute',
    cache: ADDRESSES_MAX,
    // A household has a whole /64 of IPv6 to choose from.
    keyGenerator: ({ ip }) => countedAddress(ip),
  })
  // Before any handler: what no form, link or search of ours can hold never reaches the database.
  app.addHook('preHandler', async ({ params, query, body }) => {
    for (const fields of [params, query, body]) assertPlain(fields)
  })
  const assets = serveAssets(app)
  const sessions = createSessions(deps, { assets, isPage: isPageOf(app) })
  installTroubles(app, sessions)
  machineRoutes(app, deps)
  accessRoutes(app, deps, sessions)
  operatorRoutes(app, deps, sessions)
  customerRoutes(app, deps, sessions)
  return app
}

/** Control characters and halves of letters are answered with 400; a text area's tabs and line ends
 * are not among them. */
function assertPlain(fields: unknown): void {
  if (typeof fields !== 'object' || fields === null) return
  for (const [name, value] of Object.entries(fields)) {
    const texts: unknown[] = Array.isArray(value) ? [name, ...value] : [name, value]
    if (texts.every((text) => typeof text !== 'string' || isPlainText(text))) continue
    throw Object.assign(new Error('a control character in a field'), { statusCode: 400 })
  }
}

function operatorRoutes(app: FastifyInstance, deps: WebDeps, sessions: Sessions): void {
  const page: Door = guarded.bind(null, sessions, 'operator')
  attentionRoutes(app, deps, page)
  customerPages(app, deps, page)
  accountViewRoutes(app, deps, page)
  searchRoutes(app, deps, page)
  fleetRoutes(app, deps, page)
  assignRoutes(app, deps, page)
  meterRoutes(app, deps, page)
  meterFormRoutes(app, deps, page)
  readingRoutes(app, deps, page)
  manualRoutes(app, deps, page)
  clockRoutes(app, deps, page)
  billRoutes(app, deps, page)
  boardRoutes(app, deps, page)
  noticeRoutes(app, deps, page)
  tariffRoutes(app, deps, page)
  utilityRoutes(app, deps, page)
  accountRoutes(app, deps, page)
  importRoutes(app, deps, page)
  demoRoutes(app, deps, { sessions, page })
}

/** A customer's own pages. */
function customerRoutes(app: FastifyInstance, deps: WebDeps, sessions: Sessions): void {
  const page: Door = guarded.bind(null, sessions, 'customer')
  homeRoutes(app, deps, page)
  usageRoutes(app, deps, page)
  ownReadingRoutes(app, deps, page)
  myBillRoutes(app, deps, page)
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
    // This host alone: what else the domain serves is not ours to decide.
    strictTransportSecurity: secure ? { maxAge: 31_536_000, includeSubDomains: false } : false,
    referrerPolicy: { policy: 'no-referrer' as const },
    xFrameOptions: { action: 'deny' as const },
  }
}
