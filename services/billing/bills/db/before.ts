// What the bills of a place counted from and to already, and what is usual there.

import { type Kysely, sql } from 'kysely'
import type { CivilPeriod } from '../../civil/calendar.ts'
import type { Database, Json } from '../../store/schema.ts'
import type { BillContent } from '../core/bill-content.ts'
import { readBill } from '../core/bill-reading.ts'
import { averagesOf, endsOf } from '../core/closings.ts'
import type { Average, Boundary } from '../core/facts.ts'

/** Bills looked through for months that were measured. */
const BILLS_BEFORE_MAX = 12

export interface PointPeriod {
  readonly point: number
  readonly period: CivilPeriod
}

/** By meter number. */
export interface FixedEdges {
  readonly opening: ReadonlyMap<string, readonly Boundary[]>
  readonly closing: ReadonlyMap<string, readonly Boundary[]>
  /** A bill there that does not read back as it was issued: nothing can go on from it (OPS-16). */
  readonly spoilt: string | null
}

const NOTHING: FixedEdges = { opening: new Map(), closing: new Map(), spoilt: null }

interface Row {
  readonly n: string
  readonly edge: 'opening' | 'closing'
  readonly number: string
  readonly content: Json
  readonly hash: string
}

/** For each place and period: where the bill before it ended and the bill after it began. A bill of
 * any customer there counts: one moves out where the next moves in. */
export async function fixedEdges(
  db: Kysely<Database>,
  asked: readonly PointPeriod[],
): Promise<readonly FixedEdges[]> {
  const { rows } = await sql<Row>`
    select asked.n - 1 as n, b.number, b.content, b.hash,
      case when b.period_to = asked.period_from then 'opening' else 'closing' end as edge
    from unnest(${asked.map(({ point }) => point)}::integer[],
      ${asked.map(({ period }) => period.from)}::date[],
      ${asked.map(({ period }) => period.to)}::date[])
      with ordinality as asked(point, period_from, period_to, n)
    join bills b on b.service_point_id = asked.point
      and (b.period_to = asked.period_from or b.period_from = asked.period_to)`.execute(db)
  const edges = asked.map(() => NOTHING)
  for (const row of rows) {
    const n = Number(row.n)
    const before = edges[n] ?? NOTHING
    const read = readBill(row.content, row.hash)
    if (!read.ok) edges[n] = { ...before, spoilt: row.number }
    else {
      const ends = endsOf(read.content, row.edge === 'opening' ? 'closing' : 'opening')
      edges[n] = { ...before, [row.edge]: ends }
    }
  }
  return edges
}

/** What is usual for each meter of a place, by the measured months before a period. */
export async function usualOf(
  db: Kysely<Database>,
  asked: readonly (PointPeriod & { readonly meters: readonly string[] })[],
): Promise<readonly ReadonlyMap<string, readonly Average[]>[]> {
  if (asked.length === 0) return []
  const { rows } = await sql<Omit<Row, 'edge'>>`
    select asked.n - 1 as n, b.number, b.content, b.hash
    from unnest(${asked.map(({ point }) => point)}::integer[],
      ${asked.map(({ period }) => period.from)}::date[])
      with ordinality as asked(point, period_from, n)
    cross join lateral (select number, content, hash from bills
      where service_point_id = asked.point and period_from < asked.period_from
      order by period_from desc limit ${BILLS_BEFORE_MAX}) b`.execute(db)
  const contents = asked.map((): BillContent[] => [])
  for (const row of rows) {
    const read = readBill(row.content, row.hash)
    if (read.ok) contents[Number(row.n)]?.push(read.content)
  }
  return asked.map(
    ({ meters }, n) =>
      new Map(meters.map((meter) => [meter, averagesOf(meter, contents[n] ?? [])])),
  )
}
