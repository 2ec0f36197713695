// Behind a proxy: whom the limits count, and what nobody may claim to be.

import assert from 'node:assert/strict'
import { isIP } from 'node:net'
import { test } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { readableForwarded } from '../../../services/billing/access/core/forwarded.ts'
import {
  LOGINS_PER_ACCOUNT,
  LOGINS_PER_MINUTE,
} from '../../../services/billing/access/core/limits.ts'
import { createPasswords } from '../../../services/billing/access/shell/passwords.ts'
import { tokenHash } from '../../../services/billing/access/shell/tokens.ts'
import { buildApp } from '../../../services/billing/site/http/app.ts'
import { shiftMs, spanMs } from '../../../shared/units.ts'
import { createWorld, NOON } from '../../fixtures/web-world.ts'

const PROXY = '192.0.2.10'
const PASSWORD = 'correct horse battery'
const FORM = { 'content-type': 'application/x-www-form-urlencoded', accept: 'text/html' }

interface Caller {
  readonly from?: string
  readonly forwarded?: string
}

const sender = ({ from = PROXY, forwarded }: Caller) => ({
  remoteAddress: from,
  headers: { ...FORM, ...(forwarded === undefined ? {} : { 'x-forwarded-for': forwarded }) },
})

/** Opens the page and posts its form, as a new browser at that address. */
async function post(
  app: FastifyInstance,
  url: string,
  fields: Record<string, string>,
  caller: Caller,
) {
  const { remoteAddress, headers } = sender(caller)
  const shown = await app.inject({ url, remoteAddress, headers })
  if (shown.statusCode !== 200) return shown.statusCode
  const token = /name="form_token" value="([^"]+)"/.exec(shown.body)?.[1] ?? ''
  const [cookie] = shown.cookies
  const answer = await app.inject({
    method: 'POST',
    url,
    remoteAddress,
    headers: { ...headers, cookie: `${cookie?.name}=${cookie?.value}` },
    payload: new URLSearchParams({ form_token: token, ...fields }).toString(),
  })
  return answer.statusCode
}

const login = (app: FastifyInstance, caller: Caller, password = 'not this one at all') =>
  post(app, '/login', { name: 'ada', password }, caller)

async function open(trusted: readonly string[]) {
  const world = createWorld('https://bills.example', trusted)
  const app = await buildApp(world.deps)
  return { world, app }
}

test('sixty customers behind one trusted proxy open their links within a minute: none refused', async (t) => {
  const { world, app } = await open([PROXY])
  t.after(() => app.close())
  const until = shiftMs(NOON, spanMs(10 * 24 * 3_600_000))
  for (let index = 0; index < 60; index += 1) {
    const link = String(index).padStart(22, 'L')
    const hash = tokenHash(link).toString('hex')
    world.links.set(hash, { purpose: 'customer', customer: 1, until, used: false })
    const caller = { forwarded: `198.51.100.${index + 1}` }
    assert.equal(await post(app, `/c/${link}`, {}, caller), 303, `customer ${index + 1}`)
  }
})

test('and sixty who share one address without any proxy, as in a house or a mobile network', async (t) => {
  const { world, app } = await open([])
  t.after(() => app.close())
  const until = shiftMs(NOON, spanMs(10 * 24 * 3_600_000))
  for (let index = 0; index < 60; index += 1) {
    const link = String(index).padStart(22, 'L')
    const hash = tokenHash(link).toString('hex')
    world.links.set(hash, { purpose: 'customer', customer: 1, until, used: false })
    const status = await post(app, `/c/${link}`, {}, { from: '198.51.100.7' })
    assert.equal(status, 303, `customer ${index + 1}`)
  }
})

test('log-ins are limited per forwarded client, and one client does not use up another’s', async (t) => {
  const { app } = await open([PROXY, '10.0.0.0/8'])
  t.after(() => app.close())
  const chain = { forwarded: '198.51.100.1, 10.1.2.3' }
  for (let attempt = 0; attempt < LOGINS_PER_MINUTE; attempt += 1) {
    assert.equal(await login(app, chain), 401)
  }
  assert.equal(await login(app, chain), 429)
  assert.equal(await login(app, { forwarded: '198.51.100.2, 10.1.2.3' }), 401)
})

test('what a caller writes to the left of the trusted entry does not count', async (t) => {
  const { app } = await open([PROXY])
  t.after(() => app.close())
  for (let attempt = 0; attempt < LOGINS_PER_MINUTE; attempt += 1) {
    const forwarded = `203.0.113.${attempt}, 198.51.100.1`
    assert.equal(await login(app, { forwarded }), 401)
  }
  for (const forwarded of [
    '203.0.113.99, 198.51.100.1',
    'nobody, 198.51.100.1',
    '198.51.100.1',
    '198.51.100.1:4711',
    '203.0.113.1,198.51.100.1:4712',
  ]) {
    assert.equal(await login(app, { forwarded }), 429, forwarded)
  }
})

