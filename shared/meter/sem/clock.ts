// The SEM frames about a meter's clock: reading it and changing it. docs/meters.md 1.6 is
// normative. Times are hundredths of a second, as in the COSEM clock.
//
// Each request carries a token that its answer repeats. Without it an answer that arrives after the
// next request would be taken for that one's, and be wrong by the time between the two.

import type { MeterClockAnswer, MeterClockChange } from '../../clock/meter/meter-clock-line.ts'
import { unreachable } from '../../assert.ts'
import { spanUs, unixUs, type UnixUs } from '../../units.ts'
import { integer } from './integer.ts'

/** Resolution of the times: a hundredth of a second, microseconds. */
export const SEM_CLOCK_RESOLUTION_US = 10_000
/** Largest token. */
export const SEM_TOKEN_MAX = 999
/** Farthest shift, hundredths: 900 s, as for the COSEM clock (class 8, method 6). */
const SHIFT_MAX = 90_000
/** Latest time, hundredths since 1970: 2255-06-05, the last that whole microseconds can express. */
const HUNDREDTHS_MAX = 900_719_925_473
/** The clock status is one byte. */
const STATUS_MAX = 255

export type SemClockRequest =
  | { readonly is: 'ask-clock'; readonly address: string; readonly token: number }
  | {
      readonly is: 'ask-change'
      readonly address: string
      readonly token: number
      readonly change: MeterClockChange
    }

export type SemClockAnswer =
  | {
      readonly is: 'clock'
      readonly consumer: string
      readonly token: number
      /** What the meter's clock showed when it took the request, in whole hundredths. */
      readonly utc: UnixUs
      /** COSEM clock status. */
      readonly status: number
    }
  | {
      readonly is: 'changed'
      readonly consumer: string
      readonly token: number
      readonly answer: Exclude<MeterClockAnswer, 'none'>
    }

export type SemClockFrame = SemClockRequest | SemClockAnswer

export const CLOCK_FRAMES: readonly string[] = ['ask-clock', 'ask-change', 'clock', 'changed']

const HOW = { light: 'L', write: 'W', shift: 'D' } as const

/** Reads a body about the clock; null when it is none. `who` has been checked. */
export function decodeClockBody(
  kind: string,
  who: string,
  fields: readonly string[],
): SemClockFrame | null {
  const token = integer(fields[2], 0, SEM_TOKEN_MAX)
  if (token === null) return null
  switch (kind) {
    case 'C':
      return fields.length === 3 ? { is: 'ask-clock', address: who, token } : null
    case 'S': {
      const change = fields.length === 5 ? changeOf(fields[3], fields[4]) : null
      return change === null ? null : { is: 'ask-change', address: who, token, change }
    }
    case 'T': {
      const utc = integer(fields[3], 0, HUNDREDTHS_MAX)
      const status = integer(fields[4], 0, STATUS_MAX)
      if (fields.length !== 5 || utc === null || status === null) return null
      return { is: 'clock', consumer: who, token, utc: fromHundredths(utc), status }
    }
    case 'A': {
      const taken = integer(fields[3], 0, 1)
      if (fields.length !== 4 || taken === null) return null
      return { is: 'changed', consumer: who, token, answer: taken === 1 ? 'ack' : 'nak' }
    }
    default:
      return null
  }
}

function changeOf(how: string | undefined, text: string | undefined): MeterClockChange | null {
  if (how === HOW.shift) {
    const by = integer(text, -SHIFT_MAX, SHIFT_MAX)
    return by === null ? null : { how: 'shift', by: spanUs(by * SEM_CLOCK_RESOLUTION_US) }
  }
  const utc = integer(text, 0, HUNDREDTHS_MAX)
  if (utc === null || (how !== HOW.light && how !== HOW.write)) return null
  return { how: how === HOW.light ? 'light' : 'write', utc: fromHundredths(utc) }
}

const fromHundredths = (value: number): UnixUs => unixUs(value * SEM_CLOCK_RESOLUTION_US)
const hundredths = (us: number): number => Math.floor(us / SEM_CLOCK_RESOLUTION_US)
const nearest = (us: number): number => Math.round(us / SEM_CLOCK_RESOLUTION_US)

export function encodeClockBody(frame: SemClockFrame): string {
  switch (frame.is) {
    case 'ask-clock':
      return `C;${frame.address};${frame.token}`
    case 'ask-change': {
      const { address, token, change } = frame
      const value = nearest(change.how === 'shift' ? change.by : change.utc)
      return `S;${address};${token};${HOW[change.how]};${value}`
    }
    case 'clock':
      return `T;${frame.consumer};${frame.token};${hundredths(frame.utc)};${frame.status}`
    case 'changed':
      return `A;${frame.consumer};${frame.token};${frame.answer === 'ack' ? 1 : 0}`
    default:
      return unreachable(frame)
  }
}
