// Every route over a real PostgreSQL, with what no page of ours would send, in every path
// parameter, query field and form field: refused or answered, never an error of ours.

import { DEMO_UTILITY } from '../../services/simulator/demo-tariff.ts'
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { openImportDesk } from '../../services/billing/customers/shell/imports/desk.ts'
import { importOffice } from '../../services/billing/customers/shell/imports/office.ts'
import { setOperator } from '../../services/billing/access/db/operators.ts'
import { customerLink } from '../../services/billing/access/shell/links.ts'
import { createPasswords } from '../../services/billing/access/shell/passwords.ts'
import { openAccessWatch } from '../../services/billing/access/shell/watch.ts'
import { readClockFigures } from '../../services/billing/clocks/db/figures.ts'
import { COMMAND_LIFE, giveCommand } from '../../services/billing/fleet/db/commands.ts'
import { queueAgain } from '../../services/billing/notices/db/notices.ts'
import { webStores } from '../../services/billing/site/db/stores.ts'
import { readSummary } from '../../services/billing/site/db/summary.ts'
import { buildApp } from '../../services/billing/site/http/app.ts'
import { serverMetrics } from '../../services/billing/site/shell/metrics.ts'
import { openLog } from '../../shared/node/log.ts'
import { packageRoot } from '../../shared/node/root.ts'
import { shiftMs } from '../../shared/units.ts'
import { Browser } from '../fixtures/web-browser.ts'
import { settingsDeps } from '../fixtures/settings-deps.ts'
import { type TestPostgres, testPostgres } from './postgres.ts'
import { NOON, seed } from './web-seed.ts'

const PASSWORD = 'correct horse battery'
/** As it stands in a URL or a form. */
const HOSTILE = [
  '%00',
  'a%00b',
  '%01',
  '%1B[2J',
  '%7F',
  '%C2%85',
  '%ED%A0%80',
  '%FF',
  '%C0%80',
  '%E2%80%AE',
  '%F0%9F%92%A9',
  '%25',
  '%27%3B--',
  '%5C',
  '%2F..%2F..',
  '0',
  '-1',
  '1e9',
  '2147483648',
  '999999999999999',
  '9223372036854775808',
  '99999999999999999999999999',
  'NaN',
  'null',
  '__proto__',
  'constructor',
  '%7B%22a%22%3A1%7D',
  'x'.repeat(60),
  'x'.repeat(3_000),
  '',
]
/** Every field that any page or query of ours has. */
const FIELDS = [
  'to',
  'host',
  'port',
  'tls',
  'login',
  'from',
  'secret',
  'kind',
  'base',
  'step',
  'skip',
  'zone',
  'issuing',
  'publicUrl',
  'version',
  'saved',
  'name',
  'password',
  'number',
  'sure',
  'state',
  'before',
  'meter',
  'span',
  'ended',
  'customer',
  'servicePoint',
  'lastDay',
  'next',
  'at',
  'create',
  'main',
  'tariff',
  'missing',
  'billedFrom',
  'email',
  'phone',
  'address',
  'code',
  'language',
  'why',
  'do',
  'id',
  'q',
  'sort',
  'after',
  'point',
]

let postgres: TestPostgres
let app: FastifyInstance
let linkOf: () => Promise<string>
const lines: string[] = []

before(async () => {
  postgres = await testPostgres()
  const { kysely, pool } = postgres.db
  const seeded = await seed(postgres.db)
  const write = (line: string): void => void lines.push(line)
  const log = openLog({ pretty: false, nowMs: () => NOON, write })
  const watch = openAccessWatch(log)
  app = await buildApp({
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
    trustedProxies: ['127.0.0.1'],
    inbox: null,
    attacks: null,
    baseUrl: '',
    demo: false,
    watch,
  })
  linkOf = () =>
    customerLink({ db: kysely, random: randomBytes, baseUrl: '' }, seeded.customers[0], NOON)
  const password = await createPasswords().hash(PASSWORD, randomBytes(16))
  await setOperator(kysely, { name: 'ada', password })
})
after(async () => {
  await app.close()
  await postgres.close()
})

