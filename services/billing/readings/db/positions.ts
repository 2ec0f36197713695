// How far each stream has come: rows.ts writes it with the batch that got it there, masters read it
// through the roster.

import type { Kysely, Transaction } from 'kysely'
import type { DeviceId, StreamPosition } from '../../../../shared/handover/sink.ts'
import { second } from '../../../../shared/units.ts'
import type { Database } from '../../store/schema.ts'

export async function readPositions(db: Kysely<Database>): Promise<readonly StreamPosition[]> {
  const rows = await db.selectFrom('stream_positions').selectAll().execute()
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

/** The epochs are retired: no more frames will come from them. */
export async function forgetPositions(
  tx: Transaction<Database>,
  device: DeviceId,
  epochs: number[],
): Promise<void> {
  await tx
    .deleteFrom('stream_positions')
    .where('device_id', '=', device)
    .where('epoch', 'in', epochs)
    .execute()
}
