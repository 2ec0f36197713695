// A simulated P1 port: keeps writing telegrams to a stream, as a DSMR meter does by itself.

import type { Writable } from 'node:stream'
import { encodeTelegram } from '../../shared/meter/dsmr/dsmr.ts'
import type { UnixMs } from '../../shared/units.ts'
import type { SimulatedMeter } from './simulated-meter.ts'

const two = (number: number): string => String(number).padStart(2, '0')

/** `YYMMDDhhmmssW`: the winter time of a zone `standardOffsetMinutes` east of UTC. */
function winterStamp(at: UnixMs, standardOffsetMinutes: number): string {
  const local = new Date(at + standardOffsetMinutes * 60_000)
  const date = [local.getUTCFullYear() % 100, local.getUTCMonth() + 1, local.getUTCDate()]
  const time = [local.getUTCHours(), local.getUTCMinutes(), local.getUTCSeconds()]
  return `${[...date, ...time].map(two).join('')}W`
}

const kilo = (wh: number, digits: number): string => (wh / 1_000).toFixed(3).padStart(digits, '0')

/** A DSMR 5 telegram with the meter's register at `now`. */
export function simulatedTelegram(
  meter: SimulatedMeter,
  now: UnixMs,
  standardOffsetMinutes = 60,
): Uint8Array {
  const register = meter.registerWh(now)
  const id = Buffer.from(meter.number, 'latin1').toString('hex').toUpperCase()
  return encodeTelegram([
    '/TCK5TICKLOCK-SIM',
    '',
    '1-3:0.2.8(50)',
    `0-0:1.0.0(${winterStamp(now, standardOffsetMinutes)})`,
    `0-0:96.1.1(${id})`,
    `1-0:1.8.1(${kilo(register, 10)}*kWh)`,
    '1-0:2.8.1(000000.000*kWh)',
    '0-0:96.14.0(0001)',
  ])
}

export interface DsmrFeeder {
  close(): void
}

/** Writes `telegram()` at once and then every `everyMs`; skips turns while the reader does not keep
 * up. */
export function feedDsmr(
  stream: Writable,
  telegram: () => Uint8Array,
  everyMs: number,
): DsmrFeeder {
  const feed = () => {
    if (!stream.writableNeedDrain && stream.writable) stream.write(telegram())
  }
  const timer = setInterval(feed, everyMs)
  feed()
  return { close: () => clearInterval(timer) }
}