test('an entry that is no address counts as the proxy itself, however it is spelt', async (t) => {
  const { app } = await open([PROXY])
  t.after(() => app.close())
  const lines = ['unknown', '', '-', '198.51.100.1, unknown', '_hidden']
  for (const forwarded of lines.slice(0, LOGINS_PER_MINUTE)) {
    assert.equal(await login(app, { forwarded }), 401, forwarded)
  }
  assert.equal(await login(app, { forwarded: '_other' }), 429)
})

test('the header of somebody who is no trusted proxy is ignored', async (t) => {
  for (const trusted of [[], [PROXY]]) {
    const { app } = await open(trusted)
    t.after(() => app.close())
    for (let attempt = 0; attempt < LOGINS_PER_MINUTE; attempt += 1) {
      const caller = { from: '198.51.100.66', forwarded: `203.0.113.${attempt}` }
      assert.equal(await login(app, caller), 401)
    }
    const caller = { from: '198.51.100.66', forwarded: '203.0.113.200' }
    assert.equal(await login(app, caller), 429)
  }
})

test('many addresses that guess for one name are stopped; where the operator works they are not', async (t) => {
  const { world, app } = await open([PROXY])
  t.after(() => app.close())
  const stored = await createPasswords().hash(PASSWORD, Buffer.alloc(16, 7))
  world.operators.set('ada', { id: 1, password: stored })
  const desk = { forwarded: '198.51.100.1' }
  assert.equal(await login(app, desk, PASSWORD), 303)
  for (let attempt = 0; attempt < LOGINS_PER_ACCOUNT - 1; attempt += 1) {
    assert.equal(await login(app, { forwarded: `203.0.113.${attempt}` }), 401)
  }
  // The right password, too: from an address that is new to this name.
  assert.equal(await login(app, { forwarded: '203.0.113.77' }, PASSWORD), 429)
  assert.equal(await login(app, desk, PASSWORD), 303)
  world.now = shiftMs(world.now, spanMs(60_000))
  assert.equal(await login(app, { forwarded: '203.0.113.78' }, PASSWORD), 303)
})

test('on https HSTS speaks for this host alone', async (t) => {
  const { app } = await open([])
  t.after(() => app.close())
  const { headers } = await app.inject({ url: '/login' })
  assert.equal(headers['strict-transport-security'], 'max-age=31536000')
})

test('a forwarded line is read from the right, without ports, until something is no address', () => {
  const isAddress = (text: string) => isIP(text) !== 0
  for (const [line, read] of [
    ['198.51.100.1', '198.51.100.1'],
    ['198.51.100.1:80, 10.0.0.1', '198.51.100.1, 10.0.0.1'],
    ['"[2001:db8::1]:4711", [2001:db8::2]', '2001:db8::1, 2001:db8::2'],
    ['2001:db8::1', '2001:db8::1'],
    ['x, 198.51.100.1', '198.51.100.1'],
    ['198.51.100.1, x', ''],
    ['198.51.100.1,', ''],
    ['', ''],
    [`${'1.1.1.1,'.repeat(30)}1.1.1.1`, Array.from({ length: 20 }, () => '1.1.1.1').join(', ')],
  ] as const) {
    assert.equal(readableForwarded(line, isAddress), read, line)
  }
})

test('a household is one client, whichever address of its /64 asks; its neighbour is another', async (t) => {
  const { app } = await open([])
  t.after(() => app.close())
  const codes: number[] = []
  for (let at = 1; at <= LOGINS_PER_MINUTE + 1; at += 1) {
    codes.push(await login(app, { from: `2001:db8:1:2::${at}` }))
  }
  assert.equal(codes.at(-1), 429, codes.join(' '))
  assert.notEqual(codes.at(-2), 429)
  assert.notEqual(await login(app, { from: '2001:db8:1:3::1' }), 429)
})

test('cookies are Secure where the trusted proxy says https, though no variable does', async (t) => {
  const world = createWorld('http://localhost:8080', [PROXY])
  const app = await buildApp(world.deps)
  t.after(() => app.close())
  const cookieFor = async (remoteAddress: string, proto: string) => {
    const headers = { accept: 'text/html', 'x-forwarded-proto': proto }
    const { cookies } = await app.inject({ url: '/login', remoteAddress, headers })
    return [cookies[0]?.name, cookies[0]?.secure ?? false]
  }
  assert.deepEqual(await cookieFor(PROXY, 'https'), ['__Host-ticklock-form', true])
  assert.deepEqual(await cookieFor(PROXY, 'http'), ['ticklock-form', false])
  assert.deepEqual(await cookieFor('192.0.2.99', 'https'), ['ticklock-form', false])
})
