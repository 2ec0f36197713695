// The head-end's sources of time: as an operator names them, and as the clock's thread runs them.

import { isIPv6 } from 'node:net'
import { NTP_PORT } from '../../../../shared/clock/ntp/packet.ts'
import type { FrequencyPrior } from '../../../../shared/clock/estimate/bank.ts'
import type { SourceView } from '../../../../shared/clock/estimate/source.ts'
import type { MonoUs } from '../../../../shared/units.ts'
import { NTS_KE_PORT } from './nts-ke.ts'

export interface TimeSource {
  /** As the operator wrote it. */
  readonly name: string
  readonly kind: 'ntp' | 'nts'
  readonly host: string
  readonly port: number
}

/** A source as the clock's thread runs it, whatever its protocol. */
export interface RunningSource {
  readonly of: TimeSource
  view(at: MonoUs): SourceView
  /** What it learned of our oscillator; null: nothing yet. */
  frequency(): FrequencyPrior | null
  /** Whether it asks there: one server has one vote, whatever its names. */
  asks(address: string, port: number): boolean
  tick(at: MonoUs): void
  /** What it said is void; `at`: when to ask again. */
  forget(at: MonoUs): void
  close(): void
}

/** More sources make no clock better: four survive a liar, ten survive four. */
const SOURCES_MAX = 10
/** RFC 1123: letters, digits and hyphens between dots; 253 characters. */
const HOST =
  /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*\.?$/i
/** `host`, `host:port`, `[address]` or `[address]:port`, with or without `nts:` before it. */
const SOURCE = /^(nts:)?(?:\[([^\]]*)\]|([^:[\]]+))(?::(\d{1,5}))?$/

/** Sources separated by commas, such as `ntp1.example.org, nts:time.example.org,
 * [2001:db8::1]:1123`; or what is wrong with them. Naming one twice is refused: it would have two
 * votes. */
export function parseTimeSources(text: string): readonly TimeSource[] | string {
  if (text.trim() === '') return []
  const sources: TimeSource[] = []
  for (const part of text.split(',')) {
    const name = part.trim()
    const source = parseOne(name)
    if (source === null) return `"${name}" is not a time source`
    if (sources.some((other) => isSame(other, source))) return `"${name}" is named twice`
    sources.push(source)
  }
  return sources.length > SOURCES_MAX ? `more than ${SOURCES_MAX} time sources` : sources
}

const isSame = (a: TimeSource, b: TimeSource): boolean =>
  a.kind === b.kind && a.port === b.port && oneSpelling(a.host) === oneSpelling(b.host)

/** A name without its final dot, IPv6 with its zeros compressed. */
function oneSpelling(host: string): string {
  const url = `http://[${host}]`
  return isIPv6(host) && URL.canParse(url) ? new URL(url).hostname : host.replace(/\.$/, '')
}

function parseOne(name: string): TimeSource | null {
  const [whole, nts, address, named = '', digits] = SOURCE.exec(name) ?? []
  if (whole === undefined) return null
  const kind = nts === undefined ? 'ntp' : 'nts'
  const host = (address ?? named).toLowerCase()
  if (address === undefined ? !HOST.test(host) : !isIPv6(host)) return null
  const port = digits === undefined ? { ntp: NTP_PORT, nts: NTS_KE_PORT }[kind] : Number(digits)
  return port >= 1 && port <= 65_535 ? { name, kind, host, port } : null
}
