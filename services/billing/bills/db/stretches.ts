// Which meters were at a place during a period, and what is known around the edges of their time.

import { type Kysely, sql } from 'kysely'
import { parseObis } from '../../../../shared/meter/obis.ts'
import { type UnixMs, unixMs } from '../../../../shared/units.ts'
import type { InstantPeriod } from '../../civil/calendar.ts'
import type { Medium } from '../../readings/db/tables.ts'
import type { Database } from '../../store/schema.ts'
import { ESTIMATE_AFTER_MS } from '../core/boundaries.ts'
import type { Boundary, Edge, Stretch } from '../core/facts.ts'
import { NEVER_COMPARED } from '../core/meter-time.ts'
import { USUAL_REGISTERS } from '../core/segments.ts'
import { type FixedEdges, fixedEdges, type PointPeriod, usualOf } from './before.ts'
import { comparisonsAt, comparisonsAwaited } from './comparisons.ts'
import { energyRegisters, samplesAt, shownBy, type EdgeAsked } from './samples.ts'

export interface PlacePeriod extends PointPeriod {
  readonly instants: InstantPeriod
  /** Its terms let a missing reading be estimated. */
  readonly estimates: boolean
}

export interface Place {
  readonly stretches: readonly Stretch[]
  readonly spoilt: string | null
}

interface Installed {
  readonly n: number
  readonly meterId: number
  readonly mainMeterId: number | null
  readonly device: string | null
  readonly number: string
  readonly medium: Medium
  readonly digits: number | null
  readonly multiplier: number
  readonly adopted: boolean
  readonly billedBy: readonly string[] | null
  readonly from: UnixMs
  readonly to: UnixMs
  readonly opening: Edge['kind']
  readonly closing: Edge['kind']
}

/** For each place and period, in their order. */
export async function stretchesOf(
  db: Kysely<Database>,
  places: readonly PlacePeriod[],
  now: UnixMs,
): Promise<readonly Place[]> {
  const installed = await installedAt(db, places)
  const fixed = await fixedEdges(db, places)
  const codes = [...USUAL_REGISTERS, ...installed.flatMap((each) => codesOf(each) ?? [])]
  const registers = await energyRegisters(db, [...new Set(codes)])
  const meters = [...new Set(installed.map(({ meterId }) => meterId))]
  const shown = await shownBy(db, meters, registers)
  const asked = installed.flatMap((each) => edgesAsked(each, fixed[each.n], places))
  const compared = await comparisonsAt(db, asked)
  const awaited = await comparisonsAwaited(
    db,
    installed.map(({ n, device, number }) => ({
      device,
      number,
      point: places[n]?.point ?? 0,
      from: places[n]?.period.from ?? '',
    })),
    now,
  )
  const samples = await samplesAt(db, asked, { registers, shown, compared, now })
  const usual = await usualFor(db, { places, installed }, now)
  const made = places.map((): Stretch[] => [])
  for (const [index, each] of installed.entries()) {
    const edge = (which: 'opening' | 'closing'): Edge => {
      const at = index * 2 + (which === 'opening' ? 0 : 1)
      return {
        at: which === 'opening' ? each.from : each.to,
        kind: each[which],
        samples: samples[at] ?? [],
        clock: compared[at] ?? NEVER_COMPARED,
        fixed: fixedAt(fixed[each.n], each, which),
      }
    }
    const [opening, closing] = [edge('opening'), edge('closing')]
    const codesShown = shown.get(each.meterId)?.codes ?? []
    const codesRead = [...opening.samples, ...closing.samples].map(({ register }) => register)
    made[each.n]?.push({
      meter: {
        number: each.number,
        medium: each.medium,
        digits: each.digits,
        multiplier: each.multiplier,
        adopted: each.adopted,
        billedBy: each.billedBy,
        shows: [...new Set([...codesShown, ...codesRead])],
      },
      from: each.from,
      to: each.to,
      opening,
      closing,
      clockAwaited: awaited[index] ?? false,
      averages: usual[each.n]?.get(each.number) ?? [],
    })
  }
  return made.map((stretches, n) => ({ stretches, spoilt: fixed[n]?.spoilt ?? null }))
}

const codesOf = ({ billedBy }: Installed): readonly string[] | null =>
  billedBy === null ? null : billedBy.map((code) => parseObis(code) ?? code)

