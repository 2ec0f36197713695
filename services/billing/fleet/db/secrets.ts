// Every wrapped secret of the fleet, wrapped once more: once, after an update from a version that
// bound none to its row. What is in them this file cannot see.

import { type Kysely, sql, type Transaction } from 'kysely'
import type { DevicePlace, Roster, StoredSecret } from '../../../../shared/handover/roster.ts'
import type { Database } from '../../store/schema.ts'

type Tx = Transaction<Database>
type Rewrap = Parameters<Roster['rewrapSecrets']>[0]

/** Secrets per statement: psks and tokens are some 60 bytes, trees a kilobyte. */
const BATCH = 500

interface Column {
  readonly table: 'devices' | 'enrolment_tokens' | 'epochs'
  /** One batch after `after` in the order of the key, which the table's is. */
  read(tx: Tx, after: StoredSecret | null): Promise<readonly StoredSecret[]>
  write(tx: Tx, place: DevicePlace, wrapped: Buffer): Promise<void>
}

const PSKS: Column = {
  table: 'devices',
  async read(tx, after) {
    const rows = await tx
      .selectFrom('devices')
      .select(['id', 'static_key', 'psk'])
      .where('id', '>', after?.place.device ?? '')
      .where('psk', 'is not', null)
      .where('static_key', 'is not', null)
      .orderBy('id')
      .limit(BATCH)
      .execute()
    return rows.flatMap(({ id: device, static_key: staticKey, psk: wrapped }) =>
      staticKey === null || wrapped === null
        ? []
        : [{ place: { is: 'psk', device, staticKey } as const, wrapped }],
    )
  },
  async write(tx, { device }, psk) {
    await tx.updateTable('devices').set({ psk }).where('id', '=', device).execute()
  },
}

const TOKENS: Column = {
  table: 'enrolment_tokens',
  async read(tx, after) {
    const rows = await tx
      .selectFrom('enrolment_tokens')
      .select(['id', 'device_id', 'secret'])
      .where('id', '>', after?.place.is === 'token' ? after.place.token : '')
      .orderBy('id')
      .limit(BATCH)
      .execute()
    return rows.map(({ id: token, device_id: device, secret: wrapped }) => ({
      place: { is: 'token', device, token },
      wrapped,
    }))
  },
  async write(tx, place, secret) {
    if (place.is !== 'token') return
    await tx.updateTable('enrolment_tokens').set({ secret }).where('id', '=', place.token).execute()
  },
}

const TREES: Column = {
  table: 'epochs',
  async read(tx, after) {
    const last = after?.place.is === 'tree' ? after.place : { device: '', epoch: -1 }
    const { rows } = await sql<{ device: string; epoch: number; wrapped: Buffer }>`
      select device_id as device, id as epoch, keys as wrapped from epochs
      where (device_id, id) > (${last.device}, ${last.epoch})
      order by device_id, id limit ${BATCH}`.execute(tx)
    return rows.map(({ device, epoch, wrapped }) => ({
      place: { is: 'tree', device, epoch },
      wrapped,
    }))
  },
  async write(tx, place, keys) {
    if (place.is !== 'tree') return
    await tx
      .updateTable('epochs')
      .set({ keys })
      .where('device_id', '=', place.device)
      .where('id', '=', place.epoch)
      .execute()
  },
}

/** See Roster.rewrapSecrets. */
export async function rewrapSecrets(db: Kysely<Database>, rewrap: Rewrap): Promise<void> {
  await db.transaction().execute(async (tx) => {
    for (const column of [PSKS, TOKENS, TREES]) {
      await sql`lock table ${sql.table(column.table)} in share row exclusive mode`.execute(tx)
      let after: StoredSecret | null = null
      for (;;) {
        const batch: readonly StoredSecret[] = await column.read(tx, after)
        const last = batch.at(-1)
        if (last === undefined) break
        after = last
        const made = rewrap(batch)
        for (const [at, { place }] of batch.entries()) {
          const wrapped = made[at] ?? null
          if (wrapped !== null) await column.write(tx, place, Buffer.from(wrapped))
        }
      }
    }
  })
}
