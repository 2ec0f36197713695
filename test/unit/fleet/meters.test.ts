// The pages of meters: the list and what is done with many, one meter with its history, the forms.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { buildApp } from '../../../services/billing/site/http/app.ts'
import { createPasswords } from '../../../services/billing/access/shell/passwords.ts'
import { Browser } from '../../fixtures/web-browser.ts'
import { createWorld, HOSTILE_NAME, type World } from '../../fixtures/web-world.ts'

const PASSWORD = 'correct horse battery'
const EDIT = {
  make: 'Elster <b>',
  medium: 'electricity',
  digits: '8',
  multiplier: '40',
  billing: 'tariffs',
  billedBy: '',
  why: 'nameplate',
}

let app: FastifyInstance
let browser: Browser
let world: World

void describe('the pages of meters', () => {
  before(async () => {
    world = createWorld()
    const password = await createPasswords().hash(PASSWORD, Buffer.alloc(16, 7))
    world.operators.set('ada', { id: 1, password })
    app = await buildApp(world.deps)
    browser = new Browser(app)
    await browser.post('/login', { name: 'ada', password: PASSWORD })
  })
  after(() => app.close())

  const page = async (path: string, status = 200): Promise<string> => {
    const { statusCode, body } = await browser.get(path)
    assert.equal(statusCode, status, path)
    assert.doesNotMatch(body, /<style|\sstyle=|\son\w+=|<script(?![^>]*src=)/, path)
    assert.ok(!body.includes(HOSTILE_NAME), path)
    assert.doesNotMatch(body, /NaN|undefined|Infinity/, path)
    return body
  }

  test('the list names what is wrong with a meter, and where each hangs', async () => {
    const body = await page('/meters')
    for (const words of [
      /href="\/meters\/1">2026000417</,
      />SP-417</,
      /badge-bad">clock wrong</,
      /badge-bad">silent</,
      /badge-warn">not adopted</,
      /badge-warn">unassigned</,
      /href="\/meters\/2\/assign">Assign</,
    ]) {
      assert.match(body, words)
    }
    assert.equal(body.match(/badge-good/g)?.length, 1)
  })

  test('the list as a file', async () => {
    const { body, headers } = await browser.get('/meters.csv')
    assert.match(String(headers['content-type']), /^text\/csv/)
    const [, first, second] = body.split('\r\n')
    assert.match(
      first ?? '',
      /^"2026000417","SEM-16","electricity","installed","SP-417","Old Town"/,
    )
    assert.match(first ?? '', /,12701\.033,"kWh",/)
    assert.match(second ?? '', /"clock wrong, silent, not adopted, seen and not assigned yet"/)
  })

  test('one meter: facts, its clock in words, age before plausibility', async () => {
    const well = await page('/meters/1')
    assert.match(well, /400 ms fast, give or take 500 ms/)
    assert.match(well, /badge-good">plausible</)
    assert.doesNotMatch(well, /news is overdue/)
    const lost = await page('/meters/2')
    assert.match(lost, /5 h slow, give or take 700 ms/)
    assert.match(lost, /badge-bad">old: news is overdue</)
    assert.doesNotMatch(lost, /badge-good">plausible</)
    assert.match(lost, /readings are invalid \(B0\)/)
    assert.equal(await page('/meters/2026000999'), lost)
    await page('/meters/77', 404)
  })

  test('its history: bars, a gap shown as a gap, the zone named, the same as a table and a file', async () => {
    const body = await page('/meters/1?span=day&date=2026-06-17')
    assert.match(body, /times in Asia\/Kolkata/)
    assert.equal(body.match(/class="hole"/g)?.length, 1)
    assert.match(body, /No reading: 17 June 2026, 07:15 to 08:00/)
    assert.match(body, /17 June 2026, 00:00 to 00:15: 0\.050 kWh, on average 0\.200 kW/)
    const { body: file } = await browser.get('/meters/1/history.csv?span=day&date=2026-06-17')
    const lines = file.trim().split('\r\n')
    assert.match(
      lines[1] ?? '',
      /^"2026-06-16T18:30:00Z",.*,12700\.000,12700\.050,0\.050,"kWh",""$/,
    )
    assert.equal(lines.filter((line) => line.includes('readings missing')).length, 1)
    for (const span of ['week', 'month', 'year', '<x>']) {
      assert.match(await page(`/meters/1?span=${span}&date=1800-13-01&register=9`), /history-chart/)
    }
  })

  test('editing asks why, keeps what was typed, and takes T1 + T2', async () => {
    const bad = await browser.post('/meters/1/edit', {
      ...EDIT,
      version: '3',
      digits: '2',
      why: '',
    })
    assert.equal(bad.statusCode, 422)
    assert.match(bad.body, /value="Elster &lt;b>"|value="Elster &lt;b&gt;"/)
    assert.match(bad.body, /f-digits-error/)
    assert.match(bad.body, /f-why-error/)
    const good = await browser.post('/meters/1/edit', { ...EDIT, version: '3' })
    assert.deepEqual([good.statusCode, good.headers.location], [303, '/meters/1'])
    assert.equal(world.changed.at(-1), 'edit 1 Elster <b> 1-0:1.8.1*255+1-0:1.8.2*255')
  })

  test('the second of two is told, and nothing is stored', async () => {
    const before = world.changed.length
    const late = await browser.post('/meters/1/edit', { ...EDIT, version: '2' })
    assert.equal(late.statusCode, 409)
    assert.match(late.body, /OPS-34/)
    assert.match(late.body, /stored now <q>9<\/q>, typed by you <q>8<\/q>/)
    assert.equal(world.changed.length, before)
  })

  test('adopts and sets the selected; nothing selected does nothing', async () => {
    const adopted = await browser.post('/meters/bulk', { do: 'adopt', id: '2' }, '/meters')
    assert.equal(adopted.headers.location, '/meters?did=adopt&n=1&without=0')
    assert.equal(world.changed.at(-1), 'adopt 2 by Ada')
    assert.match(await page('/meters?did=adopt&n=1'), /1 meter adopted\./)
    const wait = { do: 'adopt', all: 'yes', state: 'not-adopted' }
    const all = await browser.post('/meters/bulk', wait, '/meters')
    assert.match(all.headers.location ?? '', /^\/meters\?state=not-adopted&did=adopt&n=\d+&/)
    assert.deepEqual(world.changed.slice(-2), ['adopt 2 by Ada', 'adopt 2 by Ada'])
    const set50 = await browser.post('/meters/bulk', { do: 'set', all: 'yes' }, '/meters')
    assert.equal(set50.headers.location, '/meters?did=ticks')
    const none = await browser.post('/meters/bulk', { do: 'adopt' }, '/meters')
    assert.equal(none.headers.location, '/meters?did=none')
    const form = await browser.post('/meters/bulk', { do: 'set', id: '1' }, '/meters')
    assert.equal(form.statusCode, 200)
    const nothing = await browser.post('/meters/set', { id: '1', why: 'x' }, '/meters')
    assert.equal(nothing.statusCode, 422)
    const set = await browser.post('/meters/set', { id: '1', digits: '7', why: 'x' }, '/meters')
    assert.equal(set.headers.location, '/meters?did=set&n=1')
    assert.equal(world.changed.at(-1), 'set 1 {"digits":7}')
  })

  test('assigns a meter in one step; what is wrong stands beside its field', async () => {
    const form = await page('/meters/2/assign')
    assert.match(form, /name="from"[^>]*value="2026-06-14 08:00"/)
    assert.match(form, /name="opening_1-0:1\.8\.0\*255"[^>]*value="12650\.000"/)
    const bad = await browser.post('/meters/2/assign', {
      point: 'NOWHERE',
      from: '2026-06-01',
      'opening_1-0:1.8.0*255': '',
    })
    assert.equal(bad.statusCode, 422)
    assert.match(bad.body, /f-point-error">There is no service point NOWHERE/)
    const worse = await browser.post('/meters/2/assign', {
      point: '',
      from: 'yesterday',
      'opening_1-0:1.8.0*255': '1,5',
    })
    for (const name of ['point', 'from', 'opening_1-0:1.8.0*255']) {
      assert.ok(worse.body.includes(`f-${name}-error`), name)
    }
    const good = await browser.post('/meters/2/assign', { point: 'SP-9', from: '2026-06-01' })
    assert.equal(good.headers.location, '/meters/2')
    assert.equal(world.changed.at(-1), '2 at SP-9')
  })

  test('assigns many on one page, all or none', async () => {
    assert.match(await page('/meters/assign'), /Service point of meter 2026000999/)
    const bad = await browser.post('/meters/assign', { id: '2', point_2: 'NOWHERE', from: '' })
    assert.equal(bad.statusCode, 422)
    assert.match(bad.body, /value="NOWHERE"/)
    assert.match(bad.body, /f-point_2-error">There is no service point/)
    const good = await browser.post('/meters/assign', { id: '2', point_2: 'SP-9', from: '' })
    assert.equal(good.headers.location, '/meters/assign?did=assign&n=1')
    assert.equal(world.changed.at(-1), '2 at SP-9')
  })
})
