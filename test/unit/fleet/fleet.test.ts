// The pages of devices: totals over all of them, and green only where everything behind is well.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { buildApp } from '../../../services/billing/site/http/app.ts'
import { createPasswords } from '../../../services/billing/access/shell/passwords.ts'
import { pastText } from '../../../services/billing/kit/format.ts'
import { shiftMs, spanMs } from '../../../shared/units.ts'
import { Browser } from '../../fixtures/web-browser.ts'
import { createWorld, NOON } from '../../fixtures/web-world.ts'

const PASSWORD = 'correct horse battery'

let app: FastifyInstance
let browser: Browser

void describe('the pages of devices', () => {
  before(async () => {
    const world = createWorld()
    const password = await createPasswords().hash(PASSWORD, Buffer.alloc(16, 7))
    world.operators.set('ada', { id: 1, password })
    app = await buildApp(world.deps)
    browser = new Browser(app)
    await browser.post('/login', { name: 'ada', password: PASSWORD })
  })
  after(() => app.close())

  /** The row of a device in the list. */
  const rowOf = (body: string, name: string): string =>
    body.split('<tr').find((row) => row.includes(`>${name}</a>`)) ?? ''

  test('the totals are those of the fleet, not of the page', async () => {
    const { body } = await browser.get('/fleet')
    assert.match(body, /9 998 of 10 001/)
    assert.match(body, /<a href="\/fleet\?state=trouble">3<\/a>/)
    assert.match(body, /2 silent, 1 with a wrong clock/)
  })

  test('a connected device is not green while meters behind it are silent or wrong', async () => {
    const { body } = await browser.get('/fleet')
    assert.match(rowOf(body, 'Old Town'), /badge-good">connected</)
    const harbour = rowOf(body, 'Harbour')
    assert.match(harbour, /class="badge">connected</)
    assert.match(harbour, /href="\/fleet\/00000000000000a1\/meters\?state=silent"/)
    assert.match(harbour, /badge-bad">2 meters silent</)
    assert.match(harbour, /badge-bad">1 meter’s clock wrong</)
  })

  test('how long a link is up is a length, and what was read is never still to come', async () => {
    const { body } = await browser.get('/fleet')
    assert.doesNotMatch(body, /since <time|since [^<]* ago/)
    assert.match(rowOf(body, 'Old Town').replaceAll(/<[^>]+>/g, ''), /TCP, for 2 h/)
    const ahead = (ms: number) => pastText(shiftMs(NOON, spanMs(ms)), NOON)
    assert.deepEqual(
      [ahead(120_000), ahead(5_000), ahead(-61_000)],
      ['2 min ahead of our clock', 'now', '1 min ago'],
    )
  })

  test('a device’s page begins with what can be done', async () => {
    const { body } = await browser.get('/fleet/00000000000000a0')
    assert.ok(body.indexOf('Read now') < body.indexOf('<dl class="facts"'))
    assert.match(body, /class="actions reach"/)
    assert.equal(body.match(/Read now<\/button>/g)?.length, 1)
  })

  test('the devices as a file', async () => {
    const { body } = await browser.get('/fleet.csv')
    assert.match(body, /^\uFEFF"Name","Id",/)
    assert.match(body, /"Harbour","00000000000000a1",.*,18,2,1,0,0,0\r\n/)
  })
})
