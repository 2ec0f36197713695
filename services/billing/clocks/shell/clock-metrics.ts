// Clock figures for Prometheus: of the head-end, and of slaves and meters together. No label names
// a device or a meter, so their number does not grow with the fleet.

import type { Pool } from 'pg'
import type { Registry } from 'prom-client'
import { readClockFigures } from '../db/figures.ts'
import { gaugesOf } from '../../store/gauges.ts'

export function clockMetrics(registry: Registry, pool: Pool): void {
  const add = gaugesOf(registry, () => readClockFigures(pool))
  add(
    'head_clock_state',
    'State of the head-end’s clock: 1 for the one it is in',
    (set, { head }) => {
      for (const letter of ['S', 'R', 'I', 'U']) set(head?.state === letter ? 1 : 0, letter)
    },
    'state',
  )
  add('head_clock_bound_ms', 'Clock error bound of the head-end', (set, { head }) =>
    set(head?.boundMs ?? null),
  )
  add('head_clock_frequency_ppm', 'How much faster than UTC its clock runs', (set, { head }) =>
    set(head?.frequencyPpm ?? null),
  )
  add('head_clock_holdover_ms', 'Since the last sample of its clock', (set, { head }) =>
    set(head?.holdoverMs ?? null),
  )
  add(
    'head_clock_sources',
    'Its sources of time, by chrony’s mark',
    (set, { head }) => {
      for (const [mark, count] of Object.entries(head?.sources ?? {})) set(count, mark)
    },
    'mark',
  )
  add(
    'slave_clocks',
    'Connected slaves, by the state of their clock',
    (set, { slaves }) => {
      for (const [letter, count] of Object.entries(slaves.states)) set(count, letter)
    },
    'state',
  )
  add('clock_bound_median_ms', 'Median clock error bound of the connected slaves', (set, figures) =>
    set(figures.slaves.boundMedianMs),
  )
  add(
    'slave_clocks_held_over',
    'Connected slaves without a sample for 20 minutes',
    (set, figures) => set(figures.slaves.heldOver),
  )
  add('meter_clocks', 'Meters whose clock is known', (set, { meters }) => set(meters.known))
  add('meter_clocks_off', 'Meters whose clock is more than 2 s off', (set, { meters }) =>
    set(meters.off),
  )
  add('meter_clocks_invalid', 'Meters whose readings are invalid (B0)', (set, { meters }) =>
    set(meters.invalid),
  )
  add(
    'clock_events_total',
    'What happened to clocks, by its code (docs/clock.md)',
    (set, { events }) => {
      for (const [code, count] of Object.entries(events)) set(count, code)
    },
    'code',
  )
}
