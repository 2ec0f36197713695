// Closed epochs on their way out (wire.md 6.5): drained and set aside, back in use, in doubt, let
// go by an operator, destroyed when their grace is over. Keys and positions go together, and never
// without a word.

import { type Kysely, type Selectable, sql, type Transaction } from 'kysely'
import type { EpochName, EpochRecord, Roster } from '../../../../shared/handover/roster.ts'
import type { DeviceId } from '../../../../shared/handover/sink.ts'
import { DRAINED_KEPT_DAYS } from '../../../../shared/wire/limits.ts'
import { ofEpoch, raiseDoubts } from '../../readings/db/doubts.ts'
import { forgetPositions, readPositions } from '../../readings/db/positions.ts'
import { instant, instantOrNull } from '../../store/instants.ts'
import type { Database } from '../../store/schema.ts'
import type { ClosedEpoch } from '../core/views.ts'
import { bump } from './device-rows.ts'

type Db = Kysely<Database>
type Tx = Transaction<Database>

/** A closed epoch is in doubt when CONFIRM has left it out for this long and it is not drained: a
 * slave says DRAINED in the session in which it sent the last frame, and calls every hour. */
const DOUBT_HOURS = 24
/** Epochs handled in one round, so that no statement grows without bound; the rest waits for the
 * next. */
const ROUND = 1_000

const recordOf = (row: Selectable<Database['epochs']>): EpochRecord => ({
  device: row.device_id,
  id: row.id,
  origin: instant(row.origin),
  transcript: row.transcript,
  keys: row.keys,
  closed: row.closed_at !== null,
})

/** Those that are neither drained nor let go, oldest first. */
export async function readEpochs(db: Db): Promise<readonly EpochRecord[]> {
  const rows = await db
    .selectFrom('epochs')
    .selectAll()
    .where('drained_at', 'is', null)
    .where('let_go_at', 'is', null)
    .orderBy('created_at')
    .execute()
  return rows.map(recordOf)
}

export const epochsLetGo = (db: Db): Promise<readonly EpochName[]> =>
  db
    .selectFrom('epochs')
    .select(['device_id as device', 'id as epoch'])
    .where('let_go_at', 'is not', null)
    .execute()

/** See Roster.drainEpoch. */
export async function drainEpoch(
  db: Db,
  { device, epoch }: EpochName,
  keys: Uint8Array,
): Promise<void> {
  await db
    .updateTable('epochs')
    .set({ drained_at: sql`now()`, keys: Buffer.from(keys) })
    .where('device_id', '=', device)
    .where('id', '=', epoch)
    .where('closed_at', 'is not', null)
    .where('let_go_at', 'is', null)
    .execute()
}

/** See Roster.drainedEpochs. */
export async function drainedEpochs(
  db: Db,
  device: DeviceId,
  ids: readonly number[],
): ReturnType<Roster['drainedEpochs']> {
  const rows = await db
    .selectFrom('epochs')
    .selectAll()
    .where('device_id', '=', device)
    .where('id', 'in', [...ids])
    .where('drained_at', 'is not', null)
    .where('let_go_at', 'is', null)
    .execute()
  const epochs = rows.map(recordOf)
  return { epochs, positions: await readPositions(db, epochs) }
}

/** See Roster.reviveEpoch. */
export async function reviveEpoch(
  db: Db,
  { device, epoch }: EpochName,
  keys: Uint8Array,
): Promise<void> {
  await db
    .updateTable('epochs')
    .set({ drained_at: null, named_at: sql`now()`, keys: Buffer.from(keys) })
    .where('device_id', '=', device)
    .where('id', '=', epoch)
    .where('let_go_at', 'is', null)
    .execute()
}

/** See Roster.namedEpochs. */
export async function namedEpochs(db: Db, device: DeviceId, ids: readonly number[]): Promise<void> {
  await db
    .updateTable('epochs')
    .set({ named_at: sql`now()` })
    .where('device_id', '=', device)
    .where('id', 'in', [...ids])
    .execute()
}

/** The device called since it named it last (or since it was closed: that very call does not
 * count), and left it out, a day ago or more. */
const DOUBTFUL = sql<boolean>`coalesce(
  coalesce(named_at, closed_at) < now() - make_interval(hours => ${DOUBT_HOURS})
    and connected_at > coalesce(named_at, closed_at) + interval '5 minutes', false)`

