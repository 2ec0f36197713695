// The database of the running head-end, for commands that talk to it.

import { userInfo } from 'node:os'
import { join } from 'node:path'
import type { DeviceRecord } from '../../../shared/handover/roster.ts'
import { FaultError } from '../../../shared/node/fault-error.ts'
import { listDevices } from '../../billing/fleet/db/roster.ts'
import { runningPostgres } from '../../billing/store/embedded/embedded-postgres.ts'
import { type Db, openDatabase, reach } from '../../billing/store/pool.ts'
import type { Settings } from '../../settings.ts'

/** Who gives a command, as the database keeps it. */
export const operator = (): string => `${userInfo().username} (command line)`

/** Whether it has this name, however its umlauts are typed. */
export const isCalled = ({ name }: DeviceRecord, typed: string): boolean =>
  name.normalize('NFC') === typed.normalize('NFC')

/** By id or name; SEC-01 when there is none. */
export async function findDevice(db: Db['kysely'], device: string): Promise<DeviceRecord> {
  const found = (await listDevices(db)).find(
    (known) => known.id === device || isCalled(known, device),
  )
  if (found === undefined) throw new FaultError('SEC-01', device)
  return found
}

/** Connects, does `work`, disconnects. OPS-08 when no database runs or answers. */
export async function withDatabase(
  settings: Settings,
  work: (db: Db) => Promise<void>,
): Promise<void> {
  const connection =
    settings.databaseUrl ?? runningPostgres(join(settings.dataFolder, 'postgresql'))
  if (connection === null) {
    throw new FaultError('OPS-08', 'start "ticklock up" first, or set DATABASE_URL')
  }
  const db = openDatabase(connection, (line) => console.error(line))
  try {
    const client = await reach(db.pool)
    client.release()
    await work(db)
  } finally {
    await db.close()
  }
}
