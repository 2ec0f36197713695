import type { Pool } from 'pg'

/** The public figures of GET /api/v1/summary. */
export interface Summary {
  /** Meters with something stored within the last minute. */
  readonly meters: number
  readonly readings: number
  readonly refused: number
  readonly bills: number
  readonly notices: number
  /** Largest clock error bound of the connected devices, milliseconds; null until one is known. */
  readonly clockBoundMs: number | null
}

/** Reads the figures from counters and last values: its cost does not grow with the readings
 * stored. */
export async function readSummary(pool: Pool): Promise<Summary> {
  const { rows } = await pool.query<Summary>(`
    select
      (select count(distinct meter_id) from last_values
        where stored_at > now() - interval '60 seconds') as meters,
      max(count) filter (where name = 'readings') as readings,
      max(count) filter (where name = 'refused') as refused,
      max(count) filter (where name = 'bills') as bills,
      max(count) filter (where name = 'notices') as notices,
      (select max(clock_bound_us) / 1000.0 from device_status
        where connected_at is not null and disconnected_at is null)::float8 as "clockBoundMs"
    from counters`)
  const [summary] = rows
  return summary ?? { meters: 0, readings: 0, refused: 0, bills: 0, notices: 0, clockBoundMs: null }
}
