// What a master changes in the roster's keys: trees re-wrapped under a new wrap key, and the static
// key that each device calls it by.

import { type Kysely, sql } from 'kysely'
import type { Rewrap, StoredKeys } from '../../../../shared/handover/roster.ts'
import type { DeviceId } from '../../../../shared/handover/sink.ts'
import type { Database } from '../../store/schema.ts'

/** Epochs per statement: some 110 KiB, and a few milliseconds of the master's work between two
 * answers of the database. */
const BATCH = 100

/** See Roster.rewrap. The lock waits for epochs that are just being stored and holds up new ones;
 * readings and their positions are still written. */
export async function rewrapEpochs(db: Kysely<Database>, rewrap: Rewrap): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await sql`lock table epochs in share row exclusive mode`.execute(tx)
    let after: StoredKeys = { device: '', epoch: -1, keys: new Uint8Array(0) }
    for (;;) {
      const { rows } = await sql<StoredKeys>`
        select device_id as device, id as epoch, keys from epochs
        where (device_id, id) > (${after.device}, ${after.epoch})
          and drained_at is null and let_go_at is null
        order by device_id, id limit ${BATCH}`.execute(tx)
      const last = rows.at(-1)
      if (last === undefined) return
      after = last
      const made = rewrap(rows).flatMap((keys, at) => {
        const row = rows[at]
        return keys === null || row === undefined ? [] : [{ ...row, keys }]
      })
      await sql`
        update epochs set keys = new.keys
        from unnest(${made.map(({ device }) => device)}::text[],
          ${made.map(({ epoch }) => epoch)}::bigint[],
          ${made.map(({ keys }) => Buffer.from(keys))}::bytea[]) as new (device_id, id, keys)
        where epochs.device_id = new.device_id and epochs.id = new.id`.execute(tx)
    }
  })
}

/** See Roster.calledUnder. */
export async function calledUnder(
  db: Kysely<Database>,
  tags: ReadonlyMap<DeviceId, Uint8Array>,
): Promise<void> {
  await sql`
    update devices set master_key = new.tag
    from unnest(${[...tags.keys()]}::text[],
      ${[...tags.values()].map((tag) => Buffer.from(tag))}::bytea[]) as new (id, tag)
    where devices.id = new.id and devices.master_key is distinct from new.tag`.execute(db)
}

const NEEDS_OLDER = sql`static_key is not null and revoked_at is null`
const OPEN_TOKEN = sql`burnt_by is null and expires_at > now()`

/** See Roster.olderKeys. */
export async function olderKeys(
  db: Kysely<Database>,
  tag: Uint8Array,
): Promise<{ readonly devices: number; readonly tokens: number }> {
  const other = sql`master_key is distinct from ${Buffer.from(tag)}`
  const { rows } = await sql<{ devices: number; tokens: number }>`select
    (select count(*) from devices where ${NEEDS_OLDER} and ${other}) as devices,
    (select count(*) from enrolment_tokens where ${OPEN_TOKEN} and ${other}) as tokens`.execute(db)
  return rows[0] ?? { devices: 0, tokens: 0 }
}

/** Names of the devices that olderKeys counts. */
export async function missingDevices(
  db: Kysely<Database>,
  tag: Uint8Array,
): Promise<readonly string[]> {
  const { rows } = await sql<{ name: string }>`select name from devices
    where ${NEEDS_OLDER} and master_key is distinct from ${Buffer.from(tag)}
    order by name`.execute(db)
  return rows.map(({ name }) => name)
}
