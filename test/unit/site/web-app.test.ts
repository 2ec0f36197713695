import assert from 'node:assert/strict'
import { after, beforeEach, describe, test } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { buildApp } from '../../../services/billing/site/http/app.ts'
import { createPasswords } from '../../../services/billing/access/shell/passwords.ts'
import { createWorld, type World } from '../../fixtures/web-world.ts'

let world: World
let app: FastifyInstance
void describe('the web app', () => {
  beforeEach(async () => {
    await app?.close()
    world = createWorld()
    app = await buildApp(world.deps)
  })
  after(() => app.close())

  const html = { accept: 'text/html' }

  test('the security policy allows nothing inline, nothing foreign, no frames', async () => {
    const { headers } = await app.inject({ url: '/login', headers: html })
    const policy = String(headers['content-security-policy'])
    assert.match(policy, /default-src 'none'/)
    assert.match(policy, /script-src 'self'/)
    assert.match(policy, /frame-ancestors 'none'/)
    assert.doesNotMatch(policy, /unsafe|https?:|\*|data:/)
    assert.equal(headers['x-content-type-options'], 'nosniff')
    assert.equal(headers['referrer-policy'], 'no-referrer')
    assert.equal(headers['cache-control'], 'no-store')
  })

  test('no page carries inline script, style or handlers', async () => {
    for (const url of ['/login', '/inbox', '/nope']) {
      const { body } = await app.inject({ url, headers: html })
      assert.match(body, /^<!doctype html><html lang="en">/)
      assert.doesNotMatch(body, /<style|\sstyle=|\son\w+=|<script(?![^>]*src=)/, url)
    }
  })

  test('/api/v1/summary answers without login with exactly its six keys', async () => {
    const answer = await app.inject({ url: '/api/v1/summary' })
    assert.equal(answer.statusCode, 200)
    assert.deepEqual(Object.keys(answer.json()), [
      'meters',
      'readings',
      'refused',
      'bills',
      'notices',
      'clockBoundMs',
    ])
  })

  test('/metrics is text, /healthz says 503 and OPS-08 while the database is away', async () => {
    const metrics = await app.inject({ url: '/metrics' })
    assert.match(String(metrics.headers['content-type']), /^text\/plain/)
    assert.deepEqual((await app.inject({ url: '/healthz' })).json(), {
      ok: true,
      parts: { database: 'up' },
    })
    world.failure = new Error('away')
    const sick = await app.inject({ url: '/healthz' })
    assert.equal(sick.statusCode, 503)
    assert.equal(sick.json().fault, 'OPS-08')
  })

  test('database away: a page says OPS-08 and that the readings are safe, with 503', async () => {
    world.failure = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
    const cookie = `ticklock-session=${'A'.repeat(43)}`
    const answer = await app.inject({ url: '/fleet', headers: { ...html, cookie } })
    assert.equal(answer.statusCode, 503)
    assert.match(answer.body, /OPS-08/)
    assert.match(answer.body, /slaves keep every one/)
    assert.doesNotMatch(answer.body, /ECONNREFUSED/)
  })

  test('a bug of ours is a 500 that says nothing about the error', async () => {
    world.failure = new Error('secret detail')
    const cookie = `ticklock-session=${'A'.repeat(43)}`
    const answer = await app.inject({ url: '/fleet', headers: { ...html, cookie } })
    assert.equal(answer.statusCode, 500)
    assert.doesNotMatch(answer.body, /secret detail/)
  })

  test('an unknown path is 404: a page for people, JSON for programs', async () => {
    const page = await app.inject({ url: '/nope', headers: html })
    assert.equal(page.statusCode, 404)
    assert.match(page.body, /There is no such page/)
    const api = await app.inject({ url: '/api/v1/nope', headers: html })
    assert.equal(api.statusCode, 404)
    assert.deepEqual(Object.keys(api.json()), ['error', 'fault', 'remedy'])
  })

  test('hostile requests get a 4xx and the app keeps running', async () => {
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    const requests = [
      { url: '/%ff%00', method: 'GET' },
      { url: `/c/${'A'.repeat(4_000)}`, method: 'GET' },
      { url: '/fleet/..%2f..%2fetc', method: 'GET' },
      { url: '/login', method: 'POST', payload: 'a='.padEnd(5_000, 'x'), headers: form },
      {
        url: '/login',
        method: 'POST',
        payload: '{"a":',
        headers: { 'content-type': 'application/json' },
      },
      {
        url: '/login',
        method: 'POST',
        payload: '__proto__=1&form_token=a&form_token=b',
        headers: form,
      },
      {
        url: '/login',
        method: 'POST',
        payload: 'x',
        headers: { 'content-type': 'text/x-strange' },
      },
    ] as const
    for (const request of requests) {
      const { statusCode } = await app.inject(request)
      assert.ok(statusCode >= 300 && statusCode < 500, `${request.url.slice(0, 30)}: ${statusCode}`)
    }
    assert.equal((await app.inject({ url: '/healthz' })).statusCode, 200)
  })

  test('the stylesheet may be cached for ever under a name with its hash; If-None-Match: 304', async () => {
    const { body } = await app.inject({ url: '/login', headers: html })
    const path = /href="(\/assets\/style-[^"]+\.css)"/.exec(body)?.[1] ?? ''
    const style = await app.inject({ url: path })
    assert.equal(style.statusCode, 200)
    assert.match(String(style.headers['cache-control']), /immutable/)
    const etag = String(style.headers.etag)
    const again = await app.inject({ url: path, headers: { 'if-none-match': etag } })
    assert.equal(again.statusCode, 304)
  })

  test('the demo inbox says that nothing left this machine, and links only to us', async () => {
    const { body } = await app.inject({ url: '/inbox', headers: html })
    assert.match(body, /nothing left this machine/)
    assert.match(body, /<a href="http:\/\/127\.0\.0\.1\/c\/A+">/)
    assert.doesNotMatch(body, /href="https:\/\/evil/)
  })

  test('without the demo there is no inbox', async () => {
    await app.close()
    app = await buildApp({ ...world.deps, inbox: null, demo: false })
    const answer = await app.inject({ url: '/inbox', headers: html })
    assert.equal(answer.statusCode, 404)
    assert.doesNotMatch(answer.body, /Demo/)
  })

  test('argon2id: an unknown name never matches, the ninth at once is busy', async () => {
    const passwords = createPasswords()
    const stored = await passwords.hash('a long enough password', Buffer.alloc(16, 1))
    assert.equal(await passwords.verify('a long enough password', stored), true)
    assert.equal(await passwords.verify('a long enough passwore', stored), false)
    assert.equal(await passwords.verify('a long enough password', null), false)
    assert.equal(await passwords.verify('x', 'not a PHC text'), false)
    const crowd = await Promise.all(
      Array.from({ length: 9 }, () => passwords.verify('nobody', null)),
    )
    assert.deepEqual(crowd, [...Array.from({ length: 8 }, () => false), 'busy'])
  })
})