/** Only the edges of the period were bounded by another bill. */
function fixedAt(
  fixed: FixedEdges | undefined,
  each: Installed,
  which: 'opening' | 'closing',
): readonly Boundary[] {
  return each[which] === 'period' ? (fixed?.[which].get(each.number) ?? []) : []
}

function edgesAsked(
  each: Installed,
  fixed: FixedEdges | undefined,
  places: readonly PlacePeriod[],
): readonly EdgeAsked[] {
  const { meterId, device, number } = each
  const estimates = places[each.n]?.estimates ?? false
  return (['opening', 'closing'] as const).map((which) => ({
    meterId,
    device,
    number,
    at: which === 'opening' ? each.from : each.to,
    codes: codesOf(each),
    fixed: fixedAt(fixed, each, which).map(({ register }) => register),
    estimates,
  }))
}

/** Averages are read where an estimate could be due. */
async function usualFor(
  db: Kysely<Database>,
  {
    places,
    installed,
  }: { readonly places: readonly PlacePeriod[]; readonly installed: readonly Installed[] },
  now: UnixMs,
): Promise<readonly Awaited<ReturnType<typeof usualOf>>[number][]> {
  const due = places.map(({ estimates, instants }, n) =>
    estimates && now - instants.to >= ESTIMATE_AFTER_MS ? n : null,
  )
  const asked = due.flatMap((n) => {
    const place = n === null ? undefined : places[n]
    if (place === undefined) return []
    const { point, period } = place
    const meters = installed.filter((each) => each.n === n).map(({ number }) => number)
    return [{ point, period, meters }]
  })
  const found = await usualOf(db, asked)
  let next = 0
  return due.map((n) => (n === null ? new Map() : (found[next++] ?? new Map())))
}

interface Row {
  readonly n: string
  readonly meter_id: number
  readonly main_meter_id: number | null
  readonly device_id: string | null
  readonly number: string
  readonly medium: Medium
  readonly digits: number | null
  readonly multiplier: number
  readonly adopted: boolean
  readonly billed_by: readonly string[] | null
  readonly from_ts: Date
  readonly to_ts: Date | null
}

/** The installations that overlap each period, cut to it, in the order in which they began. A
 * sub-meter beside its main meter at the same place counts what that one counts already. What no
 * device has reported is read by people alone: there is nobody to adopt it for. */
async function installedAt(
  db: Kysely<Database>,
  places: readonly PlacePeriod[],
): Promise<readonly Installed[]> {
  const { rows } = await sql<Row>`
    select asked.n - 1 as n, m.id as meter_id, i.main_meter_id, m.device_id, m.number, m.medium,
      m.digits, m.multiplier, (m.adopted_at is not null or m.device_id is null) as adopted, m.billed_by, i.from_ts, i.to_ts
    from unnest(${places.map(({ point }) => point)}::integer[],
      ${places.map(({ instants }) => new Date(instants.from))}::timestamptz[],
      ${places.map(({ instants }) => new Date(instants.to))}::timestamptz[])
      with ordinality as asked(point, from_ts, to_ts, n)
    join installations i on i.service_point_id = asked.point
      and i.from_ts < asked.to_ts and (i.to_ts is null or i.to_ts > asked.from_ts)
      and (i.to_ts is null or i.to_ts > i.from_ts)
    join meters m on m.id = i.meter_id
    where not exists (select from installations main where main.meter_id = i.main_meter_id
      and main.service_point_id = i.service_point_id
      and main.from_ts < asked.to_ts and (main.to_ts is null or main.to_ts > asked.from_ts))
    order by asked.n, i.from_ts, i.id`.execute(db)
  return rows.map((row) => {
    const n = Number(row.n)
    const [came, went] = [row.from_ts.getTime(), row.to_ts?.getTime() ?? Number.POSITIVE_INFINITY]
    const { from, to } = places[n]?.instants ?? { from: came, to: went }
    return {
      n,
      meterId: row.meter_id,
      mainMeterId: row.main_meter_id,
      device: row.device_id,
      number: row.number,
      medium: row.medium,
      digits: row.digits,
      multiplier: row.multiplier,
      adopted: row.adopted,
      billedBy: row.billed_by,
      from: unixMs(Math.max(came, from)),
      to: unixMs(Math.min(went, to)),
      opening: came > from ? 'installed' : 'period',
      closing: went < to ? 'removed' : 'period',
    }
  })
}
