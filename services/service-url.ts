// The address of a service with its user and password, as a variable states it:
// `smtps://user:password@host:465`. A mistake in it is OPS-05 with the variable's name and never
// with its text, which holds a secret.
//
// What a person copies into a URL is often not written for one. Where `/`, `?` or `#` of a password
// end the part before the host, the rest would be another address than was meant; so nothing may
// follow the host.

import { errorText, FaultError } from '../shared/node/fault-error.ts'
import type { VariableName } from './variables.ts'

export interface ServiceUrl {
  /** Without its colon. */
  readonly scheme: string
  /** A name or address; IPv6 without brackets. */
  readonly host: string
  readonly port: number | null
  readonly user: string
  readonly password: string
  /** Scheme, host and port alone. */
  readonly origin: string
}

const HOST = /^(?:\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?\.?)$/i
const ESCAPE = 'in a user or password write % as %25, / as %2F, ? as %3F, # as %23, @ as %40'

/** `schemes`: those that are allowed. OPS-05. */
export function serviceUrl(
  name: VariableName,
  text: string,
  schemes: readonly string[],
): ServiceUrl {
  const wrong = (what: string): FaultError => new FaultError('OPS-05', `${name}: ${what}`)
  const forms = schemes.map((scheme) => `${scheme}://user:password@host`).join(' or ')
  if (!URL.canParse(text)) throw wrong(`not a URL such as ${forms}; ${ESCAPE}`)
  const url = new URL(text)
  const scheme = url.protocol.slice(0, -1)
  if (!schemes.includes(scheme)) throw wrong(`not a URL such as ${forms}`)
  if (!HOST.test(url.hostname)) throw wrong(`names no host; ${ESCAPE}`)
  const isBare = ['', '/'].includes(url.pathname) && url.search === '' && url.hash === ''
  if (!isBare) throw wrong(`something follows the host; ${ESCAPE}`)
  if (url.port === '0') throw wrong('port 0')
  return {
    scheme,
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? null : Number(url.port),
    ...login(name, url),
    origin: url.origin,
  }
}

/** User and password of a URL; OPS-05 when a `%` in them begins no escape. */
export function login(
  name: VariableName,
  url: URL,
): { readonly user: string; readonly password: string } {
  try {
    return { user: decodeURIComponent(url.username), password: decodeURIComponent(url.password) }
  } catch (error) {
    throw new FaultError('OPS-05', `${name}: ${errorText(error)}; ${ESCAPE}`)
  }
}
