// The pages of imports (services/billing/customers/http/import-routes.ts).

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { createPasswords } from '../../../services/billing/access/shell/passwords.ts'
import { buildApp } from '../../../services/billing/site/http/app.ts'
import { Browser } from '../../fixtures/web-browser.ts'
import { createWorld, type World } from '../../fixtures/web-world.ts'

let world: World
let app: FastifyInstance
let browser: Browser

before(async () => {
  world = createWorld()
  const password = await createPasswords().hash('correct horse battery', Buffer.alloc(16, 7))
  world.operators.set('ada', { id: 1, password })
  app = await buildApp(world.deps)
  browser = new Browser(app)
  await browser.post('/login', { name: 'ada', password: 'correct horse battery' })
})
after(() => app.close())

test('every state of an import has its page, and a hostile name is text on it', async () => {
  for (const [id, said] of [
    [1, 'Undo this import'],
    [2, 'Import 589 rows'],
    [3, 'Writing: contracts: 86 %'],
    [4, 'looks like Windows-1252'],
    [5, 'undone'],
    [6, 'interrupted; nothing was stored'],
  ] as const) {
    const { statusCode, body } = await browser.get(`/imports/${id}`)
    assert.equal(statusCode, 200)
    assert.ok(body.includes(said), `${id}: ${said}`)
    assert.doesNotMatch(body, /<script>alert/)
  }
  const log = await browser.get('/imports')
  assert.match(log.body, /6: &lt;script>alert\(1\)/)
  for (const id of ['0', '7', 'x', '99999999999']) {
    assert.equal((await browser.get(`/imports/${id}`)).statusCode, 404)
  }
})

test('a dry run shows what changes, field by field, and each refused line with its remedy', async () => {
  const { body } = await browser.get('/imports/2')
  assert.match(body, /<del>12 Lake Road<\/del> <ins>3 Hill Street<\/ins>/)
  for (const said of [
    '12345.60 kWh',
    'Phone',
    'has no country',
    'begin it with +',
    'the whole line',
  ]) {
    assert.ok(body.includes(said), said)
  }
  const refused = await browser.get('/imports/2/refused.csv')
  assert.match(String(refused.headers['content-type']), /text\/csv/)
  assert.match(refused.body, /"'=1\+1"/)
})

/** Posts a file as a browser does. */
async function upload(kind: string, name: string, content: string) {
  const token = /name="form_token" value="([^"]+)"/.exec((await browser.get('/imports')).body)?.[1]
  const part = (disposition: string, text: string) =>
    `--edge\r\ncontent-disposition: form-data; ${disposition}\r\n\r\n${text}\r\n`
  const fields = part('name="form_token"', token ?? '') + part('name="kind"', kind)
  const file = part(`name="file"; filename="${name}"`, content)
  const cookie = [...browser.cookies].map(([key, value]) => `${key}=${value}`).join('; ')
  return app.inject({
    method: 'POST',
    url: '/imports',
    headers: { cookie, 'content-type': 'multipart/form-data; boundary=edge', accept: 'text/html' },
    payload: `${fields}${file}--edge--\r\n`,
  })
}

test('an upload leads to its import; without a kind or a file it comes back with the reason', async () => {
  const sent = await upload('flat', 'a.csv', 'a,b\n1,2\n')
  assert.deepEqual([sent.statusCode, sent.headers['location']], [303, '/imports/4'])
  assert.ok(world.changed.includes('received flat a.csv 8'))
  const empty = await upload('flat', 'a.csv', '')
  assert.deepEqual([empty.statusCode, /OPS-39: it is empty/.test(empty.body)], [422, true])
  const none = await upload('flat', '', '')
  assert.deepEqual([none.statusCode, /Choose a file/.test(none.body)], [422, true])
  const strange = await upload('bills', 'a.csv', 'a')
  assert.deepEqual([strange.statusCode, /Choose what is in/.test(strange.body)], [422, true])
})

const CHOSEN = { encoding: 'utf-8', delimiter: ';', decimal: ',', dates: 'none', zone: '' }

test('a mapping that cannot be is told beside the form, with what was chosen; a good one begins', async () => {
  const wrong = { ...CHOSEN, zone: 'Europe/Berln', 'column-0': 'customer.number' }
  const answer = await browser.post('/imports/2/check', wrong, '/imports/2')
  assert.equal(answer.statusCode, 422)
  assert.match(answer.body, /no column is mapped to &quot;Service point code&quot;/)
  assert.match(answer.body, /write Europe\/Berlin/)
  assert.match(answer.body, /value="customer.number" selected/)
  const good = { ...CHOSEN, 'column-2': 'point.code' }
  const begun = await browser.post('/imports/2/check', good, '/imports/2')
  assert.deepEqual([begun.statusCode, begun.headers['location']], [303, '/imports/2'])
  assert.ok(world.changed.includes('check 2'))
  const late = await browser.post('/imports/1/check', good, '/imports/1')
  assert.equal(late.statusCode, 409)
})

test('to undo asks first; samples are files; the log is for operators alone', async () => {
  assert.match((await browser.get('/imports/1/undo')).body, /Undo import 1\?/)
  assert.equal((await browser.get('/imports/2/undo')).statusCode, 409)
  await browser.post('/imports/1/undo', { sure: 'yes' }, '/imports/1/undo')
  assert.ok(world.changed.includes('undo 1'))
  const sample = await browser.get('/imports/samples/flat.csv')
  assert.match(sample.body, /^\u{feff}"Customer number"/u)
  assert.equal((await browser.get('/imports/samples/x.csv')).statusCode, 404)
  const stranger = await new Browser(app).get('/imports')
  assert.deepEqual([stranger.statusCode, stranger.headers['location']], [303, '/login'])
})
