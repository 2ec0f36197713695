// Figures for Prometheus, read when it asks. No personal data: counts and bounds only.

import type { Pool } from 'pg'
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { readSummary } from '../db/summary.ts'

export function serverMetrics(pool: Pool): Registry {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, prefix: 'ticklock_' })
  const gauge = (name: string, help: string): Gauge =>
    new Gauge({ name: `ticklock_${name}`, help, registers: [registry] })
  const meters = gauge('meters_live', 'Meters with a reading stored in the last 60 seconds')
  const readings = gauge('readings_total', 'Readings stored')
  const bills = gauge('bills_total', 'Bills issued')
  const notices = gauge('notices_total', 'Notices queued for mail and SMS')
  const bound = gauge('clock_bound_ms', 'Largest clock error bound of the connected slaves')
  const links = gauge('slaves_connected', 'Slaves with an open session')
  const backlog = gauge('backlog_frames', 'Frames waiting at the connected slaves')
  const refused = new Gauge({
    name: 'ticklock_refused_total',
    help: 'Messages refused, by fault code (docs/faults.md)',
    labelNames: ['code'],
    registers: [registry],
    async collect() {
      const [summary, fleet, codes] = await Promise.all([
        readSummary(pool),
        pool.query<{ links: number; backlog: number }>(
          `select count(*)::int as links, coalesce(sum(backlog_frames), 0)::int as backlog
           from device_status where connected_at is not null and disconnected_at is null`,
        ),
        pool.query<{ code: string; count: number }>(
          'select code, sum(count)::int8 as count from refusals group by code',
        ),
      ])
      meters.set(summary.meters)
      readings.set(summary.readings)
      bills.set(summary.bills)
      notices.set(summary.notices)
      bound.set(summary.clockBoundMs ?? Number.NaN)
      links.set(fleet.rows[0]?.links ?? 0)
      backlog.set(fleet.rows[0]?.backlog ?? 0)
      for (const { code, count } of codes.rows) refused.set({ code }, count)
    },
  })
  countExceptions(registry, pool)
  return registry
}

function countExceptions(registry: Registry, pool: Pool): void {
  const exceptions: Gauge = new Gauge({
    name: 'ticklock_exceptions_total',
    help: 'What was authentic and no plain reading, by fault code (docs/faults.md)',
    labelNames: ['code'],
    registers: [registry],
    async collect() {
      const { rows } = await pool.query<{ code: string; count: number }>(
        `select substr(name, 11) as code, count from counters where name like 'exception %'`,
      )
      for (const { code, count } of rows) exceptions.set({ code }, count)
    },
  })
}
