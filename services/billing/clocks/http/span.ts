import type { FastifyRequest } from 'fastify'
import { shiftMs, spanMs, type UnixMs } from '../../../../shared/units.ts'
import { query } from '../../kit/door.ts'
import { CLOCK_SPANS, isClockSpan } from '../core/views.ts'

/** How far back a plot goes: a day, unless the query asks for an hour or a week. */
export function spanOf(request: FastifyRequest, now: UnixMs) {
  const asked = query(request, 'span')
  const span = isClockSpan(asked) ? asked : '24h'
  return { span, since: shiftMs(now, spanMs(-CLOCK_SPANS[span])) }
}
