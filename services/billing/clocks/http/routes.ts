// The pages for the head-end's clock and for a meter's; a slave's clock is on its device's page.

import type { FastifyInstance } from 'fastify'
import { isMeterNumber } from '../../../../shared/meter/reading.ts'
import type { UnixMs } from '../../../../shared/units.ts'
import { type Door, isDeviceId, param } from '../../kit/door.ts'
import { NOT_FOUND } from '../../kit/trouble.ts'
import type { ClockReads } from '../db/reads.ts'
import { HeadClockPage, MeterClockPage } from '../pages/clock.tsx'
import { spanOf } from './span.ts'

export interface ClockDeps {
  readonly clocks: Pick<ClockReads, 'clock' | 'headClock'>
  /** What people call the device; null: no such device. */
  readonly deviceName: (device: string) => Promise<string | null>
  readonly now: () => UnixMs
}

export function clockRoutes(app: FastifyInstance, deps: ClockDeps, page: Door): void {
  const { clocks, now } = deps
  app.get(
    '/clock',
    page(async ({ context, request }) => {
      const { span, since } = spanOf(request, now())
      const [report, history] = await Promise.all([
        clocks.headClock(),
        clocks.clock({ device: '', meter: '' }, since),
      ])
      return { page: HeadClockPage({ context, report, history, span, now: now() }) }
    }),
  )
  app.get(
    '/fleet/:id/clock/:meter',
    page(async ({ context, request }) => {
      const [device, meter] = [param(request, 'id'), param(request, 'meter')]
      if (!isDeviceId(device) || !isMeterNumber(meter)) return { trouble: NOT_FOUND }
      const { span, since } = spanOf(request, now())
      const [name, history] = await Promise.all([
        deps.deviceName(device),
        clocks.clock({ device, meter }, since),
      ])
      if (name === null || history === null) return { trouble: NOT_FOUND }
      return { page: MeterClockPage({ context, name, history, span, now: now() }) }
    }),
  )
}
