// Makes the database cluster that tests copy: initialised, migrated, shut down. The test runner
// (tools/test.js) calls it once, with the folder to make it in, before the first file starts.

import assert from 'node:assert/strict'
import {
  runningPostgres,
  startPostgres,
} from '../../services/billing/store/embedded/embedded-postgres.ts'
import { prepareSchema } from '../../services/billing/store/migrate.ts'
import { openDatabase, openOwner } from '../../services/billing/store/pool.ts'

const [folder] = process.argv.slice(2)
assert.ok(folder !== undefined, 'usage: template-cluster FOLDER')
// Interrupted, it still shuts the database down: nothing is left behind.
let stopped = false
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    stopped = true
  })
}
const server = await startPostgres({ folder, log: console.error }).catch((error: unknown) => {
  if (stopped) process.exit(1)
  throw error
})
const db = openDatabase(server.connection, () => {})
const owner = openOwner(server.owner)
assert.deepEqual(await prepareSchema({ owner, runtime: db.pool }), [])
await owner.end()
await db.close()
await server.close()
assert.equal(runningPostgres(folder), null)
