// One meter with everything about it: where it hangs and hung, what its registers said last, and
// the exceptions that name it.

import { type Kysely, sql } from 'kysely'
import { type UnixMs, unixMs } from '../../../../shared/units.ts'
import { historyPoints } from '../../readings/db/history.ts'
import { type HistoryFrame, historyOf, type HistoryView } from '../../readings/core/history.ts'
import { instant, instantOrNull } from '../../store/instants.ts'
import type { Database } from '../../store/schema.ts'
import type { Hanging, MeterRegister, MeterView } from '../core/meters.ts'
import { meterColumns, type MeterListRecord, meterRow } from './meters.ts'

const EXCEPTIONS_MAX = 20
/** A meter moves a few times in its life; one that is lent out more often. */
const HANGINGS_MAX = 50
/** Registers of one meter: a three-phase meter with all its values has some 40. */
const REGISTERS_MAX = 200

export async function meterView(
  db: Kysely<Database>,
  id: number,
  now: UnixMs,
): Promise<MeterView | null> {
  const { rows } = await sql<MeterListRecord>`
    with chosen as materialized (select m.* from meters m where m.id = ${id})
    ${meterColumns(now)}`.execute(db)
  const [row] = rows
  if (row === undefined) return null
  const [own, hangings, registers, exceptions] = await Promise.all([
    ownRow(db, id),
    hangingsOf(db, id),
    registersOf(db, id),
    exceptionsOf(db, row.number),
  ])
  return {
    ...meterRow(row),
    version: own.version,
    digits: own.digits,
    multiplier: own.multiplier,
    billedBy: own.billed_by,
    adoptedBy: own.adopted_by,
    adoptedAt: instantOrNull(own.adopted_at),
    hangings,
    registers,
    exceptions,
  }
}

/** The id of the meter of that number; null: there is none. */
export async function meterId(db: Kysely<Database>, number: string): Promise<number | null> {
  const row = await db
    .selectFrom('meters')
    .select('id')
    .where('number', '=', number)
    .executeTakeFirst()
  return row?.id ?? null
}

const ownRow = (db: Kysely<Database>, id: number) =>
  db
    .selectFrom('meters')
    .select(['version', 'digits', 'multiplier', 'billed_by', 'adopted_by', 'adopted_at'])
    .where('id', '=', id)
    .executeTakeFirstOrThrow()

async function hangingsOf(db: Kysely<Database>, id: number): Promise<readonly Hanging[]> {
  const rows = await db
    .selectFrom('installations')
    .innerJoin('service_points', 'service_points.id', 'installations.service_point_id')
    .leftJoin('meters as mains', 'mains.id', 'installations.main_meter_id')
    .select([
      'installations.id as id',
      'service_points.id as point',
      'code',
      'zone',
      'from_ts',
      'to_ts',
      'mains.id as main',
      'mains.number as main_number',
    ])
    .where('installations.meter_id', '=', id)
    .orderBy('from_ts', 'desc')
    .limit(HANGINGS_MAX)
    .execute()
  return rows.map((row) => ({
    id: row.id,
    place: { id: row.point, code: row.code, zone: row.zone },
    from: instant(row.from_ts),
    to: instantOrNull(row.to_ts),
    main: row.main === null ? null : { id: row.main, number: row.main_number ?? '' },
  }))
}

async function registersOf(db: Kysely<Database>, id: number): Promise<readonly MeterRegister[]> {
  const rows = await db
    .selectFrom('standing_values')
    .innerJoin('registers', 'registers.id', 'standing_values.register_id')
    .selectAll('standing_values')
    .select(['registers.id', 'obis', 'exponent', 'unit'])
    .where('meter_id', '=', id)
    .orderBy('obis')
    .limit(REGISTERS_MAX)
    .execute()
  return rows.map((row) => ({
    id: row.id,
    obis: row.obis,
    exponent: row.exponent,
    unit: row.unit,
    value: row.value,
    at: instant(row.ts),
    quality: row.quality,
    clockState: row.clock_state,
    clockBoundMs: row.clock_bound_ms,
    heardAt: instant(row.stored_at),
    usualS: row.usual_s,
    dueAt: instant(row.due_at),
  }))
}

async function exceptionsOf(
  db: Kysely<Database>,
  number: string,
): Promise<MeterView['exceptions']> {
  const rows = await db
    .selectFrom('exceptions')
    .select(['at', 'code', 'detail'])
    .where('meter', '=', number)
    .orderBy('id', 'desc')
    .limit(EXCEPTIONS_MAX)
    .execute()
  return rows.map(({ at, ...row }) => ({ ...row, at: instant(at) }))
}

/** The zone that a meter's days are counted in: where it hangs, or hung last, else the first
 * service point's, else UTC. */
export async function zoneOfMeter(db: Kysely<Database>, id: number): Promise<string> {
  const { rows } = await sql<{ zone: string }>`
    (select p.zone, 0 as place from installations i join service_points p
      on p.id = i.service_point_id where i.meter_id = ${id} order by i.from_ts desc limit 1)
    union all (select zone, 1 from service_points order by id limit 1)
    order by place limit 1`.execute(db)
  return rows[0]?.zone ?? 'UTC'
}

/** The history of one register of a meter. */
export async function registerHistory(
  db: Kysely<Database>,
  meter: MeterView,
  {
    frame,
    register,
    now,
  }: {
    readonly frame: HistoryFrame
    readonly register: MeterRegister
    readonly now: UnixMs
  },
): Promise<HistoryView> {
  const begun = frame.edges.filter((edge) => edge <= now)
  const last = frame.edges.find((edge) => edge > now)
  const edges = last === undefined ? begun : [...begun, last]
  const points = await historyPoints(db, { meter: meter.id, register: register.id }, edges)
  const { id, obis, exponent, unit } = register
  const shown = { id, obis, exponent, unit }
  const history = points === null ? null : historyOf(frame, shown, { points, meter, now })
  return { frame, register: shown, history }
}

/** What a meter said of a register at one of these instants; the earliest one found. */
export async function earliestAt(
  db: Kysely<Database>,
  which: { readonly meter: number; readonly register: number },
  instants: readonly UnixMs[],
): Promise<{ readonly at: UnixMs; readonly value: number } | null> {
  const row = await db
    .selectFrom('timed_readings')
    .select(['ts', 'value'])
    .where(
      'ts',
      'in',
      instants.map((at) => new Date(at)),
    )
    .where('meter_id', '=', which.meter)
    .where('register_id', '=', which.register)
    .orderBy('ts')
    .limit(1)
    .executeTakeFirst()
  return row === undefined ? null : { at: unixMs(row.ts.getTime()), value: row.value }
}
