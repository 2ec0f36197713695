// The log and the metrics of who came in and who was refused: everything, and no secret.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { createPasswords } from '../../../services/billing/access/shell/passwords.ts'
import { tokenHash } from '../../../services/billing/access/shell/tokens.ts'
import { LOGINS_PER_MINUTE } from '../../../services/billing/access/core/limits.ts'
import { buildApp } from '../../../services/billing/site/http/app.ts'
import { shiftMs, spanMs } from '../../../shared/units.ts'
import { Browser } from '../../fixtures/web-browser.ts'
import { createWorld, NOON } from '../../fixtures/web-world.ts'

const PASSWORD = 'correct horse battery'
const SETUP = 'S'.repeat(22)
const LINK = 'A'.repeat(22)
const UNKNOWN = 'U'.repeat(22)

async function open(t: TestContext) {
  const world = createWorld()
  const until = shiftMs(NOON, spanMs(86_400_000))
  const link = (token: string, purpose: 'setup' | 'customer', customer: number | null) =>
    world.links.set(tokenHash(token).toString('hex'), { purpose, customer, until, used: false })
  link(SETUP, 'setup', null)
  link(LINK, 'customer', 1)
  const app = await buildApp(world.deps)
  t.after(() => app.close())
  return { world, browser: new Browser(app) }
}

/** What the log says: message and fields, without level and time. */
const said = (lines: readonly string[]): readonly string[] =>
  lines.map((line) => {
    const { level: _level, time: _time, msg, ...fields } = JSON.parse(line)
    return `${String(msg).split(':')[0]} ${JSON.stringify(fields)}`
  })

test('log-ins, failures, uses of links and refusals are in the log, each with its fault', async (t) => {
  const { world, browser } = await open(t)
  await browser.post(`/setup/${SETUP}`, { name: 'grace', password: PASSWORD })
  await browser.post('/logout', {}, '/fleet')
  const stored = await createPasswords().hash(PASSWORD, Buffer.alloc(16, 7))
  world.operators.set('ada', { id: 1, password: stored })
  await browser.post('/login', { name: 'ada', password: 'wrong password, quite' })
  await browser.post('/login', { name: 'my secret passphrase', password: PASSWORD })
  await browser.post('/login', { name: 'ada', password: PASSWORD })
  browser.cookies.clear()
  await browser.post(`/c/${LINK}`, {})
  await browser.get(`/c/${UNKNOWN}`)
  await browser.get(`/setup/${SETUP}`)
  await browser.send('/login', { name: 'ada', password: PASSWORD })
  const from = '"from":"127.0.0.1"'
  assert.deepEqual(said(world.lines), [
    `first operator {"operator":"grace",${from}}`,
    `logout {${from}}`,
    `OPS-20 login refused {"fault":"OPS-20",${from},"route":"/login"}`,
    `OPS-20 login refused {"fault":"OPS-20",${from},"route":"/login"}`,
    `login {"operator":"ada",${from}}`,
    `link used {"customer":1,${from}}`,
    `OPS-21 link unknown, used or expired. Remedy {"fault":"OPS-21",${from},"route":"/c/:token"}`,
    `OPS-21 link unknown, used or expired. Remedy {"fault":"OPS-21",${from},"route":"/setup/:token"}`,
    `OPS-22 form without its token. Remedy {"fault":"OPS-22",${from},"route":"/login"}`,
  ])
  const whole = world.lines.join('\n')
  assert.match(whole, /operator ada/)
  for (const secret of [PASSWORD, 'wrong password', 'my secret', SETUP, LINK, UNKNOWN]) {
    assert.ok(!whole.includes(secret), secret)
  }
  for (const token of browser.cookies.values()) assert.ok(!whole.includes(token))
  const counts = Object.fromEntries(world.deps.watch.counts())
  assert.deepEqual(counts, {
    login: 1,
    logout: 1,
    'link used': 1,
    'first operator': 1,
    revoked: 0,
    'OPS-20': 2,
    'OPS-21': 2,
    'OPS-22': 1,
    'OPS-23': 0,
    'OPS-28': 0,
  })
})

test('too many attempts are logged and counted (OPS-23)', async (t) => {
  const { world, browser } = await open(t)
  for (let attempt = 0; attempt <= LOGINS_PER_MINUTE; attempt += 1) {
    await browser.post('/login', { name: 'ada', password: 'not this one at all' })
  }
  assert.equal(world.deps.watch.counts().get('OPS-23'), 1)
  assert.match(world.lines.at(-1) ?? '', /OPS-23 .*"?from"?.*127\.0\.0\.1|127\.0\.0\.1.*OPS-23/)
})

test('a page that fails is OPS-28 in the log, with the place, and on the page', async (t) => {
  const { world, browser } = await open(t)
  await browser.post(`/c/${LINK}`, {})
  world.failure = new Error('a mistake of ours')
  const answer = await browser.get('/home/bills')
  assert.equal(answer.statusCode, 500)
  assert.match(answer.body, /logged it under this code/)
  assert.match(answer.body, /OPS-28/)
  assert.doesNotMatch(answer.body, /a mistake of ours/)
  const line = world.lines.at(-1) ?? ''
  assert.match(line, /OPS-28 a page failed: a mistake of ours/)
  assert.match(line, /"route":"\/home\/bills".*"at":".*watch\.test/)
})

test('a name with NUL, escape or half a letter is refused, not an error (of any field)', async (t) => {
  const { world, browser } = await open(t)
  for (const [url, fields] of [
    ['/login', { name: 'a\u0000da', password: PASSWORD }],
    ['/login', { name: 'a\u001bda', password: PASSWORD }],
    ['/login', { name: 'ada', password: `${PASSWORD}\u0000` }],
    [`/setup/${SETUP}`, { name: 'gr\u0000ace', password: PASSWORD }],
    [`/setup/${SETUP}`, { name: 'grace', password: `${PASSWORD}\u0007` }],
  ] as const) {
    assert.equal((await browser.post(url, fields)).statusCode, 400, JSON.stringify(fields))
  }
  assert.equal((await browser.get('/readings?meter=%00')).statusCode, 400)
  assert.equal((await browser.get('/c/%00')).statusCode, 400)
  assert.equal(world.operators.size, 0)
  assert.equal(world.deps.watch.counts().get('OPS-28'), 0)
})
