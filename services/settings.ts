// What the environment says of a head-end: ports, time, data folder, database.

import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { resolve } from 'node:path'
import { decodeText } from '../shared/documents/text.ts'
import { errorText, FaultError } from '../shared/node/fault-error.ts'
import { TOLERANCE_MAX, TOLERANCE_MIN } from '../shared/wire/limits.ts'
import { zoneProblem } from './billing/civil/zones.ts'
import { originOf, PUBLIC_URL_RULE } from './billing/utility/core/public-url.ts'
import { parseTimeSources, type TimeSource } from './master/shell/time/time-source.ts'
import { type Environment, variable, type VariableName } from './variables.ts'

export interface Settings {
  /** Address that all our servers bind to. */
  readonly host: string
  readonly httpPort: number
  /** Where customers reach the pages, without a slash at the end; null: not said. */
  readonly publicUrl: string | null
  /** Addresses and subnets whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[]
  readonly tcpPort: number
  readonly wsPort: number
  /** UDP; 0: NTP is not served. */
  readonly ntpPort: number
  /** Empty: this machine's own clock. */
  readonly timeSources: readonly TimeSource[]
  /** Certificates (PEM) trusted for NTS servers, besides those Node trusts. */
  readonly timeAuthorities: readonly string[]
  readonly dataFolder: string
  readonly databaseUrl: string | null
  /** The same database, as the owner of its tables; null: databaseUrl is that too. */
  readonly ownerUrl: string | null
  /** Error bound that the operator states for this machine's clock, microseconds; null: not
   * synchronised. */
  readonly clockBoundUs: number | null
  readonly toleranceSeconds: number
  /** Handshakes a minute from one address. */
  readonly handshakesPerSource: number
  /** Whose midnights the back-fill of a new device begins with; null: the profile says it. */
  readonly zone: string | null
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g

/** OPS-05 names the variable that is not valid. */
export function readSettings(env: Environment): Settings {
  const number = (name: VariableName, [least, most]: readonly [number, number]): number => {
    const text = variable(env, name)
    const value = Number(text)
    if (/^\d{1,9}$/.test(text) && value >= least && value <= most) return value
    throw new FaultError('OPS-05', `${name}="${text}" is not a number ${least} to ${most}`)
  }
  const port = (name: VariableName): number => number(name, [1, 65_535])
  const boundUnknown = variable(env, 'TICKLOCK_CLOCK_BOUND_MS') === 'unknown'
  return {
    host: hostFrom(env),
    httpPort: port('TICKLOCK_HTTP_PORT'),
    publicUrl: publicUrlFrom(env),
    trustedProxies: trustedProxiesFrom(env),
    tcpPort: port('TICKLOCK_TCP_PORT'),
    wsPort: port('TICKLOCK_WS_PORT'),
    ntpPort: number('TICKLOCK_NTP_PORT', [0, 65_535]),
    timeSources: timeSourcesFrom(env),
    timeAuthorities: timeAuthoritiesFrom(env),
    dataFolder: resolve(variable(env, 'TICKLOCK_DATA')),
    databaseUrl: databaseUrlFrom(env, 'DATABASE_URL'),
    ownerUrl: ownerUrlFrom(env),
    clockBoundUs: boundUnknown ? null : number('TICKLOCK_CLOCK_BOUND_MS', [0, 60_000]) * 1_000,
    toleranceSeconds: number('TICKLOCK_TOLERANCE_S', [TOLERANCE_MIN, TOLERANCE_MAX]),
    handshakesPerSource: number('TICKLOCK_HANDSHAKES_PER_SOURCE', [1, 1_000_000]),
    zone: zoneFrom(env),
  }
}

/** OPS-05 when it is no address of pages. */
function publicUrlFrom(env: Environment): string | null {
  const text = variable(env, 'TICKLOCK_PUBLIC_URL')
  if (text === '') return null
  const origin = originOf(text)
  if (origin !== null) return origin
  throw new FaultError('OPS-05', `TICKLOCK_PUBLIC_URL: ${PUBLIC_URL_RULE}`)
}

/** Addresses and subnets, separated by commas; OPS-05 names the one that is none. */
function trustedProxiesFrom(env: Environment): readonly string[] {
  const entries = variable(env, 'TICKLOCK_TRUSTED_PROXY').split(',')
  return entries.flatMap((entry) => {
    const text = entry.trim()
    if (text === '') return []
    const [address = '', length, more] = text.split('/')
    const bits = isIP(address) === 4 ? 32 : 128
    // A prefix of 0 would trust everybody, that is, let each caller name himself.
    const subnet = length === undefined || (/^[1-9]\d{0,2}$/.test(length) && Number(length) <= bits)
    if (isIP(address) !== 0 && subnet && more === undefined) return [text]
    throw new FaultError(
      'OPS-05',
      `TICKLOCK_TRUSTED_PROXY: "${text}" is neither an address nor a subnet such as 10.0.0.0/8`,
    )
  })
}

/** A name or an address, without a port. */
const HOST = /^[A-Za-z0-9._:%-]{1,253}$/

function hostFrom(env: Environment): string {
  const host = variable(env, 'TICKLOCK_HOST')
  if (HOST.test(host) && (isIP(host) !== 0 || !/[:%]|^[\d.]+$/.test(host))) return host
  throw new FaultError('OPS-05', `TICKLOCK_HOST="${host}" is neither an address nor a name`)
}

function zoneFrom(env: Environment): string | null {
  const zone = variable(env, 'TICKLOCK_ZONE')
  const problem = zone === '' ? null : zoneProblem(zone)
  if (problem === null) return zone === '' ? null : zone
  throw new FaultError('OPS-05', `TICKLOCK_ZONE="${zone}": ${problem}`)
}

/** As `pg` takes it: a URL, or the folder of a socket. Its text is a secret. */
const DATABASE_URL = /^(?:postgres(?:ql)?:\/\/.|socket:.|\/)/

function databaseUrlFrom(
  env: Environment,
  name: 'DATABASE_URL' | 'TICKLOCK_MIGRATION_URL',
): string | null {
  const url = variable(env, name)
  if (url === '') return null
  if (DATABASE_URL.test(url)) return url
  throw new FaultError('OPS-05', `${name}: not a URL such as postgres://user:password@host/name`)
}

/** OPS-05 when it is the owner of no database. */
function ownerUrlFrom(env: Environment): string | null {
  const url = databaseUrlFrom(env, 'TICKLOCK_MIGRATION_URL')
  if (url === null || variable(env, 'DATABASE_URL') !== '') return url
  throw new FaultError('OPS-05', 'TICKLOCK_MIGRATION_URL without DATABASE_URL')
}

/** OPS-05 names what is wrong with TICKLOCK_TIME_SOURCES. */
function timeSourcesFrom(env: Environment): readonly TimeSource[] {
  const sources = parseTimeSources(variable(env, 'TICKLOCK_TIME_SOURCES'))
  if (typeof sources !== 'string') return sources
  throw new FaultError('OPS-05', `TICKLOCK_TIME_SOURCES: ${sources}`)
}

/** The certificates in the file TICKLOCK_TIME_CA; OPS-05 when there are none. */
function timeAuthoritiesFrom(env: Environment): readonly string[] {
  const path = variable(env, 'TICKLOCK_TIME_CA')
  if (path === '') return []
  try {
    // Node accepts any text as an authority and complains only later.
    // Text around the certificates may be in any encoding; they themselves are ASCII.
    const text = decodeText(readFileSync(path), 'windows-1252')
    const found = text.ok ? (text.text.match(CERTIFICATE) ?? []) : []
    if (found.length === 0) throw new Error(`no certificate in ${path}`)
    return found.map((pem) => new X509Certificate(pem).toString())
  } catch (error) {
    throw new FaultError('OPS-05', `TICKLOCK_TIME_CA: ${errorText(error)}`)
  }
}
