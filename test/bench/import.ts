// How long a flat file of 100,000 lines takes: dry run and import, into an empty database that
// flushes its commits.

import assert from 'node:assert/strict'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { findImport, moveImport } from '../../services/billing/customers/db/imports/log.ts'
import { applyImport, checkImport } from '../../services/billing/customers/shell/imports/run.ts'
import { importStore, prepared } from '../e2e/import-fixture.ts'
import { testPostgres } from '../e2e/postgres.ts'
import type { Report } from './rows.ts'

const LINES = 100_000
const NANOSECONDS = 1e9

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
    const delay = monitorEventLoopDelay({ resolution: 5 })
    delay.enable()
    const begun = performance.now()
    await checkImport(store, id)
    const checked = performance.now()
    await moveImport(postgres.db.kysely, id, { from: ['checked'], to: 'applying' })
    await applyImport(store, id, 'bench')
    const ended = performance.now()
    delay.disable()
    const view = await findImport(postgres.db.kysely, id)
    assert.equal(view?.state, 'applied', view?.detail ?? '')
    assert.equal(view?.counts?.rows.contract?.new, LINES)
    const of = 'lines of the flat file, dry run and import'
    const row = { reference: 0, ratio: 0, of }
    report({ ...row, bench: 'import.100k.s', ours: (ended - begun) / 1_000, unit: 's' })
    report({ ...row, bench: 'import.100k.dry.s', ours: (checked - begun) / 1_000, unit: 's' })
    const worst = (delay.max / NANOSECONDS) * 1_000
    report({ ...row, bench: 'import.loop.max.ms', ours: worst, unit: 'ms' })
  } finally {
    await postgres.close()
  }
}
