// Entering a reading by hand, and deciding on it. Both hold the meter's row, so two people cannot
// approve readings that contradict each other; a decision is never taken back, because a bill may
// rest on it.

import { type Kysely, sql, type Transaction } from 'kysely'
import { errorCode } from '../../../../shared/node/fault-error.ts'
import { type UnixMs, unixMs } from '../../../../shared/units.ts'
import { addDays, civilDateAt, startOfDay } from '../../civil/calendar.ts'
import { type Author, recordChange } from '../../store/changes.ts'
import type { Database } from '../../store/schema.ts'
import { type Finding, findingsOf, isRefusal, zoneOf } from '../core/manual.ts'
import type { ManualKind, ManualRow } from '../core/manual-views.ts'
import { aroundOf, manualRow } from './manual.ts'

/** Own readings a customer may enter within 24 hours: a shop chain's places, mistakes included. */
export const OWN_PER_DAY_MAX = 30
const DAY_MS = 86_400_000

export interface ManualEntry {
  readonly meterId: number
  readonly obis: string
  readonly unit: number
  readonly at: UnixMs
  readonly zone: string
  readonly value: number
  readonly exponent: number
  readonly kind: ManualKind
  readonly photo: string
  readonly note: string
  /** Whoever enters it says that what is unusual about it is right. */
  readonly sure: boolean
  readonly now: UnixMs
}

export type Entered =
  | { readonly is: 'done'; readonly id: number }
  /** BIL-32, or unusual and not confirmed. */
  | { readonly is: 'odd'; readonly findings: readonly Finding[] }
  /** Another one of that register and day waits already. */
  | { readonly is: 'pending'; readonly id: number }
  | { readonly is: 'too many' }

type Trx = Transaction<Database>

/** Stores a reading that waits for a decision. */
export async function enterManual(
  db: Kysely<Database>,
  author: Author,
  entry: ManualEntry,
): Promise<Entered> {
  return db.transaction().execute(async (trx) => {
    await holdMeter(trx, entry.meterId)
    if (entry.kind === 'customer' && (await tooMany(trx, author, entry.now))) {
      return { is: 'too many' }
    }
    const pending = await pendingOf(trx, entry)
    if (pending !== null) return { is: 'pending', id: pending }
    const findings = findingsOf(
      { ...entry, by: entry.kind },
      await aroundOf(trx, { ...entry, but: null }),
      { unit: entry.unit, digits: await digitsOf(trx, entry.meterId) },
    )
    if (findings.some(isRefusal) || (findings.length > 0 && !entry.sure)) {
      return { is: 'odd', findings }
    }
    return { is: 'done', id: await insert(trx, author, entry) }
  })
}

const holdMeter = (trx: Trx, id: number) =>
  sql`select from meters where id = ${id} for no key update`.execute(trx)

async function digitsOf(trx: Trx, id: number): Promise<number | null> {
  const row = await trx
    .selectFrom('meters')
    .select('digits')
    .where('id', '=', id)
    .executeTakeFirst()
  return row?.digits ?? null
}

async function tooMany(trx: Trx, { who }: Author, now: UnixMs): Promise<boolean> {
  const { rows } = await sql<{ n: number }>`select count(*)::integer as n from (
    select from manual_readings where entered_by = ${who}
      and entered_at > ${new Date(now - DAY_MS)} limit ${OWN_PER_DAY_MAX}) mine`.execute(trx)
  return (rows[0]?.n ?? 0) >= OWN_PER_DAY_MAX
}

/** One that waits for the same register and local day. */
async function pendingOf(trx: Trx, entry: ManualEntry): Promise<number | null> {
  const zone = zoneOf(entry)
  const day = civilDateAt(entry.at, zone)
  const row = await trx
    .selectFrom('manual_readings')
    .select('id')
    .where('meter_id', '=', entry.meterId)
    .where('obis', '=', entry.obis)
    .where('state', '=', 'waiting')
    .where('ts', '>=', new Date(startOfDay(day, zone)))
    .where('ts', '<', new Date(startOfDay(addDays(day, 1), zone)))
    .executeTakeFirst()
  return row?.id ?? null
}

async function insert(trx: Trx, author: Author, entry: ManualEntry): Promise<number> {
  const { meterId, obis, unit, at, value, exponent, kind, photo, note } = entry
  const { id } = await trx
    .insertInto('manual_readings')
    .values({
      meter_id: meterId,
      obis,
      unit,
      ts: new Date(at),
      value,
      exponent,
      kind,
      photo,
      note,
      entered_by: author.who,
      entered_at: new Date(entry.now),
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  const after = {
    meter: meterId,
    obis,
    at: new Date(at).toISOString(),
    value,
    exponent,
    unit,
    kind,
  }
  await recordChange(trx, author, {
    what: 'manual reading',
    id,
    before: null,
    after: { ...after, photo, note, state: 'waiting' },
  })
  return id
}

export type Decision = 'approved' | 'refused'
export type Decided =
  | { readonly is: 'done' }
  | { readonly is: 'gone' }
  /** Somebody has decided already. */
  | { readonly is: 'decided'; readonly row: ManualRow }
  /** It contradicts what is known by now (BIL-32), so it waits on. */
  | { readonly is: 'odd'; readonly findings: readonly Finding[] }

/** Approves or refuses one that waits. What is merely unusual is for whoever decides to judge. */
export async function decideManual(
  db: Kysely<Database>,
  author: Author,
  asked: { readonly id: number; readonly decision: Decision; readonly now: UnixMs },
): Promise<Decided> {
  try {
    return await decide(db, author, asked)
  } catch (error) {
    // A register read at a handover was stored for that very instant meanwhile: now it is seen.
    if (errorCode(error) !== '23505') throw error
    return decide(db, author, asked)
  }
}

async function decide(
  db: Kysely<Database>,
  author: Author,
  { id, decision, now }: { readonly id: number; readonly decision: Decision; readonly now: UnixMs },
): Promise<Decided> {
  return db.transaction().execute(async (trx) => {
    const shown = await manualRow(trx, id)
    if (shown === null) return { is: 'gone' }
    await holdMeter(trx, shown.meterId)
    const row = await manualRow(trx, id)
    if (row === null) return { is: 'gone' }
    if (row.state !== 'waiting') return { is: 'decided', row }
    if (decision === 'approved') {
      const findings = (await findingsAbout(trx, row)).filter(isRefusal)
      if (findings.length > 0) return { is: 'odd', findings }
    }
    const at = new Date(now)
    await trx
      .updateTable('manual_readings')
      .set({ state: decision, decided_at: at, decided_by: author.who, decided_why: author.why })
      .where('id', '=', id)
      .execute()
    const before = { state: 'waiting' }
    await recordChange(trx, author, {
      what: 'manual reading',
      id,
      before,
      after: { state: decision },
    })
    return { is: 'done' }
  })
}

/** What is odd about one that is stored, with what is known of its register now. */
export async function findingsAbout(
  db: Kysely<Database>,
  row: ManualRow,
): Promise<readonly Finding[]> {
  const { id, meterId, obis, unit, at, zone, value, exponent, kind, digits } = row
  const around = await aroundOf(db, { meterId, obis, unit, at, zone, but: id })
  return findingsOf({ at: unixMs(at), value, exponent, by: kind }, around, { digits, unit })
}
