// Who the caller is, and whether a form is ours. A session cookie names a row by the hash that the
// database keeps; before login a form cookie protects the forms alone, without any row.

import type { FastifyReply, FastifyRequest } from 'fastify'
import { shiftMs, spanMs, type UnixMs } from '../../../../shared/units.ts'
import type { Random } from '../../../../shared/bytes.ts'
import { CUSTOMER_SESSION_MS, OPERATOR_SESSION_MS } from '../core/limits.ts'
import type { AccessStore } from '../db/access.ts'
import type { AccessWatch } from '../shell/watch.ts'
import { field } from '../../kit/door.ts'
import type { PageContext, Viewer } from '../../kit/context.ts'
import {
  fitsForm,
  formToken,
  isSessionToken,
  SESSION_BYTES,
  tokenHash,
  tokenText,
} from '../shell/tokens.ts'

/** What the access routes need from the rest. */
export interface AccessDeps {
  readonly access: AccessStore
  readonly now: () => UnixMs
  readonly random: Random
  /** As people type it, without a slash at the end; `https:` makes cookies Secure. */
  readonly baseUrl: string
  readonly demo: boolean
  readonly watch: AccessWatch
}

export interface Sessions {
  readonly watch: AccessWatch
  /** The caller; null when nobody is logged in. */
  viewer(request: FastifyRequest): Promise<Viewer | null>
  /** Logs an operator in whose stored password is still that one; false: it is not. */
  open(
    reply: FastifyReply,
    operator: { readonly id: number; readonly password: string },
  ): Promise<boolean>
  /** Lets in the customer whose link it is; null: it opens nothing. */
  openByLink(reply: FastifyReply, link: Buffer): Promise<number | null>
  close(request: FastifyRequest, reply: FastifyReply): Promise<void>
  /** What the pages need; sets a form cookie when there is no cookie yet. */
  context(request: FastifyRequest, reply: FastifyReply, viewer: Viewer | null): PageContext
  /** Whether the posted form came from a page of ours under the same cookie. */
  formFits(request: FastifyRequest): boolean
}

interface CookieNames {
  readonly session: string
  readonly form: string
}

/** `__Host-` keeps other hosts of the domain from setting or widening the cookie; browsers require
 * Secure for it. */
const namesOf = (secure: boolean): CookieNames =>
  secure
    ? { session: '__Host-ticklock-session', form: '__Host-ticklock-form' }
    : { session: 'ticklock-session', form: 'ticklock-form' }

/** Names and options for the cookies of a request. `always`: the environment says https. Otherwise
 * they are secure where this very request came by https: the public address that is entered on a
 * page must not lock out whoever entered it before the proxy stands. */
function cookiesOf(always: boolean) {
  const isSecure = (request: FastifyRequest): boolean => always || request.protocol === 'https'
  return {
    namesFor: (request: FastifyRequest): CookieNames => namesOf(isSecure(request)),
    cookieFor: (request: FastifyRequest) =>
      ({ path: '/', httpOnly: true, sameSite: 'lax', secure: isSecure(request) }) as const,
  }
}

export function createSessions(
  deps: AccessDeps,
  site: Pick<PageContext, 'assets' | 'isPage'>,
): Sessions {
  const { namesFor, cookieFor } = cookiesOf(deps.baseUrl.startsWith('https:'))
  const tokenIn = (request: FastifyRequest, name: string): string | null => {
    const token = request.cookies[name] ?? ''
    return isSessionToken(token) ? token : null
  }
  const fresh = (length: number) => {
    const token = tokenText(deps.random(SESSION_BYTES))
    const now = deps.now()
    return { token, session: { hash: tokenHash(token), now, expiresAt: later(now, length) } }
  }
  const hand = (reply: FastifyReply, token: string, length: number): void => {
    const [names, cookie] = [namesFor(reply.request), cookieFor(reply.request)]
    void reply.setCookie(names.session, token, { ...cookie, maxAge: length / 1_000 })
    void reply.clearCookie(names.form, cookie)
  }
  return {
    watch: deps.watch,
    async viewer(request) {
      const token = tokenIn(request, namesFor(request).session)
      return token === null ? null : deps.access.viewer(tokenHash(token), deps.now())
    },
    async open(reply, operator) {
      const { token, session } = fresh(OPERATOR_SESSION_MS)
      const opened = await deps.access.openSession(session, operator)
      if (opened) hand(reply, token, OPERATOR_SESSION_MS)
      return opened
    },
    async openByLink(reply, link) {
      const { token, session } = fresh(CUSTOMER_SESSION_MS)
      const customer = await deps.access.openByLink(session, link)
      if (customer !== null) hand(reply, token, CUSTOMER_SESSION_MS)
      return customer
    },
    async close(request, reply) {
      const { session } = namesFor(request)
      const token = tokenIn(request, session)
      if (token !== null) await deps.access.closeSession(tokenHash(token))
      void reply.clearCookie(session, cookieFor(request))
    },
    context(request, reply, viewer) {
      const names = namesFor(request)
      let token = tokenIn(request, viewer === null ? names.form : names.session)
      if (token === null) {
        token = tokenText(deps.random(SESSION_BYTES))
        void reply.setCookie(names.form, token, cookieFor(request))
      }
      const path = request.url.split('?')[0] ?? '/'
      return { viewer, formToken: formToken(token), path, ...site, demo: deps.demo }
    },
    formFits(request) {
      // Browsers say where a request comes from; a client that does not still needs the token.
      const site = request.headers['sec-fetch-site'] ?? 'same-origin'
      if (site !== 'same-origin' && site !== 'none') return false
      const given = field(request, 'form_token')
      const names = namesFor(request)
      return [names.session, names.form].some((name) => {
        const token = tokenIn(request, name)
        return token !== null && fitsForm(token, given)
      })
    },
  }
}

const later = (now: UnixMs, span: number): UnixMs => shiftMs(now, spanMs(span))
