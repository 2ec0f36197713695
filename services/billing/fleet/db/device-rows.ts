// A device as its row describes it, and the notification to the masters that the roster changed.

import type { Selectable, Transaction } from 'kysely'
import type { DeviceRecord } from '../../../../shared/handover/roster.ts'
import { count } from '../../store/counters.ts'
import { instantOrNull } from '../../store/instants.ts'
import type { Database } from '../../store/schema.ts'

/** Tells every master to read the roster again, when the transaction it is part of commits. */
export async function bump(tx: Transaction<Database>): Promise<void> {
  await count(tx, 'roster')
}

export const deviceRecord = (row: Selectable<Database['devices']>): DeviceRecord => ({
  id: row.id,
  name: row.name,
  staticKey: row.static_key,
  psk: row.psk,
  attempt: row.attempt,
  revoked: row.revoked_at !== null,
  historyFrom: instantOrNull(row.history_from),
  ...(row.master_key === null ? {} : { masterKey: row.master_key }),
})