/** Method and pattern of every route, from the text of the files that make them. */
function routes(): readonly (readonly ['GET' | 'POST', string])[] {
  const root = join(packageRoot(), 'services/billing')
  return globSync('*/http/*.ts', { cwd: root }).flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8')
    return [...text.matchAll(/\bapp\.(get|post)\(\s*'([^']+)'/g)].map(
      ([, method, path = '']) => [method === 'get' ? 'GET' : 'POST', path] as const,
    )
  })
}

let client = 0
/** A new client each time: the limits are not what is tried here. */
const nextClient = (): string => {
  client += 1
  return `10.${(client >> 16) & 255}.${(client >> 8) & 255}.${client & 255}`
}

async function send(who: Browser, method: 'GET' | 'POST', url: string, payload: string) {
  const cookie = [...who.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  return app.inject({
    method,
    url,
    headers: {
      accept: 'text/html',
      'content-type': 'application/x-www-form-urlencoded',
      'x-forwarded-for': nextClient(),
      ...(cookie === '' ? {} : { cookie }),
    },
    ...(method === 'POST' ? { payload } : {}),
  })
}

test('no route answers 5xx, whatever stands in its path, query or form', async () => {
  const operator = new Browser(app)
  await operator.post('/login', { name: 'ada', password: PASSWORD })
  const customer = new Browser(app)
  await customer.post(await linkOf(), {})
  assert.ok(operator.cookies.size > 0 && customer.cookies.size > 0)
  const all = routes()
  assert.ok(all.length >= 25, `${all.length} routes`)
  const broken: string[] = []
  let asked = 0
  for (const [method, pattern] of all) {
    const who = pattern.startsWith('/home') ? customer : operator
    const page = pattern.startsWith('/home') ? '/home' : '/fleet'
    const form = /name="form_token" value="([^"]+)"/.exec((await who.get(page)).body)?.[1] ?? ''
    for (const value of HOSTILE) {
      const path = pattern.replaceAll(/:\w+/g, value)
      const fields = FIELDS.map((name) => `${name}=${value}`).join('&')
      const odd = `${value}=1&a[${value}]=2&name=1&name=2`
      const tries = [
        ['', fields],
        ['', odd],
        [`?${fields}`, ''],
        [`?${odd}`, ''],
      ] as const
      for (const [query, body] of tries.slice(method === 'GET' ? 2 : 0)) {
        // Logging out would end this test's own session.
        const token = pattern === '/logout' ? '' : `form_token=${form}&`
        const { statusCode } = await send(who, method, path + query, token + body)
        asked += 1
        if (statusCode >= 500) broken.push(`${method} ${path}${query} ${body}: ${statusCode}`)
      }
    }
  }
  assert.deepEqual(broken.slice(0, 10), [], `${broken.length} of ${asked}`)
  assert.equal(lines.filter((line) => /OPS-28|OPS-08/.test(line)).length, 0)
  assert.equal((await operator.get('/fleet')).statusCode, 200, 'still logged in')
})

test('a log-in and a set-up by JSON or with NUL in the name are refused, not an error', async () => {
  const browser = new Browser(app)
  for (const name of ['a\u0000da', '\u0000', 'ada\u0000', 'x'.repeat(2_000)]) {
    const answer = await browser.post('/login', { name, password: PASSWORD })
    assert.ok(
      [400, 401].includes(answer.statusCode),
      `${JSON.stringify(name)} ${answer.statusCode}`,
    )
  }
  const page = (await browser.get('/login')).body
  const form_token = /name="form_token" value="([^"]+)"/.exec(page)?.[1] ?? ''
  const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  for (const name of ['a\u0000', 'a\ud800', { a: 1 }, ['a'], 7]) {
    const { statusCode } = await app.inject({
      method: 'POST',
      url: '/login',
      headers: { cookie, 'content-type': 'application/json', 'x-forwarded-for': nextClient() },
      payload: JSON.stringify({ name, password: PASSWORD, form_token }),
    })
    assert.ok([400, 401].includes(statusCode), `${JSON.stringify(name)} ${statusCode}`)
  }
})

test('the metrics count what came in and what was refused', async () => {
  const { body } = await app.inject({ url: '/metrics' })
  const counted = (event: string): number =>
    Number(body.split(`\nticklock_access_total{event="${event}"} `)[1]?.split('\n')[0])
  assert.equal(counted('login'), 1)
  assert.ok(counted('link used') >= 1)
  assert.ok(counted('OPS-21') >= 1)
  assert.equal(counted('OPS-28'), 0)
})
