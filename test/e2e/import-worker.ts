// A process that applies one import and is killed by the test.

import { openDatabase } from '../../services/billing/store/pool.ts'
import { applyImport } from '../../services/billing/customers/shell/imports/run.ts'

const [connection = '', id = ''] = process.argv.slice(2)
const db = openDatabase(connection, () => {})
process.send?.('begun')
await applyImport({ pool: db.pool, db: db.kysely }, Number(id), 'ola')
await db.close()
process.send?.('done')
process.disconnect?.()
