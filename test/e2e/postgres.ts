// One embedded cluster for a test file, in a folder of its own that goes away afterwards.

import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { migrate } from '../../services/billing/store/migrate.ts'
import { type Db, openDatabase } from '../../services/billing/store/pool.ts'
import {
  type EmbeddedPostgres,
  startPostgres,
} from '../../services/billing/store/embedded/embedded-postgres.ts'

/** A temporary folder that the database's account may pass through. */
export function temporaryFolder(): { readonly folder: string; readonly remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'ticklock-test-'))
  chmodSync(folder, 0o711)
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

export interface TestPostgres {
  readonly folder: string
  readonly server: EmbeddedPostgres
  /** Migrated, empty. */
  readonly db: Db
  close(): Promise<void>
}

export async function testPostgres(): Promise<TestPostgres> {
  const { folder, remove } = temporaryFolder()
  const server = await startPostgres({ folder: join(folder, 'postgres'), log: () => {} })
  const db = openDatabase(server.connection, () => {})
  await migrate(db.pool)
  const close = async () => {
    await db.close()
    await server.close()
    remove()
  }
  return { folder: join(folder, 'postgres'), server, db, close }
}
