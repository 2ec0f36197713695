// How right the clocks of meters were at the instants that bound bills.

import { type Kysely, sql } from 'kysely'
import type { UnixMs } from '../../../../shared/units.ts'
import { instant } from '../../store/instants.ts'
import type { Database } from '../../store/schema.ts'
import { type Compared, type Comparison, NEVER_COMPARED } from '../core/meter-time.ts'

export interface MeterAt {
  readonly device: string | null
  readonly number: string
  readonly at: UnixMs
}

interface Row {
  readonly n: string
  readonly side: 'before' | 'after'
  readonly at: Date
  readonly offset_us: number
  readonly bound_us: number | null
  readonly state: string
}

/** The comparisons next to each instant; the newest one may not be in the history yet. */
export async function comparisonsAt(
  db: Kysely<Database>,
  asked: readonly MeterAt[],
): Promise<readonly Compared[]> {
  if (asked.length === 0) return []
  const { rows } = await sql<Row>`
    select asked.n - 1 as n, found.*
    from unnest(${asked.map(({ device }) => device)}::text[],
      ${asked.map(({ number }) => number)}::text[],
      ${asked.map(({ at }) => new Date(at))}::timestamptz[])
      with ordinality as asked(device, meter, at, n)
    join clocks c on c.device_id = asked.device and c.meter = asked.meter
    cross join lateral (
      (select 'before' as side, at, offset_us, bound_us, state from clock_history
        where clock_id = c.id and at <= asked.at order by at desc limit 1)
      union all
      (select 'after', at, offset_us, bound_us, state from clock_history
        where clock_id = c.id and at > asked.at order by at limit 1)
      union all
      select case when c.at <= asked.at then 'before' else 'after' end, c.at, c.offset_us,
        c.bound_us, c.state
    ) found`.execute(db)
  const compared = asked.map(() => NEVER_COMPARED)
  for (const row of rows) {
    const n = Number(row.n)
    const known = compared[n] ?? NEVER_COMPARED
    compared[n] = { ...known, [row.side]: nearer(known[row.side], row) }
  }
  return compared
}

/** Of two before an instant the later, of two after it the earlier. */
function nearer(known: Comparison | null, row: Row): Comparison {
  const at = instant(row.at)
  const later = known !== null && (row.side === 'before' ? known.at >= at : known.at <= at)
  if (known !== null && later) return known
  return {
    at,
    offsetMs: row.offset_us / 1_000,
    boundMs: row.bound_us === null ? null : row.bound_us / 1_000,
    invalid: row.state === 'X',
  }
}

/** A slave that has just been enrolled has compared nothing yet; within this it begins, minutes. */
const FIRST_MINUTES = 60
/** How long a bill waits for a comparison that does not come, hours: the line may have been set not
 * to look at the clock. */
const AWAITED_HOURS = 24

/** Whether the first comparison of each meter's clock is still to come: its slave is new, or has
 * compared others. A period that waited a day for it (BIL-29) waits no longer. */
export async function comparisonsAwaited(
  db: Kysely<Database>,
  meters: readonly {
    readonly device: string | null
    readonly number: string
    readonly point: number
    readonly from: string
  }[],
  now: UnixMs,
): Promise<readonly boolean[]> {
  if (meters.length === 0) return []
  const at = new Date(now)
  const { rows } = await sql<{ awaited: boolean }>`
    select not exists (select from clocks c where c.device_id = m.device and c.meter = m.meter)
      and (exists (select from clocks c where c.device_id = m.device and c.meter <> '')
        or exists (select from devices d where d.id = m.device and d.created_at
          between ${at}::timestamptz - make_interval(mins => ${FIRST_MINUTES}) and ${at}))
      and not exists (select from bill_periods bp join contracts k on k.id = bp.contract_id
        where k.service_point_id = m.point and bp.period_from = m.first and bp.code = 'BIL-29'
          and bp.since < ${at}::timestamptz - make_interval(hours => ${AWAITED_HOURS})) as awaited
    from unnest(${meters.map(({ device }) => device)}::text[],
      ${meters.map(({ number }) => number)}::text[], ${meters.map(({ point }) => point)}::integer[],
      ${meters.map(({ from }) => from)}::date[])
      with ordinality as m(device, meter, point, first, n) order by n`.execute(db)
  return rows.map(({ awaited }) => awaited)
}
