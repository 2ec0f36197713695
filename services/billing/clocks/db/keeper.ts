// Keeps the history of clocks small: a few clocks at a time, round and round. What goes is said
// where the tables are made (migrations/0010_clock-history.sql).

import type { Pool } from 'pg'
import type { UnixMs } from '../../../../shared/units.ts'

/** Clocks looked at in one go (shell/keeper.ts says how often): 210,000 are through in three
 * hours. */
const CLOCKS_MAX = 200
/** Every point stays for so long, one an hour (or six) for so long. */
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

/** Thins the history of the next clocks after `cursor`; gives the cursor to go on from, 0 at the
 * end. */
export async function sweepClocks(pool: Pool, cursor: number, now: UnixMs): Promise<number> {
  const { rows } = await pool.query<{ last: number | null }>(SWEEP, [
    cursor,
    new Date(now - FINE_MS),
    new Date(now - KEPT_MS),
  ])
  return rows[0]?.last ?? 0
}
