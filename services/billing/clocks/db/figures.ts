// Figures over all clocks, for metrics and machines: counts and bounds, no names. Reads every row
// of `clocks` once, at most every two seconds.

import type { Pool } from 'pg'
import type { HeadClockReport } from '../../../../shared/clock/evidence.ts'
import { HELD_OVER, METER_OFF_US } from '../core/clock-marks.ts'

export interface ClockFigures {
  /** Null while the head-end has reported nothing. */
  readonly head: {
    readonly state: string
    readonly stratum: number
    readonly boundMs: number | null
    /** How much faster than UTC it runs; null until that is learned. */
    readonly frequencyPpm: number | null
    readonly holdoverMs: number
    /** How many sources have each of chrony's marks. */
    readonly sources: Readonly<Record<SourceMark, number>>
  } | null
  /** Of the connected slaves. */
  readonly slaves: {
    readonly states: Readonly<Record<SlaveState, number>>
    /** Null while no bound is known. */
    readonly boundMedianMs: number | null
    readonly boundMaxMs: number | null
    readonly heldOver: number
  }
  readonly meters: {
    readonly known: number
    /** More than two seconds off. */
    readonly off: number
    /** B0. */
    readonly invalid: number
  }
  /** Clock events since the beginning, by code. */
  readonly events: Readonly<Record<string, number>>
}

type SourceMark = HeadClockReport['sources'][number]['mark']
type SlaveState = 'S' | 'R' | 'I' | 'U'

interface FigureRow {
  readonly S: number
  readonly R: number
  readonly I: number
  readonly U: number
  readonly median: number | null
  readonly largest: number | null
  readonly held: number
  readonly known: number
  readonly off: number
  readonly invalid: number
  readonly report: HeadClockReport | null
}

const FIGURES = `
with told as (
  select c.*, c.meter = '' and s.connected_at is not null and s.disconnected_at is null as linked
  from clocks c left join device_status s on c.meter = '' and s.device_id = c.device_id
)
select count(*) filter (where linked and state = 'S') as "S",
  count(*) filter (where linked and state = 'R') as "R",
  count(*) filter (where linked and state = 'I') as "I",
  count(*) filter (where linked and state = 'U') as "U",
  (percentile_cont(0.5) within group (order by bound_us) filter (where linked) / 1000)::float8
    as median,
  (max(bound_us) filter (where linked) / 1000.0)::float8 as largest,
  count(*) filter (where linked and holdover_ms > $1) as held,
  count(*) filter (where meter <> '') as known,
  count(*) filter (where meter <> '' and bound_us is not null and abs(offset_us) > $2) as off,
  count(*) filter (where meter <> '' and state = 'X') as invalid,
  (select report from clocks where device_id = '') as report
from told`

/** How long one set of figures serves all callers, milliseconds: anybody may ask, at any rate. */
const SERVED_MS = 2_000

/** The figures, looked up once for all callers within two seconds. `nowMs`: a monotonic clock. */
export function servedClockFigures(pool: Pool, nowMs: () => number): () => Promise<ClockFigures> {
  let last: { readonly at: number; readonly figures: Promise<ClockFigures> } | null = null
  return () => {
    if (last !== null && nowMs() - last.at < SERVED_MS) return last.figures
    const figures = readClockFigures(pool)
    last = { at: nowMs(), figures }
    // A database that is away is asked again at once.
    figures.catch(() => {
      last = null
    })
    return figures
  }
}

export async function readClockFigures(pool: Pool): Promise<ClockFigures> {
  const [figures, counted] = await Promise.all([
    pool.query<FigureRow>(FIGURES, [HELD_OVER, METER_OFF_US]),
    pool.query<{ code: string; count: number }>(
      `select substr(name, 7) as code, count from counters where name like 'clock %'`,
    ),
  ])
  const [row] = figures.rows
  return {
    head: row?.report ? headFigures(row.report) : null,
    slaves: {
      states: { S: row?.S ?? 0, R: row?.R ?? 0, I: row?.I ?? 0, U: row?.U ?? 0 },
      boundMedianMs: row?.median ?? null,
      boundMaxMs: row?.largest ?? null,
      heldOver: row?.held ?? 0,
    },
    meters: { known: row?.known ?? 0, off: row?.off ?? 0, invalid: row?.invalid ?? 0 },
    events: Object.fromEntries(counted.rows.map(({ code, count }) => [code, count])),
  }
}

function headFigures(report: HeadClockReport): ClockFigures['head'] {
  const { state, stratum, bound, discipline } = report
  const { frequency, holdover } = discipline
  const sources = { '*': 0, '+': 0, '-': 0, x: 0, '~': 0, '?': 0 }
  for (const { mark } of report.sources) sources[mark] += 1
  return {
    state,
    stratum,
    boundMs: bound === null ? null : bound / 1_000,
    // The report says how much faster UTC runs.
    frequencyPpm: frequency === null ? null : 0 - frequency,
    holdoverMs: holdover,
    sources,
  }
}
