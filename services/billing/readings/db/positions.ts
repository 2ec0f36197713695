// How far each stream has come: rows.ts writes it with the batch that got it there, masters read it
// through the roster.

import { type Kysely, sql, type Transaction } from 'kysely'
import type { DeviceId, StreamPosition } from '../../../../shared/handover/sink.ts'
import { second } from '../../../../shared/units.ts'
import type { Database } from '../../store/schema.ts'

/** Of these epochs alone: those of drained ones are not looked at. */
export async function readPositions(
  db: Kysely<Database>,
  epochs: readonly { readonly device: DeviceId; readonly id: number }[],
): Promise<readonly StreamPosition[]> {
  const names = sql<{ device: string; epoch: number }>`(
    select * from unnest(${epochs.map(({ device }) => device)}::text[],
      ${epochs.map(({ id }) => id)}::bigint[]) as named (device, epoch))`
  const rows = await db
    .selectFrom(names.as('named'))
    .innerJoin('stream_positions', (join) =>
      join
        .onRef('stream_positions.device_id', '=', 'named.device')
        .onRef('stream_positions.epoch', '=', 'named.epoch'),
    )
    .selectAll('stream_positions')
    .execute()
  return rows.map((row) => ({
    device: row.device_id,
    epoch: row.epoch,
    run: row.run,
    sequence: row.sequence,
    second: second(row.second),
    hash: row.hash,
    salt: row.salt,
    opener: row.opener,
  }))
}

/** No more frames can come from these epochs. */
export async function forgetPositions(
  tx: Transaction<Database>,
  epochs: readonly { readonly device: DeviceId; readonly epoch: number }[],
): Promise<void> {
  await sql`delete from stream_positions as at
    using unnest(${epochs.map(({ device }) => device)}::text[],
      ${epochs.map(({ epoch }) => epoch)}::bigint[]) as gone (device_id, epoch)
    where at.device_id = gone.device_id and at.epoch = gone.epoch`.execute(tx)
}
