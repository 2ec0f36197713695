// One request on a SEM line, and which answer belongs to it.

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

/** A request about the clock gets one attempt and says nothing about the meter's health: many
 * meters do not know it and ignore it. */
export interface Ask {
  readonly meter: string
  readonly kind: 'now' | 'history' | 'clock' | 'change'
  /** The time in a change was right at `at`. */
  readonly request: SemRequest | SemClockRequest
  readonly at: MonoUs
}
export const isOfClock = ({ kind }: Ask): boolean => kind === 'clock' || kind === 'change'
/** Moves the time in a change on to the instant at which the meter has the whole request. */
export function asSent({ request, at }: Ask, now: MonoUs, byteUs: SpanUs): Ask['request'] {
  if (request.is !== 'ask-change' || request.change.how === 'shift') return request
  const { how, utc } = request.change
  const onLine = encodeSem(request).length * byteUs
  return {
    ...request,
    change: { how, utc: shiftUs(utc, spanUs(elapsedUs(at, now) + onLine)) },
  }
}

/** Rows that were not asked for answer an earlier request, given up meanwhile. */
export function fitsRange(answer: SemAnswer, { request }: Ask): boolean {
  if (answer.is !== 'history' || request.is !== 'ask-history') return false
  const { from, to, rowsMax } = request
  const inside = answer.rows.every(({ intervalEnd }) => intervalEnd >= from && intervalEnd <= to)
  return inside && answer.rows.length <= rowsMax
}

/** A clock's time answers its own request alone: taken for a later one it is wrong by the wait. */
export function fitsToken(answer: SemClockAnswer, { request }: Ask): boolean {
  const wanted = answer.is === 'clock' ? 'ask-clock' : 'ask-change'
  return request.is === wanted && request.token === answer.token
}

/** The event of an answer about the clock; its first byte came at `at`. */
export function clockEvent(
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
