// An import that is killed at any moment is there as a whole or not at all.
// TICKLOCK_IMPORT_KILLS says how many rounds.

import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { openLog } from '../../shared/node/log.ts'
import { findImport, moveImport } from '../../services/billing/customers/db/imports/log.ts'
import { openImportDesk } from '../../services/billing/customers/shell/imports/desk.ts'
import { checkImport } from '../../services/billing/customers/shell/imports/run.ts'
import { chanceOf } from '../sim/prng.ts'
import { emptyRegistry, importStore, prepared } from './import-fixture.ts'
import { type TestPostgres, testPostgres } from './postgres.ts'

const ROUNDS = Number(process.env['TICKLOCK_IMPORT_KILLS'] ?? 3)
const LINES = 2_000
const WORKER = fileURLToPath(
  new URL(
    import.meta.url.endsWith('.ts') ? './import-worker.ts' : './import-worker.js',
    import.meta.url,
  ),
)

let postgres: TestPostgres
before(async () => {
  postgres = await testPostgres()
})
after(() => postgres.close())

const file = (): string => {
  const lines = [
    'Customer number,Customer name,Customer address,Service point code,Meter number,from',
  ]
  for (let n = 0; n < LINES; n += 1)
    lines.push(`C-${n},Name ${n},Street ${n},P-${n},M-${n},2026-05-01`)
  return lines.join('\n').replaceAll(',from', ',Supplied from')
}

/** Where the working role reaches the test's database. */
const address = (): string => {
  const { host, port, user, password, database } = postgres.server.connection
  const login = `${user}:${encodeURIComponent(String(password))}`
  return `postgres://${login}@/${database}?host=${encodeURIComponent(String(host))}&port=${port}`
}

test(`killed with -9 in ${ROUNDS} imports: all of it or nothing, and it is named`, async (t) => {
  const { kysely: db, pool } = postgres.db
  const chance = chanceOf(2026, 'import kills')
  const outcomes = { whole: 0, nothing: 0 }
  // How long one takes here is learned from those that came through.
  let longest = 4_000
  for (let round = 0; round < ROUNDS; round += 1) {
    await emptyRegistry(postgres)
    const id = await prepared(postgres, { kind: 'flat', text: file() })
    await postgres.owner.query(`update imports set options = options || '{"zone":"UTC"}'`)
    await checkImport(importStore(postgres), id)
    assert.ok(await moveImport(db, id, { from: ['checked'], to: 'applying' }))
    const worker = fork(WORKER, [address(), String(id)])
    const ended = once(worker, 'exit')
    await once(worker, 'message')
    const begun = performance.now()
    await Promise.race([wait(chance.below(longest)), ended])
    worker.kill('SIGKILL')
    await ended
    const took = performance.now() - begun
    const desk = await settled(id)
    const { rows } = await pool.query<{ customers: number; contracts: number; changes: number }>(
      `select (select count(*) from customers)::integer as customers,
         (select count(*) from contracts)::integer as contracts,
         (select count(*) from changes)::integer as changes`,
    )
    const view = await findImport(db, id)
    const whole = { customers: LINES, contracts: LINES, changes: 6 * LINES }
    const nothing = { customers: 0, contracts: 0, changes: 0 }
    assert.deepEqual(rows, [view?.state === 'applied' ? whole : nothing], view?.state ?? '')
    assert.ok(view?.state === 'applied' || view?.state === 'interrupted', view?.state ?? 'gone')
    if (view.state === 'applied') longest = took
    outcomes[view.state === 'applied' ? 'whole' : 'nothing'] += 1
    await desk.stop()
  }
  assert.equal(outcomes.whole + outcomes.nothing, ROUNDS)
  t.diagnostic(JSON.stringify(outcomes))
})

/** A head-end starts and looks, once the killed process's connection is gone. */
async function settled(id: number) {
  const log = openLog({ pretty: false, nowMs: () => 0, write: () => {} })
  for (let tries = 0; ; tries += 1) {
    const desk = openImportDesk({ pool: postgres.db.pool, db: postgres.db.kysely }, log)
    await wait(100)
    const view = await findImport(postgres.db.kysely, id)
    if (view?.state !== 'applying' || tries > 100) return desk
    await desk.stop()
  }
}
