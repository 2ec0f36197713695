// A bill run in a process of its own, so that it can be killed.

import { runBills } from '../../services/billing/bills/db/run.ts'
import { type Connection, openDatabase } from '../../services/billing/store/pool.ts'
import { MAY, NOW, UTILITY } from './bill-fixture.ts'

process.on('message', (connection: Connection) => {
  const db = openDatabase(connection, () => {})
  const run = { month: MAY.from, now: NOW, utility: UTILITY, by: 'the child', batch: 10 }
  runBills(db.kysely, run).then(
    () => process.exit(0),
    () => process.exit(1),
  )
})
process.send?.('ready')
