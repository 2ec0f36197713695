// The clock pages: what they say, and that nothing reported by others becomes markup.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { buildApp } from '../../../services/billing/site/http/app.ts'
import { createPasswords } from '../../../services/billing/access/shell/passwords.ts'
import { Browser } from '../../fixtures/web-browser.ts'
import { createWorld, HOSTILE_NAME } from '../../fixtures/web-world.ts'

const PASSWORD = 'correct horse battery'
const DEVICE = '/fleet/00000000000000a0'
const METER = `${DEVICE}/clock/2026000417`

let app: FastifyInstance
let browser: Browser

void describe('the pages of clocks', () => {
  before(async () => {
    const world = createWorld()
    const password = await createPasswords().hash(PASSWORD, Buffer.alloc(16, 7))
    world.operators.set('ada', { id: 1, password })
    app = await buildApp(world.deps)
    browser = new Browser(app)
    await browser.post('/login', { name: 'ada', password: PASSWORD })
  })
  after(() => app.close())

  const page = async (path: string): Promise<string> => {
    const { statusCode, body } = await browser.get(path)
    assert.equal(statusCode, 200, path)
    assert.doesNotMatch(body, /<style|\sstyle=|\son\w+=|<script(?![^>]*src=)/, path)
    assert.ok(!body.includes(HOSTILE_NAME), path)
    assert.doesNotMatch(body, /NaN|undefined|Infinity/, path)
    return body
  }

  test('the fleet says which clock is held over', async () => {
    const body = await page('/fleet')
    assert.match(body, /\+412 µs ± 3\.1 ms/)
    assert.equal(body.match(/held over/g)?.length, 1)
  })

  test('a device: the plot, the step in it, the events in words, the clocks of its meters', async () => {
    const body = await page(DEVICE)
    for (const words of [
      /Offset over the last 24 hours: at most 3 min, one step; now \+412 µs, bound 3\.1 ms/,
      /class="band clock-R"/,
      /class="line clock-U"/,
      /stepped by −3 min/,
      /12\.345 ppm slow, skew 0\.050 ppm/,
      /21 min: held over/,
      /1, the last by −3 min/,
      /Corrected by more than a slew/,
      /Event 12: strong synchronisation executed/,
      /from-tomorrow/,
      /−61 s/,
    ]) {
      assert.match(body, words)
    }
  })

  test('a week is plotted when asked for, a day for anything else', async () => {
    assert.match(await page(`${DEVICE}?span=7d`), /Offset over the last seven days/)
    assert.match(await page(`${DEVICE}?span=%3Cb%3E`), /Offset over the last 24 hours/)
  })

  test('a meter: invalid, five hours off, rejected; no such meter is 404', async () => {
    const body = await page(METER)
    for (const words of [/invalid/, /\+5 h|not known/, /rejected/, /more than 4 h off/, /10 ms/]) {
      assert.match(body, words)
    }
    for (const path of [`${METER}0`, `${DEVICE}/clock/a%20b`, '/fleet/xyz/clock/2026000417']) {
      assert.equal((await browser.get(path)).statusCode, 404, path)
    }
  })

  test('the head-end: tracking and sources in chrony’s words, names as text', async () => {
    const body = await page('/clock')
    for (const words of [
      /41 µs fast of UTC/,
      /3\.214 ppm slow/,
      /Root dispersion/,
      /<code>x<\/code> falseticker/,
      /&lt;script>alert\(1\)|&lt;script&gt;/,
      />377</,
    ]) {
      assert.match(body, words)
    }
  })
})
