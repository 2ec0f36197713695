// How long a flat file of 100,000 lines takes: dry run and import, into an empty database that
// flushes its commits.

import assert from 'node:assert/strict'
import { findImport, moveImport } from '../../services/billing/customers/db/imports/log.ts'
import { applyImport, checkImport } from '../../services/billing/customers/shell/imports/run.ts'
import { importStore, prepared } from '../e2e/import-fixture.ts'
import { testPostgres } from '../e2e/postgres.ts'
import type { Report } from './rows.ts'

const LINES = 100_000
/** How often the loop is looked at, ms. */
const LOOK_MS = 5

const HEADER =
  'Customer number,Customer name,Customer address,E-mail,Phone,Service point code,' +
  'Service point address,Time zone,Meter number,Digits,Installed on,Opening reading,' +
  'Supplied from'

function flatFile(): string {
  const lines = [HEADER]
  for (let n = 1; n <= LINES; n += 1) {
    lines.push(
      `C-${n},Customer ${n},"Lake Road ${n}, Pune",c${n}@example.org,+9199${String(n).padStart(8, '0')},` +
        `FLAT-${n},"Lake Road ${n}, Pune",Asia/Kolkata,M-${n},9,2026-05-01,${n}.5,2026-05-01`,
    )
  }
  return lines.join('\n')
}

export async function run(report: Report): Promise<void> {
  const postgres = await testPostgres({ durable: true })
  try {
    const store = importStore(postgres)
    const id = await prepared(postgres, { kind: 'flat', text: flatFile() })
    const longest = watchLoop()
    const begun = performance.now()
    await checkImport(store, id)
    const checked = performance.now()
    await moveImport(postgres.db.kysely, id, { from: ['checked'], to: 'applying' })
    await applyImport(store, id, 'bench')
    const ended = performance.now()
    const worst = longest()
    const view = await findImport(postgres.db.kysely, id)
    assert.equal(view?.state, 'applied', view?.detail ?? '')
    assert.equal(view?.counts?.rows.contract?.new, LINES)
    const of = 'lines of the flat file, dry run and import'
    const row = { reference: 0, ratio: 0, of }
    report({ ...row, bench: 'import.100k.s', ours: (ended - begun) / 1_000, unit: 's' })
    report({ ...row, bench: 'import.100k.dry.s', ours: (checked - begun) / 1_000, unit: 's' })
    report({ ...row, bench: 'import.loop.cpu.max.ms', ours: worst, unit: 'ms' })
  } finally {
    await postgres.close()
  }
}

/** The most processor time that this thread spent between two turns of its loop, ms. Waiting for a
 * processor that others use is not counted: that is the machine's, not ours. */
function watchLoop(): () => number {
  let [last, worst] = [process.threadCpuUsage(), 0]
  const timer = setInterval(() => {
    const now = process.threadCpuUsage()
    worst = Math.max(worst, (now.user - last.user + now.system - last.system) / 1_000)
    last = now
  }, LOOK_MS)
  return () => {
    clearInterval(timer)
    return worst
  }
}
