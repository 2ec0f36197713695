// Figures for Prometheus, read on each scrape. No personal data: counts and bounds only.

import type { Pool } from 'pg'
import { collectDefaultMetrics, Registry } from 'prom-client'
import { readFigures } from '../db/figures.ts'
import { clockMetrics } from '../../clocks/shell/clock-metrics.ts'
import type { AccessWatch } from '../../access/shell/watch.ts'
import { gaugesOf } from '../../store/gauges.ts'

export function serverMetrics(
  pool: Pool,
  watch: Pick<AccessWatch, 'counts'> | null = null,
): Registry {
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
  add('set_aside_ranges', 'Ranges of readings that operators set aside', (set, { aside }) =>
    set(aside),
  )
  add('meters_unadopted', 'Meters that nobody adopted: not billed', (set, { unadopted }) =>
    set(unadopted),
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
  add(
    'access_total',
    'Who came in and who was refused since the start, by event or fault code (docs/faults.md)',
    (set) => {
      for (const [is, count] of watch?.counts() ?? []) set(count, is)
    },
    'event',
  )
  clockMetrics(registry, pool)
  return registry
}
