// One request on a SEM line, and which answer is its own.

import type { MeterClockRead } from '../../../../../shared/clock/meter/meter-clock-line.ts'
import type { LineEvent } from '../line-event.ts'
import { encodeSem, type SemAnswer, type SemRequest } from '../../../../../shared/meter/sem/sem.ts'
import {
  SEM_CLOCK_RESOLUTION_US,
  type SemClockAnswer,
  type SemClockRequest,
} from '../../../../../shared/meter/sem/clock.ts'
import {
  elapsedUs,
  type MonoUs,
  shiftUs,
  type SpanUs,
  spanUs,
} from '../../../../../shared/units.ts'

/** What is asked about the clock gets one attempt and says nothing of the meter's health: many
 * meters know no such request and pass it over. */
export interface Ask {
  readonly meter: string
  readonly kind: 'now' | 'history' | 'clock' | 'change'
  /** The time in a change is as of `at`. */
  readonly request: SemRequest | SemClockRequest
  readonly at: MonoUs
}
export const isOfClock = ({ kind }: Ask): boolean => kind === 'clock' || kind === 'change'
/** A time to be set is right when the meter has the request, not when somebody thought of it. */
export function asSent({ request, at }: Ask, now: MonoUs, byteUs: SpanUs): Ask['request'] {
  if (request.is !== 'ask-change' || request.change.how === 'shift') return request
  const { how, utc } = request.change
  const onLine = encodeSem(request).length * byteUs
  return {
    ...request,
    change: { how, utc: shiftUs(utc, spanUs(elapsedUs(at, now) + onLine)) },
  }
}

/** Rows that were not asked for belong to an earlier request, given up meanwhile. */
export function fitsRange(answer: SemAnswer, { request }: Ask): boolean {
  if (answer.is !== 'history' || request.is !== 'ask-history') return false
  const { from, to, rowsMax } = request
  const inside = answer.rows.every(({ intervalEnd }) => intervalEnd >= from && intervalEnd <= to)
  return inside && answer.rows.length <= rowsMax
}

/** A clock's time belongs to its own request alone: behind a later one it is wrong by the wait. */
export function fitsToken(answer: SemClockAnswer, { request }: Ask): boolean {
  const wanted = answer.is === 'clock' ? 'ask-clock' : 'ask-change'
  return request.is === wanted && request.token === answer.token
}

/** What an answer about the clock tells; its first byte came at `at`. */
export function clockTold(
  answer: SemClockAnswer,
  { sentAt, onLine }: { readonly sentAt: MonoUs; readonly onLine: MeterClockRead['onLine'] },
  at: MonoUs,
): LineEvent {
  const { consumer: meter } = answer
  if (answer.is === 'changed') return { on: 'clock-changed', meter, became: answer.answer }
  const found = {
    t1: sentAt,
    t4: at,
    utc: answer.utc,
    resolution: spanUs(SEM_CLOCK_RESOLUTION_US),
    onLine,
    status: answer.status,
  }
  return { on: 'clock-read', meter, found }
}

export const unsupported = ({ meter, kind }: Ask): LineEvent =>
  kind === 'clock'
    ? { on: 'clock-read', meter, found: 'unsupported' }
    : { on: 'clock-changed', meter, became: 'unsupported' }
