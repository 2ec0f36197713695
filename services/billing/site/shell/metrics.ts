// Figures for Prometheus, read on each scrape. No personal data: counts and bounds only.

import type { Pool } from 'pg'
import { collectDefaultMetrics, Registry } from 'prom-client'
import { readSummary } from '../db/summary.ts'
import { clockMetrics } from '../../clocks/shell/clock-metrics.ts'
import { gaugesOf } from '../../store/gauges.ts'

interface Counted {
  readonly code: string
  readonly count: number
}

async function readFigures(pool: Pool) {
  const [summary, fleet, refused, exceptions] = await Promise.all([
    readSummary(pool),
    pool.query<{ links: number; backlog: number }>(
      `select count(*)::int as links, coalesce(sum(backlog_frames), 0)::int as backlog
       from device_status where connected_at is not null and disconnected_at is null`,
    ),
    pool.query<Counted>('select code, sum(count)::int8 as count from refusals group by code'),
    pool.query<Counted>(
      `select substr(name, 11) as code, count from counters where name like 'exception %'`,
    ),
  ])
  const [{ links, backlog } = { links: 0, backlog: 0 }] = fleet.rows
  return { ...summary, links, backlog, codes: refused.rows, exceptions: exceptions.rows }
}

export function serverMetrics(pool: Pool): Registry {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, prefix: 'ticklock_' })
  const add = gaugesOf(registry, () => readFigures(pool))
  add('meters_live', 'Meters with a reading stored in the last 60 seconds', (set, { meters }) =>
    set(meters),
  )
  add('readings_total', 'Readings stored', (set, { readings }) => set(readings))
  add('bills_total', 'Bills issued', (set, { bills }) => set(bills))
  add('notices_total', 'Notices queued for mail and SMS', (set, { notices }) => set(notices))
  add('clock_bound_ms', 'Largest clock error bound of the connected slaves', (set, figures) =>
    set(figures.clockBoundMs),
  )
  add('slaves_connected', 'Slaves with an open session', (set, { links }) => set(links))
  add('backlog_frames', 'Frames waiting at the connected slaves', (set, { backlog }) =>
    set(backlog),
  )
  add(
    'refused_total',
    'Messages refused, by fault code (docs/faults.md)',
    (set, { codes }) => {
      for (const { code, count } of codes) set(count, code)
    },
    'code',
  )
  add(
    'exceptions_total',
    'Authentic content that was no plain reading, by fault code (docs/faults.md)',
    (set, { exceptions }) => {
      for (const { code, count } of exceptions) set(count, code)
    },
    'code',
  )
  clockMetrics(registry, pool)
  return registry
}
