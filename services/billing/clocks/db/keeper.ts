// Keeps the history of clocks small: a few clocks at a time, round and round.
// migrations/0010_clock-history.sql, which makes the tables, says what is dropped.

import type { Pool } from 'pg'
import type { UnixMs } from '../../../../shared/units.ts'

/** How often some clocks are thinned, ms, and how many: one round of 210,000 clocks takes three
 * hours. */
const CLOCKS_MAX = 200
/** How long every point stays, and how long one an hour (or six hours) stays. */
const FINE_MS = 48 * 3_600_000
const KEPT_MS = 90 * 86_400_000
/** Events kept of one clock. */
const EVENTS_MAX = 1_000

const SWEEP = `
with swept as (
  select c.id, (select at from clock_events e where e.clock_id = c.id
    order by at desc offset ${EVENTS_MAX} limit 1) as events_to
  from clocks c where id > $1 order by id limit ${CLOCKS_MAX}
), thinned as (
  delete from clock_history h using swept
  where h.clock_id = swept.id and h.at < $2 and (not h.keep or h.at < $3)
), forgotten as (
  delete from clock_events e using swept
  where e.clock_id = swept.id and (e.at <= swept.events_to or e.at < $3)
)
select max(id) as last from swept`

/** Thins the history of the next clocks after `cursor`; returns the cursor to continue from, 0 at
 * the end. */
export async function sweepClocks(pool: Pool, cursor: number, now: UnixMs): Promise<number> {
  const { rows } = await pool.query<{ last: number | null }>(SWEEP, [
    cursor,
    new Date(now - FINE_MS),
    new Date(now - KEPT_MS),
  ])
  return rows[0]?.last ?? 0
}
