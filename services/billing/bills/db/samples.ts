// Readings around the edges of periods. The key of `readings` begins with the time, so a range
// asked for one meter reads everybody's rows: what stands at the exact instant is probed first; for
// the meters that have nothing there, everybody's first minute on both sides is read once, and then
// ever wider ranges for ever fewer meters. A meter's newest value, which is kept apart, says at
// once that there is nothing after an instant. docs/billing.md has the figures.

import { type Kysely, type RawBuilder, sql } from 'kysely'
import { UNIT } from '../../../../shared/meter/reading.ts'
import { type UnixMs, unixMs } from '../../../../shared/units.ts'
import { SOURCE_NUMBER } from '../../readings/db/source-numbers.ts'
import { instant } from '../../store/instants.ts'
import type { Database } from '../../store/schema.ts'
import { ESTIMATE_AFTER_MS, INTERPOLATE_MS, NEAREST_MS } from '../core/boundaries.ts'
import type { Sample } from '../core/facts.ts'
import { type Compared, meterTimeAt, NEVER_COMPARED } from '../core/meter-time.ts'
import { USUAL_REGISTERS } from '../core/segments.ts'
import type { MeterAt } from './comparisons.ts'

const MINUTE_MS = 60_000
/** How far is looked on either side, step by step: what pushes is found in the first, a quarter
 * hourly or hourly profile in the next two. */
const STEPS_MS = [NEAREST_MS, 16 * MINUTE_MS, 61 * MINUTE_MS, 6 * 60 * MINUTE_MS, INTERPOLATE_MS]
/** How far the last reading before an edge, and the next after it, are looked for when it has to be
 * estimated. */
const NEIGHBOUR_MS = 100 * 86_400_000
/** Manual readings this far from an edge may still say something about it. */
const MANUAL_MS = 400 * 86_400_000

export interface EdgeAsked extends MeterAt {
  readonly meterId: number
  /** OBIS codes an operator named; null: the usual ones. */
  readonly codes: readonly string[] | null
  /** Registers that another bill counted from or to here. */
  readonly fixed: readonly string[]
  readonly estimates: boolean
}

export interface Register {
  readonly code: string
  readonly exponent: number
}
export type Registers = ReadonlyMap<number, Register>

/** Registers of energy, by id. */
export async function energyRegisters(
  db: Kysely<Database>,
  codes: readonly string[],
): Promise<Registers> {
  const rows = await db
    .selectFrom('registers')
    .select(['id', 'obis', 'exponent'])
    .where('obis', 'in', codes)
    .where('unit', '=', UNIT.Wh)
    .execute()
  return new Map(rows.map(({ id, obis, exponent }) => [id, { code: obis, exponent }]))
}

export interface Shown {
  readonly codes: readonly string[]
  /** The newest value that was stored, by register; it may not count (set aside). */
  readonly newest: readonly { readonly register: number; readonly at: UnixMs }[]
  readonly manual: readonly Sample[]
}

/** What each meter has ever shown of these registers, told by a device or a person. */
export async function shownBy(
  db: Kysely<Database>,
  meters: readonly number[],
  registers: Registers,
): Promise<ReadonlyMap<number, Shown>> {
  const shown = new Map<number, Shown>()
  if (meters.length === 0) return shown
  const add = (meter: number, part: Partial<Shown>): void => {
    const known = shown.get(meter) ?? { codes: [], newest: [], manual: [] }
    shown.set(meter, {
      codes: [...new Set([...known.codes, ...(part.codes ?? [])])],
      newest: [...known.newest, ...(part.newest ?? [])],
      manual: [...known.manual, ...(part.manual ?? [])],
    })
  }
  const { rows: newest } = await sql<{ meter_id: number; register_id: number; ts: Date }>`
    select meter_id, register_id, ts from last_values
    where meter_id = any(${meters}::integer[])
      and register_id = any(${[...registers.keys()]}::smallint[])`.execute(db)
  for (const { meter_id, register_id: register, ts } of newest) {
    const code = registers.get(register)?.code
    if (code === undefined) continue
    add(meter_id, { codes: [code], newest: [{ register, at: instant(ts) }] })
  }
  const manual = await db
    .selectFrom('manual_readings')
    .select(['meter_id', 'obis', 'ts', 'value', 'exponent', 'kind'])
    .where('meter_id', 'in', meters)
    .where('state', '=', 'approved')
    .where('unit', '=', UNIT.Wh)
    .orderBy('ts')
    .execute()
  for (const { meter_id, obis: register, ts, value, exponent, kind: by } of manual) {
    const sample = { register, at: instant(ts), value, exponent, by, boundMs: null }
    add(meter_id, { codes: [register], manual: [sample] })
  }
  return shown
}

