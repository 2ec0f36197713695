// One embedded cluster for a test file, in a folder of its own that goes away afterwards.
//
// To initialise and migrate a cluster takes seconds; to copy one that is ready takes tens of
// milliseconds. The test runner makes one and names its folder in TICKLOCK_TEST_CLUSTER; without it
// (a file run by hand) every test initialises its own. What a first start does is shown by
// embedded-postgres.test.ts, cli.test.ts, demo.test.ts and attack.test.ts, which copy nothing.

import { execFileSync } from 'node:child_process'
import { appendFileSync, chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Pool } from 'pg'
import { prepareSchema } from '../../services/billing/store/migrate.ts'
import { type Db, openDatabase, openOwner } from '../../services/billing/store/pool.ts'
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
  /** Migrated, empty; with the rights that Ticklock works with. */
  readonly db: Db
  /** As the owner of the tables, who may do anything. */
  readonly owner: Pool
  close(): Promise<void>
}

export interface ClusterOptions {
  /** True where the test is about what survives: each commit is flushed to the disk. False: the
   * rest of PostgreSQL works as always, only the flushing (fsync) is left out. */
  readonly durable?: boolean
}

/** Puts a copy of the runner's cluster, migrated and empty, where startPostgres looks for the
 * database of `folder`. Does nothing when there is none to copy. */
export function copyCluster(folder: string, { durable = false }: ClusterOptions = {}): void {
  const template = process.env['TICKLOCK_TEST_CLUSTER']
  // The database's account may have been unable to enter: then it lies elsewhere.
  if (template === undefined || !existsSync(join(template, 'cluster'))) return
  mkdirSync(folder, { recursive: true })
  const parts = ['cluster', 'password', 'password-work'].map((name) => join(template, name))
  execFileSync('cp', ['-a', ...parts, folder])
  if (!durable) appendFileSync(join(folder, 'cluster', 'postgresql.conf'), 'fsync = off\n')
}

export async function testPostgres(options: ClusterOptions = {}): Promise<TestPostgres> {
  const { folder: parent, remove } = temporaryFolder()
  const folder = join(parent, 'postgres')
  copyCluster(folder, options)
  const server = await startPostgres({ folder, log: () => {} })
  const db = openDatabase(server.connection, () => {})
  const owner = openOwner(server.owner)
  await prepareSchema({ owner, runtime: db.pool })
  const close = async () => {
    await owner.end()
    await db.close()
    await server.close()
    remove()
  }
  return { folder, server, db, owner, close }
}
