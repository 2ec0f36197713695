// The pages over a real PostgreSQL, as a test opens them: time stands still, and whoever is wanted
// is logged in.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { setOperator } from '../../services/billing/access/db/operators.ts'
import { customerLink } from '../../services/billing/access/shell/links.ts'
import { createPasswords } from '../../services/billing/access/shell/passwords.ts'
import { openAccessWatch } from '../../services/billing/access/shell/watch.ts'
import { readClockFigures } from '../../services/billing/clocks/db/figures.ts'
import { openImportDesk } from '../../services/billing/customers/shell/imports/desk.ts'
import { importOffice } from '../../services/billing/customers/shell/imports/office.ts'
import { COMMAND_LIFE, giveCommand } from '../../services/billing/fleet/db/commands.ts'
import { queueAgain } from '../../services/billing/notices/db/notices.ts'
import { webStores } from '../../services/billing/site/db/stores.ts'
import { readSummary } from '../../services/billing/site/db/summary.ts'
import { buildApp } from '../../services/billing/site/http/app.ts'
import { serverMetrics } from '../../services/billing/site/shell/metrics.ts'
import { DEMO_UTILITY } from '../../services/simulator/demo-tariff.ts'
import { openLog } from '../../shared/node/log.ts'
import { shiftMs } from '../../shared/units.ts'
import { settingsDeps } from '../fixtures/settings-deps.ts'
import { Browser } from '../fixtures/web-browser.ts'
import type { TestPostgres } from './postgres.ts'
import { NOON } from './web-seed.ts'

const PASSWORD = 'correct horse battery'

export interface TestApp {
  readonly app: FastifyInstance
  /** Faults that the pages told the log, by line. */
  readonly lines: readonly string[]
  operator(): Promise<Browser>
  customer(id: number): Promise<Browser>
}

export async function testApp(postgres: TestPostgres): Promise<TestApp> {
  const { kysely, pool } = postgres.db
  const lines: string[] = []
  const write = (line: string): void => void lines.push(line)
  const log = openLog({ pretty: false, nowMs: () => NOON, write })
  const watch = openAccessWatch(log)
  const app = await buildApp({
    ...webStores(kysely),
    ...settingsDeps(),
    billOrders: async () => ({ utility: DEMO_UTILITY, issuing: 'automatic' }),
    imports: importOffice(kysely, {
      desk: openImportDesk({ pool, db: kysely }, log),
      zone: async () => 'Asia/Kolkata',
    }),
    giveCommand: (command) =>
      giveCommand(kysely, { ...command, now: NOON, expires: shiftMs(NOON, COMMAND_LIFE) }),
    now: () => NOON,
    random: randomBytes,
    queueAgain: (id) => queueAgain(kysely, { id, now: NOON }),
    renderPdf: async () => ({ ok: true, pdf: Buffer.from('%PDF-1.7') }),
    summary: () => readSummary(pool),
    clockFigures: () => readClockFigures(pool),
    health: async () => ({ ok: true, parts: {} }),
    metrics: serverMetrics(pool, watch),
    backfill: async () => null,
    trustedProxies: [],
    inbox: null,
    attacks: null,
    baseUrl: '',
    demo: false,
    watch,
  })
  const password = await createPasswords().hash(PASSWORD, randomBytes(16))
  await setOperator(kysely, { name: 'ada', password })
  return {
    app,
    lines,
    async operator() {
      const browser = new Browser(app)
      const answer = await browser.post('/login', { name: 'ada', password: PASSWORD })
      assert.equal(answer.statusCode, 303)
      return browser
    },
    async customer(id) {
      const link = await customerLink({ db: kysely, random: randomBytes, baseUrl: '' }, id, NOON)
      const browser = new Browser(app)
      assert.equal((await browser.post(link, {})).statusCode, 303)
      return browser
    },
  }
}