interface Around {
  readonly registers: Registers
  readonly shown: ReadonlyMap<number, Shown>
  readonly compared: readonly Compared[]
  readonly now: UnixMs
}

/** For each edge what was read around it: the meter's own readings first, then people's. */
export async function samplesAt(
  db: Kysely<Database>,
  asked: readonly EdgeAsked[],
  around: Around,
): Promise<readonly (readonly Sample[])[]> {
  const samples = asked.map((): Sample[] => [])
  const put = (rows: readonly Found[]): void => {
    for (const { n, sample } of rows) samples[n]?.push(sample)
  }
  const look = new Look(db, around.registers)
  put(await look.at(asked.flatMap((edge, n) => (isFixed(edge) ? [] : [{ ...edge, n }]))))
  const open = asked.flatMap((edge, n) =>
    isSettled(edge, samples[n] ?? [], around, n) ? [] : [{ ...edge, n }],
  )
  put(await look.newest(open, around))
  for (const edges of Map.groupBy(open, ({ at }) => at).values()) {
    for (const side of ['before', 'after'] as const)
      put(await widening(look, { edges, side, samples }, around))
  }
  put(await look.last(open.filter((edge) => isUnknown(edge, samples[edge.n] ?? [], around))))
  put(await look.next(open.filter((edge) => isFarBefore(edge, samples[edge.n] ?? [], around))))
  for (const [n, { meterId, at }] of asked.entries()) {
    const manual = around.shown.get(meterId)?.manual ?? []
    samples[n]?.push(...manual.filter((sample) => Math.abs(sample.at - at) <= MANUAL_MS))
  }
  return samples
}

/** What makes the bill at an edge is known from another bill. */
const isFixed = ({ fixed, codes }: EdgeAsked): boolean =>
  fixed.length > 0 && (codes === null || codes.every((code) => fixed.includes(code)))

/** Nothing beside the instant can be better: it is fixed, or all that counts was read right then,
 * by a clock that counts. */
function isSettled(
  edge: EdgeAsked,
  samples: readonly Sample[],
  around: Around,
  n: number,
): boolean {
  if (isFixed(edge)) return true
  const beyond = meterTimeAt(around.compared[n] ?? NEVER_COMPARED, edge.at).is === 'beyond'
  const right = samples.filter(({ at, by }) => at === edge.at && !(beyond && by === 'profile'))
  const has = (code: string): boolean => right.some(({ register }) => register === code)
  if (edge.codes !== null) return edge.codes.every(has)
  const [total = '', ...tariffs] = USUAL_REGISTERS
  const shows = around.shown.get(edge.meterId)?.codes ?? []
  const shown = tariffs.filter((code) => shows.includes(code))
  return has(total) || (shown.length > 0 && !shows.includes(total) && shown.every(has))
}

/** Nothing was found before it, and it may have to be estimated. */
const isUnknown = (edge: EdgeAsked, samples: readonly Sample[], { now }: Around): boolean =>
  edge.estimates && now - edge.at >= ESTIMATE_AFTER_MS && !samples.some(({ at }) => at <= edge.at)

/** It may have to be estimated, and of what came later only the newest is known: of a meter that is
 * read once a week that may be months after the edge. */
