// Logging in and out: operators by password, the first operator by a set-up link, customers by the
// link of their bill notice. Opening a link by GET never logs anybody in: mail scanners do that
// too.

import type { FastifyInstance, FastifyReply, FastifyRequest, RouteHandlerMethod } from 'fastify'
import type { VNode } from 'preact'
import { field, param } from '../../kit/door.ts'
import { startOf } from '../../kit/navigation.ts'
import { type Trouble, troubleOf } from '../../kit/trouble.ts'
import { createAttempts } from '../core/attempts.ts'
import {
  isOperatorName,
  isPassword,
  NAME_RULE,
  PASSWORD_CHARS_MAX,
  PASSWORD_CHARS_MIN,
  PASSWORD_RULE,
} from '../core/credentials.ts'
import { LINKS_PER_MINUTE, LOGINS_PER_MINUTE } from '../core/limits.ts'
import { LinkPage, LoginPage, SetupPage } from '../pages/access.tsx'
import { createPasswords, SALT_BYTES } from '../shell/passwords.ts'
import { isLinkToken, tokenHash } from '../shell/tokens.ts'
import { answer, FORM_STALE, LINK_SPENT, refuse, SETUP_SPENT, TOO_MANY } from './answer.ts'
import { sendPage } from './guard.ts'
import { isPageOf } from './is-page.ts'
import type { AccessDeps, Sessions } from './session.ts'

const LOGIN_REFUSED = troubleOf(401, 'Log in', 'Name or password is wrong.', 'OPS-20')
const NAME_REFUSED = troubleOf(422, 'First operator', NAME_RULE)
const PASSWORD_REFUSED = troubleOf(422, 'First operator', PASSWORD_RULE)

const perMinute = (max: number) => ({
  config: { rateLimit: { max, timeWindow: '1 minute' } },
})

/** Where everybody starts: it leads on to the first page of whoever it is. */
const START = '/'
/** Where the first operator starts: the way from an empty database to the first bill. */
const CHECKLIST = '/start'

export function accessRoutes(app: FastifyInstance, deps: AccessDeps, sessions: Sessions): void {
  const isPage = isPageOf(app)
  app.get('/', async (request, reply) => {
    const viewer = await sessions.viewer(request)
    if (viewer === null) return reply.redirect('/login', 303)
    return reply.redirect(viewer.kind === 'operator' ? startOf(isPage) : '/home', 303)
  })
  app.post(
    '/logout',
    posted(sessions, async (request, reply) => {
      await sessions.close(request, reply)
      sessions.watch.allowed('logout', { from: request.ip })
      return reply.redirect('/login', 303)
    }),
  )
  loginRoutes(app, deps, sessions)
  setupRoutes(app, deps, sessions)
  linkRoutes(app, deps, sessions)
}

/** No POST is handled unless its form token matches (OPS-22). */
const posted =
  (
    sessions: Sessions,
    handle: (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>,
  ): RouteHandlerMethod =>
  async (request, reply) =>
    sessions.formFits(request)
      ? handle(request, reply)
      : answer(request, reply, FORM_STALE, sessions)

function loginRoutes(app: FastifyInstance, deps: AccessDeps, sessions: Sessions): void {
  const passwords = createPasswords()
  const attempts = createAttempts()
  const show = (request: FastifyRequest, reply: FastifyReply, refused: Trouble | null) => {
    const context = sessions.context(request, reply, null)
    return sendPage(reply.code(refused?.status ?? 200), LoginPage({ context, refused }))
  }
  app.get('/login', async (request, reply) => show(request, reply, null))
  app.post(
    '/login',
    perMinute(LOGINS_PER_MINUTE),
    posted(sessions, async (request, reply) => {
      const name = field(request, 'name').trim()
      const password = field(request, 'password')
      const wrong = (who: string) => {
        refuse(sessions, request, 'OPS-20', who)
        return show(request, reply, LOGIN_REFUSED)
      }
      if (!isOperatorName(name) || password.length > PASSWORD_CHARS_MAX) {
        return wrong('no operator has such a name or password')
      }
      const attempt = { name, address: request.ip, now: deps.now() }
      if (!attempts.admit(attempt)) return answer(request, reply, TOO_MANY, sessions)
      const operator = await deps.access.operator(name)
      const fits = await passwords.verify(password, operator?.password ?? null)
      if (fits === 'busy') return answer(request, reply, TOO_MANY, sessions)
      if (operator === null) return wrong('no operator has this name')
      if (!fits || !(await sessions.open(reply, operator))) return wrong(`operator ${name}`)
      attempts.succeeded(attempt)
      sessions.watch.allowed('login', { operator: name, from: request.ip })
      return reply.redirect(START, 303)
    }),
  )
}

function setupRoutes(app: FastifyInstance, deps: AccessDeps, sessions: Sessions): void {
  const passwords = createPasswords()
  const page = (request: FastifyRequest, reply: FastifyReply, refused: Trouble | null): VNode => {
    const context = sessions.context(request, reply, null)
    const token = param(request, 'token')
    return SetupPage({ context, refused, token, passwordMin: PASSWORD_CHARS_MIN })
  }
  const isOpen = (token: string) =>
    isLinkToken(token) ? deps.access.setupOpen(tokenHash(token), deps.now()) : false
  app.get('/setup/:token', perMinute(LINKS_PER_MINUTE), async (request, reply) =>
    (await isOpen(param(request, 'token')))
      ? sendPage(reply, page(request, reply, null))
      : answer(request, reply, SETUP_SPENT, sessions),
  )
  app.post(
    '/setup/:token',
    perMinute(LOGINS_PER_MINUTE),
    posted(sessions, async (request, reply) => {
      const token = param(request, 'token')
      if (!(await isOpen(token))) return answer(request, reply, SETUP_SPENT, sessions)
      const again = (refused: Trouble) =>
        sendPage(reply.code(refused.status), page(request, reply, refused))
      const name = field(request, 'name').trim()
      const chosen = field(request, 'password')
      if (!isOperatorName(name)) return again(NAME_REFUSED)
      if (!isPassword(chosen)) return again(PASSWORD_REFUSED)
      const password = await passwords.hash(chosen, deps.random(SALT_BYTES))
      const hash = tokenHash(token)
      const made = await deps.access.setUp({ hash, name, password, now: deps.now() })
      if (made === 'spent') return answer(request, reply, SETUP_SPENT, sessions)
      sessions.watch.allowed('first operator', { operator: name, from: request.ip })
      await sessions.open(reply, { id: made.id, password })
      return reply.redirect(CHECKLIST, 303)
    }),
  )
}

function linkRoutes(app: FastifyInstance, deps: AccessDeps, sessions: Sessions): void {
  const isOpen = async (token: string): Promise<boolean> =>
    isLinkToken(token) && (await deps.access.linkOpen(tokenHash(token), deps.now()))
  app.get('/c/:token', perMinute(LINKS_PER_MINUTE), async (request, reply) => {
    const token = param(request, 'token')
    if (!(await isOpen(token))) return answer(request, reply, LINK_SPENT, sessions)
    const context = sessions.context(request, reply, null)
    return sendPage(reply, LinkPage({ context, token }))
  })
  app.post(
    '/c/:token',
    perMinute(LINKS_PER_MINUTE),
    posted(sessions, async (request, reply) => {
      const token = param(request, 'token')
      const customer = isLinkToken(token)
        ? await sessions.openByLink(reply, tokenHash(token))
        : null
      if (customer === null) return answer(request, reply, LINK_SPENT, sessions)
      sessions.watch.allowed('link used', { customer, from: request.ip })
      return reply.redirect('/home', 303)
    }),
  )
}
