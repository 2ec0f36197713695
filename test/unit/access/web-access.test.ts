import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { buildApp } from '../../../services/billing/site/http/app.ts'
import {
  CUSTOMER_SESSION_MS,
  LOGINS_PER_MINUTE,
} from '../../../services/billing/access/core/limits.ts'
import { createPasswords } from '../../../services/billing/access/shell/passwords.ts'
import { tokenHash } from '../../../services/billing/access/shell/tokens.ts'
import { shiftMs, spanMs } from '../../../shared/units.ts'
import { Browser } from '../../fixtures/web-browser.ts'
import { createWorld, HOSTILE_NAME, NOON, type World } from '../../fixtures/web-world.ts'

const PASSWORD = 'correct horse battery'
const LINKS = { setup: 'S'.repeat(22), asha: 'A'.repeat(22), other: 'B'.repeat(22) }
const PAGES = ['/fleet', '/fleet/00000000000000a0', '/readings', '/refused', '/bills', '/bills/1']
const CLOCK_PAGES = ['/clock', '/fleet/00000000000000a0/clock/2026000417']
const MORE_PAGES = ['/bills/1/pdf', '/notices', '/tariffs', '/home', '/home/usage', '/home/bills/1']

let stored: string
let world: World
let app: FastifyInstance
let browser: Browser

