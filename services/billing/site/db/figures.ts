// The figures for the metrics: totals by name and by fault code, never anything personal.

import type { Pool } from 'pg'
import { readSummary, type Summary } from './summary.ts'

interface Counted {
  readonly code: string
  readonly count: number
}

export interface Figures extends Summary {
  readonly links: number
  readonly backlog: number
  /** Ranges of readings set aside that hold now, and meters that nobody adopted. */
  readonly aside: number
  readonly unadopted: number
  readonly codes: readonly Counted[]
  readonly exceptions: readonly Counted[]
}

export async function readFigures(pool: Pool): Promise<Figures> {
  const [summary, fleet, standing, refused, exceptions] = await Promise.all([
    readSummary(pool),
    pool.query<{ links: number; backlog: number }>(
      // Whatever slaves say, their sum is a number that we can read.
      `select count(*)::int as links,
         least(coalesce(sum(backlog_frames), 0), 9007199254740991)::int8 as backlog
       from device_status where connected_at is not null and disconnected_at is null`,
    ),
    pool.query<{ aside: number; unadopted: number }>(
      `select (select count(*) from set_aside where lifted_at is null) as aside,
         (select count(*) from meters where device_id is not null and adopted_at is null)
           as unadopted`,
    ),
    pool.query<Counted>('select code, sum(count)::int8 as count from refusals group by code'),
    pool.query<Counted>(
      `select substr(name, 11) as code, count from counters where name like 'exception %'`,
    ),
  ])
  const [{ links, backlog } = { links: 0, backlog: 0 }] = fleet.rows
  const [{ aside, unadopted } = { aside: 0, unadopted: 0 }] = standing.rows
  return {
    ...summary,
    links,
    backlog,
    aside,
    unadopted,
    codes: refused.rows,
    exceptions: exceptions.rows,
  }
}