const isFarBefore = (
  edge: EdgeAsked,
  samples: readonly Sample[],
  { now, shown }: Around,
): boolean =>
  edge.estimates &&
  now - edge.at >= ESTIMATE_AFTER_MS &&
  (shown.get(edge.meterId)?.newest ?? []).some(({ at }) => at - edge.at > INTERPOLATE_MS) &&
  !samples.some(({ at }) => at >= edge.at && at - edge.at <= INTERPOLATE_MS)

type Side = 'before' | 'after'
type NumberedEdge = EdgeAsked & { readonly n: number }

interface Widening {
  readonly edges: readonly NumberedEdge[]
  readonly side: Side
  /** What was found so far, by the edge's number. */
  readonly samples: readonly (readonly Sample[])[]
}

/** Looks ever wider on one side of one instant, for the meters that have more to come there. */
async function widening(
  look: Look,
  { edges, side, samples }: Widening,
  { shown }: Around,
): Promise<readonly Found[]> {
  const found: Found[] = []
  let inner = 0
  let pending = edges.filter(({ n, meterId, at }) => {
    const newest = shown.get(meterId)?.newest ?? []
    if (newest.some((value) => value.at > at)) return true
    // What is newest and not after the edge is the nearest before it, and was looked up; unless it
    // does not count.
    return side === 'before' && newest.length > 0 && !samples[n]?.some((each) => each.at <= at)
  })
  for (const outer of STEPS_MS) {
    if (pending.length === 0) break
    const rows = await look.beside(pending, side, { inner, outer })
    found.push(...rows)
    pending = pending.filter((edge) => {
      const newest = shown.get(edge.meterId)?.newest ?? []
      const wanted = newest.filter(({ at }) => at > edge.at).map(({ register }) => register)
      const had = new Set(found.filter(({ n }) => n === edge.n).map(({ register }) => register))
      return !wanted.every((register) => had.has(register))
    })
    inner = outer
  }
  return found
}

interface Found {
  readonly n: number
  readonly register: number
  readonly sample: Sample
}

interface Row {
  readonly n: string
  readonly meter_id: number
  readonly ts: Date
  readonly register_id: number
  readonly value: number
  readonly source: number
  readonly clock_bound_ms: number
}

/** The look-ups, each one statement for many meters. */
class Look {
  readonly #db: Kysely<Database>
  readonly #registers: Registers
  readonly #ids: readonly number[]

  constructor(db: Kysely<Database>, registers: Registers) {
    this.#db = db
    this.#registers = registers
    this.#ids = [...registers.keys()]
  }

