// Which meter hangs where, from an instant to another: installed, removed, exchanged, or standing
// behind a main meter. A meter is at one place at a time (BIL-31).

import { sql } from 'kysely'
import { type UnixMs, unixMs } from '../../../../shared/units.ts'
import { addDays, civilDateAt, dateText, instantText, startOfDay } from '../../civil/calendar.ts'
import { type Author, recordChange } from '../../store/changes.ts'
import { enterRegisters, type RegistersEntry } from '../../readings/db/register-entries.ts'
import { done, GONE, refused, type RowFields, type Written } from '../core/written.ts'
import { billedUntil } from './billed.ts'
import { lockPoint } from './contract-rows.ts'
import type { Trx } from './writing.ts'

export type Registers = RegistersEntry['registers']

export interface InstallEntry {
  readonly meterId: number
  readonly servicePointId: number
  readonly at: UnixMs
  readonly opening: Registers
  /** It measures a part of what that meter measures; null: it stands alone. */
  readonly mainMeterId: number | null
}

interface InstallationRow {
  readonly id: number
  readonly meterId: number
  readonly meter: string
  readonly servicePointId: number
  readonly servicePoint: string
  readonly zone: string
  readonly from: Date
  readonly to: Date | null
  readonly main: string | null
}

const rows = (trx: Trx) =>
  trx
    .selectFrom('installations')
    .innerJoin('meters', 'meters.id', 'installations.meter_id')
    .innerJoin('service_points', 'service_points.id', 'installations.service_point_id')
    .leftJoin('meters as mains', 'mains.id', 'installations.main_meter_id')
    .select([
      'installations.id as id',
      'meters.id as meterId',
      'meters.number as meter',
      'service_points.id as servicePointId',
      'service_points.code as servicePoint',
      'zone',
      'from_ts as from',
      'to_ts as to',
      'mains.number as main',
    ])

const fieldsOf = (row: InstallationRow): RowFields => ({
  meter: row.meter,
  service_point: row.servicePoint,
  from_ts: row.from.toISOString(),
  to_ts: row.to?.toISOString() ?? null,
  main_meter: row.main,
})

const localText = (at: Date, zone: string): string => instantText(unix(at), zone)
const unix = (at: Date): UnixMs => unixMs(at.getTime())

async function lockInstallation(trx: Trx, id: number): Promise<InstallationRow | null> {
  const row = await rows(trx).where('installations.id', '=', id).executeTakeFirst()
  if (row === undefined) return null
  await lockPoint(trx, row.servicePointId)
  const held = await rows(trx)
    .where('installations.id', '=', id)
    .forUpdate(['installations'])
    .executeTakeFirst()
  return held ?? null
}

/** Refuses what would change the readings of days that are billed already. */
async function billed(
  trx: Trx,
  place: { readonly servicePointId: number; readonly zone: string; readonly at: UnixMs },
): Promise<Written | null> {
  const until = await billedUntil(trx, place.servicePointId)
  if (until === null || place.at >= startOfDay(until, place.zone)) return null
  const text =
    `This service point is billed up to ${dateText(addDays(until, -1))}, and an issued bill ` +
    `stays: choose ${dateText(until)} or later.`
  return refused('at', 'OPS-41', text)
}

/** BIL-31, naming where the meter is at that time; null: nowhere. */
async function elsewhere(
  trx: Trx,
  meter: { readonly meterId: number; readonly from: Date; readonly to: Date | null },
  but = 0,
): Promise<Written | null> {
  const other = await rows(trx)
    .where('meter_id', '=', meter.meterId)
    .where('installations.id', '<>', but)
    .where(
      sql<boolean>`tstzrange(from_ts, to_ts) && tstzrange(${meter.from}::timestamptz,
        ${meter.to}::timestamptz)`,
    )
    .orderBy('from_ts')
    .limit(1)
    .executeTakeFirst()
  if (other === undefined) return null
  const { meter: number, servicePoint, zone, from, to } = other
  const since = localText(from, zone)
  const text =
    to === null
      ? `Meter ${number} is at ${servicePoint} since ${since}: remove it there first.`
      : `Meter ${number} was at ${servicePoint} from ${since} to ${localText(to, zone)}: ` +
        'install it from then on, or correct that first.'
  return refused('meter', 'BIL-31', text, `/service-points/${other.servicePointId}`)
}

