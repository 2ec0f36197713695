// A meter line as the slave sees it: one serial port or socket, one protocol, 1 to 250 meters.

import { assert, unreachable } from '../../../../shared/assert.ts'
import type { FaultCode } from '../../../../shared/faults.ts'
import { isMeterNumber } from '../../../../shared/meter/reading.ts'
import type { MonoUs } from '../../../../shared/units.ts'
import { openDsmrLine } from './dsmr/driver.ts'
import type { LineEvent, MeterLine } from './line-event.ts'
import { parseLineUrl, type LineAddress } from './line-url.ts'
import { openSemLine } from './sem/driver.ts'

export interface MeterLineConfig {
  /** `serial:/dev/ttyUSB0?baud=9600&format=8N1` or `tcp://host:port`. */
  readonly url: string
  readonly protocol: 'sem' | 'dsmr'
  readonly meters: readonly string[]
  /** Take readings without a checksum, marked so. */
  readonly allowUnchecked: boolean
  /** DSMR: winter offset of the meter's zone east of UTC, minutes. */
  readonly standardOffsetMinutes: number
  /** DSMR: the number printed on the meter, to be compared with each telegram. */
  readonly equipmentId?: string
}

/** Most meters on one line: as many as a poll every few minutes reaches at 9600 baud. */
export const LINE_METERS_MAX = 250
/** A P1 meter's name leaves room for `.4`, the meters behind it. */
const P1_NAME_MAX = 30
/** Offsets there are, minutes: UTC-12 to UTC+14. */
const OFFSET_MIN = -720
const OFFSET_MAX = 840

export type MeterLineVerdict =
  | { readonly ok: true; readonly address: LineAddress }
  | { readonly ok: false; readonly fault: FaultCode; readonly detail: string }

/** Checks a line of the configuration; OPS-05 with what exactly is wrong. */
export function checkMeterLine(config: MeterLineConfig): MeterLineVerdict {
  const { url, protocol, meters, standardOffsetMinutes } = config
  const refuse = (detail: string) => ({ ok: false, fault: 'OPS-05', detail }) as const
  const bad = meters.find((meter) => !isMeterNumber(meter))
  if (bad !== undefined) return refuse(`"${bad}" is no meter number (1 to 32 of A-Z a-z 0-9 . _ -)`)
  if (new Set(meters).size < meters.length) return refuse(`a meter stands twice on ${url}`)
  if (meters.length < 1 || meters.length > LINE_METERS_MAX) {
    return refuse(`${url} has ${meters.length} meters, not 1 to ${LINE_METERS_MAX}`)
  }
  if (protocol === 'dsmr') {
    if (meters.length > 1) return refuse(`${url}: a P1 port has one meter`)
    if (meters.some((meter) => meter.length > P1_NAME_MAX)) {
      return refuse(`${url}: the name of a P1 meter has at most ${P1_NAME_MAX} characters`)
    }
    const whole = Number.isInteger(standardOffsetMinutes)
    if (!whole || standardOffsetMinutes < OFFSET_MIN || standardOffsetMinutes > OFFSET_MAX) {
      return refuse(`${url}: the offset is not ${OFFSET_MIN} to ${OFFSET_MAX} minutes`)
    }
  }
  return parseLineUrl(url)
}

/** Opens a line that passed checkMeterLine, and keeps it open until `close`. */
export function openMeterLine(
  config: MeterLineConfig,
  onEvent: (event: LineEvent) => void,
  clock: { mono(): MonoUs },
): MeterLine {
  const verdict = checkMeterLine(config)
  assert(verdict.ok, 'a meter line is checked before it is opened')
  const { url, protocol, meters, allowUnchecked, standardOffsetMinutes } = config
  const { address } = verdict
  switch (protocol) {
    case 'sem':
      return openSemLine({ url, address, meters, allowUnchecked }, onEvent, clock)
    case 'dsmr': {
      const [meter = ''] = meters
      const equipmentId = config.equipmentId ?? null
      const listening = { url, address, meter, allowUnchecked, standardOffsetMinutes, equipmentId }
      return openDsmrLine(listening, onEvent, clock)
    }
    default:
      return unreachable(protocol)
  }
}
