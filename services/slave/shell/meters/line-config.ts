// One [[line]] of the configuration: a serial port or socket, one protocol, 1 to 250 meters. What a
// line may say and which defaults it has, the protocol's descriptor knows.

import { z } from 'zod'
import { isMeterNumber } from '../../../../shared/meter/reading.ts'
import { PROFILE_MINUTES, profileInterval } from '../../../../shared/meter/profile.ts'
import type { SpanMs } from '../../../../shared/units.ts'
import { firstMistake, type Mistake, mistake } from '../mistake.ts'
import type { MeterLine } from './line-event.ts'
import { parseLineUrl } from './line-url.ts'
import type { LineClock, MeterProtocol, OnLineEvent } from './protocol.ts'

export interface LineConfig {
  readonly url: string
  readonly protocol: MeterProtocol
  readonly meters: readonly string[]
  readonly everyMs: number
  /** Whether what was missed is read from the meters' load profiles. */
  readonly history: boolean
  /** Interval of the load profile; null: the protocol reads none. */
  readonly profileIntervalMs: SpanMs | null
  /** What is done about the meters' clocks: observed, or corrected lightly too. */
  readonly clock: 'watch' | 'light'
  /** Standard (winter) time of the meters' calendar, minutes east of UTC. */
  readonly standardOffsetMinutes: number
  /** Opens the line and keeps it open until `close`. */
  open(onEvent: OnLineEvent, clock: LineClock): MeterLine
}

/** Most meters on one line: as many as a poll every few minutes reaches at 9600 baud. */
const LINE_METERS_MAX = 250
/** Offsets there are, minutes: UTC-12 to UTC+14. */
const OFFSET_MIN = -720
const OFFSET_MAX = 840

/** The keys that every line may have. */
const common = z.object({
  url: z.string(),
  protocol: z.unknown(),
  meters: z.array(z.string()).min(1),
  // A day at most: the master's pages call a meter silent after that.
  every: z.number().min(1).max(86_400).default(60),
  history: z.boolean().optional(),
  interval: z.literal(PROFILE_MINUTES).optional(),
  clock: z.enum(['watch', 'light']).default('watch'),
  standard_offset_minutes: z.int().optional(),
})
type Common = z.infer<typeof common>

/** A table of the file: keys and values. */
export const lineTable = z.record(z.string(), z.unknown())
type LineTable = z.infer<typeof lineTable>

/** Reads and checks a line; a mistake says where in the table it is. */
export function readLine(
  table: LineTable,
  protocols: readonly MeterProtocol[],
): { readonly ok: true; readonly line: LineConfig } | Mistake {
  const read = common.safeParse(table)
  if (!read.success) return firstMistake(read.error)
  const { data: line } = read
  const protocol = protocols.find(({ name }) => name === line.protocol)
  if (protocol === undefined) {
    const names = protocols.map(({ name }) => name).join(', ')
    const said = line.protocol === undefined ? 'no name' : JSON.stringify(line.protocol)
    return mistake(['protocol'], `${said} is none of the protocols: ${names}`)
  }
  const own = Object.entries(table).filter(([key]) => !Object.hasOwn(common.shape, key))
  const configured = protocol.configure(Object.fromEntries(own))
  if (!configured.ok) return configured
  const { url, meters } = line
  const wrong = wrongMeters(url, meters) ?? wrongFor(line, protocol)
  if (wrong !== null) return wrong
  const place = parseLineUrl(url)
  if (!place.ok) return mistake([], place.detail)
  const unable = wrongAbility(line, protocol)
  if (unable !== null) return unable

  const { address } = place
  const { profile } = protocol.can
  const standardOffsetMinutes = line.standard_offset_minutes ?? 0
  const setup = { url, address, meters, standardOffsetMinutes }
  return {
    ok: true,
    line: {
      url,
      protocol,
      meters,
      everyMs: Math.round(line.every * 1_000),
      history: line.history ?? profile !== null,
      profileIntervalMs: profile === null ? null : profileInterval(line.interval ?? profile),
      clock: line.clock,
      standardOffsetMinutes,
      open: (onEvent, clock) => configured.open(setup, onEvent, clock),
    },
  }
}

function wrongMeters(url: string, meters: readonly string[]): Mistake | null {
  const bad = meters.find((meter) => !isMeterNumber(meter))
  if (bad !== undefined) {
    return mistake([], `"${bad}" is no meter number (1 to 32 of A-Z a-z 0-9 . _ -)`)
  }
  if (new Set(meters).size < meters.length) return mistake([], `a meter stands twice on ${url}`)
  if (meters.length <= LINE_METERS_MAX) return null
  return mistake([], `${url} has ${meters.length} meters, not 1 to ${LINE_METERS_MAX}`)
}

function wrongFor({ url, meters, ...line }: Common, protocol: MeterProtocol): Mistake | null {
  const { name, civilTime } = protocol
  const { standard_offset_minutes: offset } = line
  if (civilTime && offset === undefined) {
    return mistake([], `a ${name} line needs standard_offset_minutes, winter time east of UTC`)
  }
  const refused = protocol.refuse(meters)
  if (refused !== null) return mistake([], `${url}: ${refused}`)
  if (!civilTime || offset === undefined) return null
  if (offset >= OFFSET_MIN && offset <= OFFSET_MAX) return null
  return mistake([], `${url}: the offset is not ${OFFSET_MIN} to ${OFFSET_MAX} minutes`)
}

/** What the line wants and its meters cannot do. */
function wrongAbility(line: Common, { title, can }: MeterProtocol): Mistake | null {
  if (line.history === true && can.profile === null) {
    return mistake(['history'], `a ${title} has no load profile to read`)
  }
  if (line.interval !== undefined && can.profile === null) {
    return mistake(['interval'], `a ${title} has no load profile to read`)
  }
  if (line.clock === 'light' && !can.clockSet) {
    return mistake(['clock'], `a ${title} has no clock that could be set`)
  }
  return null
}