/** Installs a meter at a service point from an instant on, with its opening registers. */
export async function installMeter(
  trx: Trx,
  author: Author,
  entry: InstallEntry,
): Promise<Written> {
  const { meterId, servicePointId, at, opening, mainMeterId } = entry
  if (!(await lockPoint(trx, servicePointId))) return GONE
  const { zone } = await trx
    .selectFrom('service_points')
    .select('zone')
    .where('id', '=', servicePointId)
    .executeTakeFirstOrThrow()
  const from = new Date(at)
  const refusal =
    (await billed(trx, { servicePointId, zone, at })) ??
    (await elsewhere(trx, { meterId, from, to: null })) ??
    (await wrongMain(trx, meterId, mainMeterId))
  if (refusal !== null) return refusal
  const { id } = await trx
    .insertInto('installations')
    .values({
      meter_id: meterId,
      service_point_id: servicePointId,
      from_ts: from,
      main_meter_id: mainMeterId,
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  const row = await rows(trx).where('installations.id', '=', id).executeTakeFirstOrThrow()
  await recordChange(trx, author, { what: 'installation', id, before: null, after: fieldsOf(row) })
  const note = `installed at ${row.servicePoint}`
  const entered = { meterId, at, kind: 'opening', registers: opening, note } as const
  return contradicted(await enterRegisters(trx, author, entered), 'opening') ?? done(id)
}

const contradicted = (codes: readonly string[], kind: string): Written | null => {
  const [code] = codes
  if (code === undefined) return null
  const text =
    `Another reading of ${code} is approved for this very instant, and an approved reading ` +
    'stays: leave the field empty, or enter the same value.'
  return refused(`${kind}_${code}`, null, text)
}

/** A main meter is another meter, and does not stand behind this one. */
async function wrongMain(
  trx: Trx,
  meterId: number,
  mainMeterId: number | null,
): Promise<Written | null> {
  if (mainMeterId === null) return null
  const { rows: above } = await sql<{ id: number }>`
    with recursive above(id) as (
      select ${mainMeterId}::integer
      union
      select i.main_meter_id from installations i join above a on i.meter_id = a.id
      where i.to_ts is null and i.main_meter_id is not null)
    select id from above where id = ${meterId}`.execute(trx)
  if (above.length === 0) return null
  return refused('main', null, 'That meter is this one or stands behind it: name another.')
}

/** Says from when on a meter is not at its place any more, with its closing registers. */
export async function removeMeter(
  trx: Trx,
  author: Author,
  change: { readonly id: number; readonly at: UnixMs; readonly closing: Registers },
): Promise<Written> {
  const { id, at, closing } = change
  const row = await lockInstallation(trx, id)
  if (row === null) return GONE
  const { servicePointId, zone, meterId } = row
  if (row.to !== null) {
    const text = `Meter ${row.meter} is removed already, on ${localText(row.to, zone)}.`
    return refused('at', 'OPS-41', text)
  }
  if (at <= row.from.getTime()) {
    const text = `Meter ${row.meter} is installed since ${localText(row.from, zone)}: choose a later time.`
    return refused('at', null, text)
  }
  const late = await billed(trx, { servicePointId, zone, at })
  if (late !== null) return late
  await update(trx, author, row, { ...row, to: new Date(at) })
  const note = `removed from ${row.servicePoint}`
  const entered = { meterId, at, kind: 'closing', registers: closing, note } as const
  return contradicted(await enterRegisters(trx, author, entered), 'closing') ?? done(id)
}

/** Exchanges a meter: the old one ends and the new one begins at one instant. */
export async function exchangeMeter(
  trx: Trx,
  author: Author,
  change: {
    readonly id: number
    readonly at: UnixMs
    readonly closing: Registers
    readonly meterId: number
    readonly opening: Registers
  },
): Promise<Written> {
  const { id, at, closing, meterId, opening } = change
  const row = await lockInstallation(trx, id)
  if (row === null) return GONE
  if (row.meterId === meterId) {
    return refused('meter', null, `Meter ${row.meter} is the old one: name the new one.`)
  }
  const removed = await removeMeter(trx, author, { id, at, closing })
  if (removed.is !== 'done') return removed
  const main = await trx
    .selectFrom('installations')
    .select('main_meter_id')
    .where('id', '=', id)
    .executeTakeFirst()
  const mainMeterId = main?.main_meter_id ?? null
  const { servicePointId } = row
  const installed = await installMeter(trx, author, {
    meterId,
    servicePointId,
    at,
    opening,
    mainMeterId,
  })
  if (installed.is === 'done') await followMain(trx, author, { old: row.meterId, meterId, at })
  return installed
}

/** What stood behind the old meter stands behind the new one. */
async function followMain(
  trx: Trx,
  author: Author,
  { old, meterId, at }: { readonly old: number; readonly meterId: number; readonly at: UnixMs },
): Promise<void> {
  const behind = await rows(trx)
    .where('main_meter_id', '=', old)
    .where('to_ts', 'is', null)
    .where('from_ts', '<=', new Date(at))
    .execute()
  for (const row of behind) {
    await trx
      .updateTable('installations')
      .set({ main_meter_id: meterId })
      .where('id', '=', row.id)
      .execute()
    const after = await rows(trx).where('installations.id', '=', row.id).executeTakeFirstOrThrow()
    await recordChange(trx, author, {
      what: 'installation',
      id: row.id,
      before: fieldsOf(row),
      after: fieldsOf(after),
    })
  }
}

/** Takes a removal back. BIL-31 when the meter hangs elsewhere by now. */
export async function undoRemoval(trx: Trx, author: Author, id: number): Promise<Written> {
  const row = await lockInstallation(trx, id)
  if (row === null) return GONE
  if (row.to === null) return done(id)
  const { meterId, servicePointId, zone, from, to } = row
  const refusal =
    (await billed(trx, { servicePointId, zone, at: unix(to) })) ??
    (await elsewhere(trx, { meterId, from, to: null }, id))
  if (refusal !== null) return refusal
  return update(trx, author, row, { ...row, to: null })
}

/** Takes back an installation that was entered by mistake and by which nothing was billed. */
export async function deleteInstallation(trx: Trx, author: Author, id: number): Promise<Written> {
  const row = await lockInstallation(trx, id)
  if (row === null) return GONE
  const until = await billedUntil(trx, row.servicePointId)
  if (until !== null && civilDateAt(unix(row.from), row.zone) < until) {
    const text = `Bills up to ${dateText(addDays(until, -1))} rest on it: remove the meter instead.`
    return refused('', 'OPS-41', text, `/service-points/${row.servicePointId}`)
  }
  await trx.deleteFrom('installations').where('id', '=', id).execute()
  await recordChange(trx, author, { what: 'installation', id, before: fieldsOf(row), after: null })
  return done(id)
}

async function update(
  trx: Trx,
  author: Author,
  row: InstallationRow,
  after: InstallationRow,
): Promise<Written> {
  const { id } = row
  await trx.updateTable('installations').set({ to_ts: after.to }).where('id', '=', id).execute()
  const [before, now] = [fieldsOf(row), fieldsOf(after)]
  await recordChange(trx, author, { what: 'installation', id, before, after: now })
  return done(id)
}