void describe('logging in', () => {
  before(async () => {
    stored = await createPasswords().hash(PASSWORD, Buffer.alloc(16, 7))
  })
  beforeEach(async () => {
    world = createWorld()
    world.operators.set('ada', { id: 1, password: stored })
    const until = shiftMs(NOON, spanMs(10 * 24 * 3_600_000))
    const link = (token: string, purpose: 'setup' | 'customer', customer: number | null) =>
      world.links.set(tokenHash(token).toString('hex'), { purpose, customer, until, used: false })
    link(LINKS.setup, 'setup', null)
    link(LINKS.asha, 'customer', 1)
    link(LINKS.other, 'customer', 2)
    await app?.close()
    app = await buildApp(world.deps)
    browser = new Browser(app)
  })
  after(() => app.close())

  const login = () => browser.post('/login', { name: 'ada', password: PASSWORD })
  const sessionCookie = () => browser.cookies.get('ticklock-session')

  test('without a login every page sends the visitor to /login', async () => {
    for (const page of [...PAGES, ...CLOCK_PAGES, ...MORE_PAGES]) {
      const answer = await browser.get(page)
      assert.equal(answer.statusCode, 303, page)
      assert.equal(answer.headers.location, '/login', page)
    }
  })

  test('an operator logs in, sees the fleet, logs out: the session is gone', async () => {
    const answer = await login()
    assert.equal(answer.headers.location, '/')
    const session = sessionCookie() ?? ''
    assert.match((await browser.get('/fleet')).body, /Old Town/)
    assert.equal((await browser.post('/logout', {}, '/fleet')).statusCode, 303)
    browser.cookies.set('ticklock-session', session)
    assert.equal((await browser.get('/fleet')).statusCode, 303)
  })

  test('an operator’s form starts the demo’s attacker, and its board shows what it did', async () => {
    assert.equal((await browser.get('/attacks')).headers.location, '/login')
    await login()
    const page = await browser.get('/attacks')
    assert.match(page.body, /bit flip.*SEC-03.*62 µs.*refused/s)
    assert.equal((await browser.send('/attacks', {})).statusCode, 403)
    assert.equal(world.attacking, false)
    assert.equal((await browser.post('/attacks', {})).headers.location, '/attacks')
    assert.equal(world.attacking, true)
    assert.doesNotMatch((await browser.get('/attacks')).body, /Attack again/)
  })

  test('cookies are HttpOnly and SameSite=Lax; on https also Secure and __Host-', async () => {
    const plain = String((await browser.get('/login')).headers['set-cookie'])
    assert.match(plain, /^ticklock-form=.*HttpOnly; SameSite=Lax/)
    assert.doesNotMatch(plain, /Secure/)
    await app.close()
    app = await buildApp(createWorld('https://power.example').deps)
    const safe = await app.inject({ url: '/login' })
    assert.match(
      String(safe.headers['set-cookie']),
      /^__Host-ticklock-form=.*Path=\/; HttpOnly; Secure; SameSite=Lax/,
    )
    assert.match(String(safe.headers['strict-transport-security']), /max-age=31536000/)
  })

  test('a wrong password and an unknown name get the same answer (OPS-20)', async () => {
    const wrong = await browser.post('/login', { name: 'ada', password: 'not this one at all' })
    const unknown = await browser.post('/login', { name: 'eve', password: PASSWORD })
    const bare = (body: string) => body.replaceAll(/value="[^"]*"/g, '')
    assert.deepEqual([wrong.statusCode, unknown.statusCode], [401, 401])
    assert.match(wrong.body, /OPS-20/)
    assert.equal(bare(wrong.body), bare(unknown.body))
    assert.equal(sessionCookie(), undefined)
  })

  test('the sixth login attempt in a minute is refused (OPS-23)', async () => {
    for (let attempt = 0; attempt < LOGINS_PER_MINUTE; attempt += 1) {
      const answer = await browser.post('/login', { name: 'ada', password: 'x'.repeat(20) })
      assert.equal(answer.statusCode, 401)
    }
    const answer = await login()
    assert.equal(answer.statusCode, 429)
    assert.match(answer.body, /OPS-23/)
  })

  test('a form without its token or from another site is refused (OPS-22)', async () => {
    await browser.get('/login')
    const fields = { name: 'ada', password: PASSWORD }
    const forged = { ...fields, form_token: 'A'.repeat(43) }
    for (const sent of [fields, forged]) {
      const answer = await browser.send('/login', sent)
      assert.equal(answer.statusCode, 403)
      assert.match(answer.body, /OPS-22/)
    }
    const page = (await browser.get('/login')).body
    const token = /name="form_token" value="([^"]+)"/.exec(page)?.[1] ?? ''
    const good = { ...fields, form_token: token }
    const cross = await browser.send('/login', good, { 'sec-fetch-site': 'cross-site' })
    assert.equal(cross.statusCode, 403)
    const own = await browser.send('/login', good, { 'sec-fetch-site': 'same-origin' })
    assert.equal(own.statusCode, 303)
  })

  test('an operator action needs the form token too (OPS-22)', async () => {
    await login()
    assert.equal((await browser.send('/notices/3/again', {})).statusCode, 403)
    assert.deepEqual(world.queued, [])
    assert.equal((await browser.post('/notices/3/again', {}, '/notices')).statusCode, 303)
    const device = '/fleet/00000000000000a0'
    assert.equal((await browser.send(`${device}/read-now`, {})).statusCode, 403)
    assert.doesNotMatch((await browser.get(device)).body, /waits for the link/)
    assert.equal((await browser.post(`${device}/read-now`, {}, device)).headers.location, device)
    assert.match((await browser.get(device)).body, /by Ada.*waits for the link/)
    assert.deepEqual(world.queued, [3])
  })

  test('a set-up link makes one operator, once (OPS-21)', async () => {
    world.operators.clear()
    const path = `/setup/${LINKS.setup}`
    const short = await browser.post(path, { name: 'grace', password: 'short' })
    assert.equal(short.statusCode, 422)
    const made = await browser.post(path, { name: 'grace', password: PASSWORD })
    assert.equal(made.headers.location, '/start')
    assert.match(
      world.operators.get('grace')?.password ?? '',
      /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/,
    )
    const again = await browser.get(path)
    assert.equal(again.statusCode, 404)
    assert.match(again.body, /OPS-21/)
  })

  test('opening a customer link logs nobody in; its button does, every time', async () => {
    const path = `/c/${LINKS.asha}`
    const shown = await browser.get(path)
    assert.equal(shown.statusCode, 200)
    assert.doesNotMatch(shown.body, /Asha|Lake Road|₹/)
    assert.equal((await browser.get('/home')).statusCode, 303)
    assert.equal((await browser.post(path, {})).headers.location, '/home')
    assert.match((await browser.get('/home')).body, /Hello, Asha Kulkarni/)
    world.now = shiftMs(world.now, spanMs(CUSTOMER_SESSION_MS))
    assert.equal((await browser.get('/home')).statusCode, 303, 'session expired')
    assert.equal((await browser.post(path, {})).headers.location, '/home')
  })

  test('the page of access ends sessions and links, by its buttons alone (OPS-22 without)', async () => {
    await login()
    assert.match((await browser.get('/access')).body, /Open sessions/)
    for (const [url, fields, to] of [
      ['/access/operators/1/end', {}, '/access?ended=operator'],
      ['/access/customers/end', { number: ' C-1 ' }, '/access?ended=customer'],
      ['/access/customers/end-all', { sure: 'yes' }, '/access?ended=customers'],
    ] as const) {
      assert.equal((await browser.send(url, fields)).statusCode, 403, url)
      assert.equal((await browser.post(url, fields, '/access')).headers.location, to)
      assert.match((await browser.get(to)).body, /role="status"/)
    }
    assert.equal((await browser.post('/access/operators/9/end', {}, '/access')).statusCode, 404)
    const none = await browser.post('/access/customers/end', { number: 'X' }, '/access')
    assert.deepEqual([none.statusCode, /no such customer/.test(none.body)], [404, true])
    assert.equal((await browser.post('/access/customers/end-all', {}, '/access')).statusCode, 422)
    assert.doesNotMatch((await browser.get('/access?ended=constructor')).body, /role="status"/)
    assert.equal(world.deps.watch.counts().get('revoked'), 3)
  })

  test('a customer link stops at its expiry and looks like an unknown one (OPS-21)', async () => {
    const path = `/c/${LINKS.asha}`
    world.now = shiftMs(NOON, spanMs(10 * 24 * 3_600_000 - 1))
    assert.equal((await browser.get(path)).statusCode, 200)
    world.now = shiftMs(NOON, spanMs(10 * 24 * 3_600_000))
    const bare = (body: string) => body.replaceAll(/value="[^"]*"/g, '')
    const [late, unknown] = [await browser.get(path), await browser.get(`/c/${'C'.repeat(22)}`)]
    assert.deepEqual([late.statusCode, unknown.statusCode], [404, 404])
    assert.equal(bare(late.body), bare(unknown.body))
    assert.equal((await browser.post(path, {}, '/login')).statusCode, 404)
    assert.equal(sessionCookie(), undefined)
  })

  test('a customer reads their own bill and PDF, and gets 404 for anybody else’s', async () => {
    await browser.post(`/c/${LINKS.asha}`, {})
    assert.match((await browser.get('/home/bills/1')).body, /₹1,878\.47/)
    const pdf = await browser.get('/home/bills/1/pdf')
    assert.equal(pdf.headers['content-type'], 'application/pdf')
    assert.match(String(pdf.headers['content-disposition']), /filename="KL-2026-00001\.pdf"/)
    for (const path of ['/home/bills/2', '/home/bills/2/pdf', '/home/bills/99', '/home/bills/x']) {
      assert.equal((await browser.get(path)).statusCode, 404, path)
    }
  })

  test('404: operator pages for a customer, a customer’s pages for an operator', async () => {
    await browser.post(`/c/${LINKS.asha}`, {})
    for (const page of PAGES) assert.equal((await browser.get(page)).statusCode, 404, page)
    browser.cookies.clear()
    await login()
    assert.equal((await browser.get('/home')).statusCode, 404)
  })

  test('a customer named <script> stays text on every page that shows the name', async () => {
    const pages: string[] = []
    await browser.post(`/c/${LINKS.other}`, {})
    pages.push((await browser.get('/home')).body)
    browser.cookies.clear()
    await login()
    pages.push((await browser.get('/bills')).body, (await browser.get('/bills/2')).body)
    for (const page of pages) {
      assert.ok(!page.includes(HOSTILE_NAME))
      assert.match(page, /&lt;script>alert\(1\)&lt;\/script>|&lt;script&gt;/)
    }
  })

  test('a session cookie of another length, an unknown or an expired one logs nobody in', async () => {
    await login()
    const good = sessionCookie() ?? ''
    for (const token of ['', 'x', good.slice(1), 'A'.repeat(43), `${good}A`]) {
      browser.cookies.set('ticklock-session', token)
      assert.equal((await browser.get('/fleet')).statusCode, 303)
    }
  })
})
