// A meter behind a serial line, simulated: a drifting crystal, bytes that take their time, a meter
// that computes before and after it looks at its clock, and a USB adapter that holds answers back.
// True time is our monotonic clock: only the meter's clock against ours is under test here.

import {
  lineTime,
  type LineRate,
  type MeterClockRead,
} from '../../../shared/clock/meter/meter-clock-line.ts'
import { type MonoUs, monoUs, type SpanUs, unixUs } from '../../../shared/units.ts'
import type { Chance } from '../../sim/prng.ts'
import { normal } from './delays.ts'

export interface LineModel {
  readonly rate: LineRate
  /** The fraction by which bytes are really slower than the rate says. */
  readonly slower: number
  readonly requestBytes: number
  readonly answerBytes: number
  /** Time both ends need to code, decode and look, microseconds. */
  readonly thinkingUs: number
  /** The part of it that passes before the meter looks at its clock. */
  readonly before: number
  /** The adapter holds an answer back for up to this long, microseconds. */
  readonly usbUs: number
}

const rate = (baud: number): LineRate => ({ baud, bits: 10 })

/** Fitted to the delays of the paper's Table 1: one bare integer each way. */
export const withoutObis = (baud: number): LineModel => ({
  rate: rate(baud),
  slower: 0,
  requestBytes: 4.65,
  answerBytes: 4.65,
  thinkingUs: 370,
  before: 0.5,
  usbUs: 0,
})

/** The same with COSEM objects: a short request, a clock structure back. */
export const withObis = (baud: number): LineModel => ({
  rate: rate(baud),
  slower: 0,
  requestBytes: 13,
  answerBytes: 26,
  thinkingUs: 570,
  before: 0.5,
  usbUs: 0,
})

/** What the paper measured: baud rate, interval in seconds, offset in microseconds without and with
 * OBIS. */
export const TABLE_1 = [
  { baud: 460_800, interval: 60, without: 60, with: 80 },
  { baud: 460_800, interval: 180, without: 220, with: 220 },
  { baud: 460_800, interval: 300, without: 380, with: 380 },
  { baud: 57_600, interval: 60, without: 440, with: 380 },
  { baud: 57_600, interval: 180, without: 1_190, with: 1_230 },
  { baud: 57_600, interval: 300, without: 1_950, with: 2_000 },
] as const

interface CrystalModel {
  readonly ratePpm: number
  /** Random walk of the frequency, per square root of a second. */
  readonly wander: number
  /** The time the meter shows at our instant 0. */
  readonly startUs: number
}

const SECOND_US = 1_000_000

/** The meter's clock at our instants. Ask in order of time, going back by less than a second. */
export interface Crystal {
  readonly showsAt: (mono: number) => number
  /** Sets the clock: from now on it shows this much more, and runs this much faster. */
  readonly adjust: (mono: number, offsetUs: number, trimPpm: number) => void
}

export function crystalOf(model: CrystalModel, chance: Chance): Crystal {
  let { startUs: shown } = model
  let since = 0
  let walked = model.ratePpm
  let trim = 0
  const rated = (mono: number): number => shown + (mono - since) * (1 + (walked + trim) * 1e-6)
  const forward = (mono: number): void => {
    while (mono - since > SECOND_US) {
      shown = rated(since + SECOND_US)
      since += SECOND_US
      walked += model.wander * 1e6 * normal(chance)
    }
  }
  return {
    showsAt: (mono) => {
      forward(mono)
      return rated(mono)
    },
    adjust: (mono, offsetUs, trimPpm) => {
      forward(mono)
      shown = rated(mono) + offsetUs
      since = mono
      trim += trimPpm
    },
  }
}

/** One question and its answer: when the meter looked at its clock, when the answer arrived. */
export interface Trip {
  readonly t1: MonoUs
  readonly looked: MonoUs
  readonly t4: MonoUs
}

export function trip(line: LineModel, t1: MonoUs, chance: Chance): Trip {
  const byteUs = lineTime(1, line.rate) * (1 + line.slower)
  const arrived = t1 + line.requestBytes * byteUs + chance.unit() * byteUs
  const looked = arrived + line.thinkingUs * line.before
  const left = looked + line.thinkingUs * (1 - line.before)
  const t4 = left + line.answerBytes * byteUs + chance.unit() * byteUs + chance.unit() * line.usbUs
  return { t1, looked: monoUs(looked), t4: monoUs(t4) }
}

export const onLineOf = ({
  requestBytes,
  answerBytes,
  rate,
}: LineModel): MeterClockRead['onLine'] => ({
  request: lineTime(requestBytes, rate),
  answer: lineTime(answerBytes, rate),
})

/** Reads the meter's clock. */
export function readMeter(
  crystal: Crystal,
  line: LineModel,
  resolution: SpanUs,
  t1: MonoUs,
  chance: Chance,
): MeterClockRead {
  const { looked, t4 } = trip(line, t1, chance)
  const utc = unixUs(Math.floor(crystal.showsAt(looked) / resolution) * resolution)
  return { t1, t4, utc, resolution, onLine: onLineOf(line), status: null }
}