/** Closed, not drained, not let go; with when CONFIRM named it last. */
const undrained = (db: Db) =>
  db
    .selectFrom('epochs')
    .innerJoin('devices', 'devices.id', 'epochs.device_id')
    .leftJoin('device_status', 'device_status.device_id', 'epochs.device_id')
    .select([
      'epochs.device_id as device',
      'epochs.id as epoch',
      'devices.name',
      'epochs.created_at',
      'epochs.closed_at',
      'epochs.named_at',
      DOUBTFUL.as('doubtful'),
    ])
    .where('epochs.closed_at', 'is not', null)
    .where('epochs.drained_at', 'is', null)
    .where('epochs.let_go_at', 'is', null)

/** A device's closed epochs that are not drained, oldest first. */
export async function closedEpochs(db: Db, device: DeviceId): Promise<readonly ClosedEpoch[]> {
  const rows = await undrained(db)
    .where('epochs.device_id', '=', device)
    .orderBy('epochs.closed_at')
    .execute()
  return rows.flatMap(({ epoch, created_at, closed_at, named_at, doubtful }) =>
    closed_at === null
      ? []
      : [
          {
            epoch,
            beganAt: instant(created_at),
            closedAt: instant(closed_at),
            namedAt: instantOrNull(named_at),
            doubtful,
          },
        ],
  )
}

/** See Roster.tidyEpochs. */
export async function tidyEpochs(tx: Tx): Promise<{ readonly destroyed: number }> {
  await raiseUnnamed(tx)
  const gone = await tx
    .selectFrom('epochs')
    .select(['device_id as device', 'id as epoch'])
    .where(sql<boolean>`coalesce(let_go_at, drained_at)
      < now() - make_interval(days => ${DRAINED_KEPT_DAYS})`)
    .where((is) => is.or([is('drained_at', 'is not', null), is('let_go_at', 'is not', null)]))
    .limit(ROUND)
    .forUpdate()
    .execute()
  if (gone.length === 0) return { destroyed: 0 }
  await forgetPositions(tx, gone)
  await sql`delete from epochs using unnest(${gone.map(({ device }) => device)}::text[],
      ${gone.map(({ epoch }) => epoch)}::bigint[]) as gone (device_id, id)
    where epochs.device_id = gone.device_id and epochs.id = gone.id`.execute(tx)
  return { destroyed: gone.length }
}

async function raiseUnnamed(tx: Tx): Promise<void> {
  const rows = await undrained(tx)
    .where(DOUBTFUL)
    .where(sql<boolean>`not exists (select from exceptions where exceptions.device_id = epochs.device_id
      and exceptions.epoch = epochs.id and run = 0 and sequence = 0)`)
    .limit(ROUND)
    .execute()
  const doubts = rows.map(({ device, epoch, closed_at, named_at }) => {
    const since = (named_at ?? closed_at)?.toISOString() ?? 'for ever'
    return ofEpoch(
      { device, epoch },
      `epoch ${epoch}: neither drained nor named since ${since}; "ticklock let-go" lists it`,
    )
  })
  await raiseDoubts(tx, doubts, 'unnamed')
}

/** An operator gives up closed epochs: their keys and positions are destroyed now, whatever a slave
 * may still hold of them. Returns those that were given up. */
export async function letGoEpochs(
  db: Db,
  device: DeviceId,
  given: { readonly epochs: readonly number[]; readonly by: string; readonly reason: string },
): Promise<readonly number[]> {
  return db.transaction().execute(async (tx) => {
    const rows = await tx
      .updateTable('epochs')
      .set({ let_go_at: sql`now()`, keys: Buffer.alloc(0) })
      .where('device_id', '=', device)
      .where('id', 'in', [...given.epochs])
      .where('closed_at', 'is not', null)
      .where('let_go_at', 'is', null)
      .returning('id')
      .execute()
    const gone = rows.map(({ id }) => ({ device, epoch: id }))
    await forgetPositions(tx, gone)
    const detail = (epoch: number): string =>
      `epoch ${epoch}: let go by ${given.by}: ${given.reason}`
    await raiseDoubts(
      tx,
      gone.map((name) => ofEpoch(name, detail(name.epoch))),
      'let go',
    )
    await bump(tx)
    return gone.map(({ epoch }) => epoch)
  })
}