  /** What was read at exactly these instants: one index probe each. Of two registers with one code
   * (another resolution after a repair) the one with the higher id comes first. Without `offset 0`
   * the planner joins all readings with the edges: seconds instead of probes. */
  async at(
    edges: readonly { readonly n: number; readonly meterId: number; readonly at: UnixMs }[],
  ): Promise<readonly Found[]> {
    if (edges.length === 0 || this.#ids.length === 0) return []
    const { rows } = await sql<Row>`
      select asked.n, t.meter_id, t.ts, t.register_id, t.value, t.source, t.clock_bound_ms
      from unnest(${edges.map(({ n }) => n)}::integer[],
        ${edges.map(({ meterId }) => meterId)}::integer[],
        ${edges.map(({ at }) => new Date(at))}::timestamptz[]) as asked(n, meter_id, at)
      cross join lateral (select * from timed_readings r
        where r.ts = asked.at and r.meter_id = asked.meter_id
          and r.register_id = any(${this.#ids}::smallint[]) offset 0) t
      order by t.register_id desc`.execute(this.#db)
    return this.#found(rows)
  }

  /** The newest reading of each register. */
  async newest(
    edges: readonly NumberedEdge[],
    { shown }: Pick<Around, 'shown'>,
  ): Promise<readonly Found[]> {
    const asked = edges.flatMap(({ n, meterId, at: edge }) =>
      (shown.get(meterId)?.newest ?? [])
        .filter(({ at }) => at !== edge)
        .map(({ register, at }) => ({ n, meterId, at, register })),
    )
    const found = await this.at(asked)
    return found.filter(({ n, register, sample }) =>
      asked.some((a) => a.n === n && a.register === register && a.at === sample.at),
    )
  }

  /** On one side of one instant, no nearer than `inner` and no farther than `outer`: the nearest of
   * each register. Everybody's rows of that time are read, once for all these meters. */
  async beside(
    edges: readonly NumberedEdge[],
    side: Side,
    { inner, outer }: { readonly inner: number; readonly outer: number },
  ): Promise<readonly Found[]> {
    const [edge] = edges
    if (edge === undefined || this.#ids.length === 0) return []
    const sign = side === 'before' ? -1 : 1
    const near = edge.at + sign * (inner === 0 ? 1 : inner + 1)
    const far = edge.at + sign * outer
    const [from, to] = side === 'before' ? [far, near] : [near, far]
    const meters = edges.map(({ meterId }) => meterId)
    const { rows } = await sql<Omit<Row, 'n'>>`
      select distinct on (meter_id, register_id) meter_id, ts, register_id, value, source,
        clock_bound_ms
      from timed_readings
      where ts between ${new Date(from)} and ${new Date(to)}
        and meter_id = any(${meters}::integer[])
        and register_id = any(${this.#ids}::smallint[])
      order by meter_id, register_id, ts ${side === 'before' ? sql`desc` : sql`asc`}`.execute(
      this.#db,
    )
    // A meter may stand at one instant twice: who moves out and who moves in.
    const byMeter = Map.groupBy(edges, ({ meterId }) => meterId)
    return this.#found(
      rows.flatMap((row) =>
        (byMeter.get(row.meter_id) ?? []).map(({ n }) => ({ ...row, n: String(n) })),
      ),
    )
  }

  /** The last reading before an edge, however long before: for the few that must be estimated. */
  last(edges: readonly NumberedEdge[]): Promise<readonly Found[]> {
    const before = sql`r.ts < asked.at
      and r.ts >= asked.at - ${NEIGHBOUR_MS} * interval '1 millisecond' order by r.ts desc`
    return this.#neighbour(edges, before)
  }

  /** The next one after it, for the same few. */
  next(edges: readonly NumberedEdge[]): Promise<readonly Found[]> {
    const after = sql`r.ts > asked.at
      and r.ts <= asked.at + ${NEIGHBOUR_MS} * interval '1 millisecond' order by r.ts`
    return this.#neighbour(edges, after)
  }

  async #neighbour(
    edges: readonly NumberedEdge[],
    which: RawBuilder<unknown>,
  ): Promise<readonly Found[]> {
    if (edges.length === 0 || this.#ids.length === 0) return []
    const { rows } = await sql<Row>`
      select asked.n, t.meter_id, t.ts, t.register_id, t.value, t.source, t.clock_bound_ms
      from unnest(${edges.map(({ n }) => n)}::integer[],
        ${edges.map(({ meterId }) => meterId)}::integer[],
        ${edges.map(({ at }) => new Date(at))}::timestamptz[]) as asked(n, meter_id, at)
      cross join unnest(${this.#ids}::smallint[]) as wanted(register_id)
      cross join lateral (select * from timed_readings r
        where r.meter_id = asked.meter_id and r.register_id = wanted.register_id
          and ${which} limit 1) t`.execute(this.#db)
    return this.#found(rows)
  }

  #found(rows: readonly Row[]): readonly Found[] {
    return rows.flatMap((row) => {
      const register = this.#registers.get(row.register_id)
      if (register === undefined) return []
      const sample: Sample = {
        register: register.code,
        at: unixMs(row.ts.getTime()),
        value: row.value,
        exponent: register.exponent,
        by: row.source === SOURCE_NUMBER.profile ? 'profile' : 'slave',
        boundMs: row.clock_bound_ms,
      }
      return [{ n: Number(row.n), register: row.register_id, sample }]
    })
  }
}
