// The parts of the kit in a browser: a form that came back, a list with a selection, a question;
// light and dark, on a desk and on a phone: nothing that axe finds, nothing wider than the screen.

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import fastify, { type FastifyInstance } from 'fastify'
import { h, type VNode } from 'preact'
import { type Browser, chromium } from 'playwright-core'
import { ConfirmPage } from '../../services/billing/kit/confirm-page.tsx'
import type { PageContext } from '../../services/billing/kit/context.ts'
import * as fields from '../../services/billing/kit/fields.tsx'
import { staleOf } from '../../services/billing/kit/form.ts'
import { htmlOf, Layout } from '../../services/billing/kit/layout.tsx'
import { List } from '../../services/billing/kit/list-view.tsx'
import { type ListSpec, pageOf, readList } from '../../services/billing/kit/list.ts'
import { Fold, Headline, Progress, Section } from '../../services/billing/kit/parts.tsx'
import { serveAssets } from '../../services/billing/site/http/assets.ts'
import { unixMs } from '../../shared/units.ts'
import { axeFaults } from '../fixtures/axe.ts'

const CHROMIUM = '/usr/bin/chromium'
const SKIP =
  existsSync(CHROMIUM) || process.env['REQUIRE_PEERS'] === '1'
    ? false
    : `${CHROMIUM} is absent (package chromium)`
/** Pictures of what was looked at are kept there when it is set. */
const SHOTS = process.env['TICKLOCK_SHOTS'] ?? ''

const SPEC: ListSpec = {
  path: '/customers',
  sorts: { name: 'text', since: 'date' },
  sort: 'name',
  filters: {
    state: [
      ['open', 'Open'],
      ['ended', 'Ended'],
    ],
  },
}
const LABELS = { name: 'Name', zone: 'Time zone', missing: 'When a reading is missing' }

function formPage(context: PageContext): VNode {
  const stored = { name: 'Asha K.', zone: 'UTC' }
  const values = { name: '', zone: 'Asia/Kolkata', note: 'Door code 12', sms: 'yes' }
  const at = unixMs(Date.UTC(2026, 5, 1, 10))
  const stale = staleOf({ who: 'meera', at, labels: LABELS, typed: values, stored })
  const errors = { name: 'A name is needed: it stands on the bill.', missing: 'Choose one.' }
  const form = { values, errors, stale }
  const parts = [
    h(fields.TextField, {
      form,
      name: 'name',
      label: 'Name',
      required: true,
      help: 'As on the bill',
    }),
    h(fields.TextField, { form, name: 'power', label: 'Power', unit: 'kW', inputMode: 'decimal' }),
    h(fields.SelectField, {
      form,
      name: 'zone',
      label: 'Time zone',
      options: [
        ['UTC', 'UTC'],
        ['Asia/Kolkata', 'India'],
      ],
    }),
    h(fields.TextArea, { form, name: 'note', label: 'Note' }),
    h(fields.DateField, { form, name: 'from', label: 'From' }),
    h(fields.CheckField, { form, name: 'sms', label: 'Send SMS' }),
    h(fields.RadioField, {
      form,
      name: 'missing',
      label: 'When a reading is missing',
      required: true,
      options: [
        ['wait', 'Wait for it', 'The bill comes later'],
        ['estimate', 'Estimate it'],
      ],
    }),
    h(fields.CheckGroup, {
      form,
      name: 'register',
      label: 'Registers',
      options: [
        ['1', 'T1'],
        ['2', 'T2'],
      ],
      ticked: ['1'],
    }),
    h(fields.FileField, { form, name: 'file', label: 'Photo' }),
  ]
  const frame = {
    context,
    form,
    action: '/x',
    labels: LABELS,
    version: 3,
    submit: 'Save',
    cancel: '/',
  }
  const card = h(Section, {
    title: 'Customer',
    children: h(fields.Form, { ...frame, children: parts }),
  })
  const fold = h(Fold, {
    title: 'Meters',
    note: '12',
    children: h(Progress, { label: 'Read', value: 3, max: 9 }),
  })
  return Layout({
    context,
    title: 'Edit',
    children: [h(Headline, { title: 'Asha' }), card, fold],
  })
}

function listPage(context: PageContext, asked: unknown): VNode {
  const query = readList(asked, SPEC)
  const rows = Array.from({ length: 51 }, (_row, at) => ({ id: at + 1, name: `Customer ${at}` }))
  const list = h(List<(typeof rows)[number]>, {
    context,
    spec: SPEC,
    query,
    page: pageOf(rows, query, ({ id, name }) => ({ key: name, id })),
    caption: 'Customers',
    columns: [
      { title: 'Name', sort: 'name', cell: ({ name }) => h('a', { href: '/x' }, name) },
      { title: 'Since', sort: 'since', cell: () => '2026-05-01' },
      { title: 'Bills', numeric: true, cell: ({ id }) => id },
    ],
    empty: 'No customer yet.',
    search: 'Name or number',
    filterLabels: { state: 'State' },
    total: { count: 1_001, most: 1_000 },
    bulk: {
      action: '/customers/bulk',
      idOf: ({ id }) => id,
      nameOf: ({ name }) => name,
      buttons: [['end', 'End contracts']],
      all: true,
    },
    csv: true,
  })
  return Layout({
    context,
    title: 'Customers',
    children: [h(Headline, { title: 'Customers' }), list],
  })
}

const confirmPage = (context: PageContext): VNode =>
  ConfirmPage({
    context,
    title: 'End the contract?',
    text: h('p', null, 'Its last bill is made when the period is over.'),
    action: '/x',
    fields: { ids: ['1', '2'] },
    yes: 'End the contract',
    back: '/',
    why: true,
  })

let app: FastifyInstance
let browser: Browser
let base = ''

void describe('the parts of every page', { skip: SKIP }, () => {
  before(async () => {
    app = fastify()
    app.addHook('onRequest', async (_request, reply) => {
      const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'"
      void reply.header('content-security-policy', policy)
    })
    const assets = serveAssets(app)
    const viewer = { kind: 'operator', id: 1, name: 'ada' } as const
    const context = { viewer, formToken: 't', assets, isPage: () => true, demo: false }
    const show = (path: string, page: (context: PageContext, query: unknown) => VNode) =>
      app.get(path, async (request, reply) =>
        reply.type('text/html').send(htmlOf(page({ ...context, path }, request.query))),
      )
    show('/customers/1/edit', formPage)
    show('/customers', listPage)
    show('/accounts/1/end', confirmPage)
    await app.listen({ port: 0, host: '127.0.0.1' })
    const address = app.server.address()
    base = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
    browser = await chromium.launch({
      executablePath: CHROMIUM,
      headless: true,
      args: ['--no-sandbox', '--disable-gpu', '--no-first-run'],
    })
  })
  after(async () => {
    await browser?.close()
    await app?.close()
  })

  for (const colorScheme of ['light', 'dark'] as const) {
    for (const width of [1_280, 375]) {
      test(`axe finds nothing, and nothing is cut off: ${colorScheme}, ${width} px`, async () => {
        const viewport = { width, height: 800 }
        const context = await browser.newContext({ colorScheme, viewport, bypassCSP: true })
        const page = await context.newPage()
        for (const path of ['/customers/1/edit', '/customers?q=a', '/accounts/1/end']) {
          await page.goto(base + path)
          assert.deepEqual(await axeFaults(page), [], path)
          const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
          assert.ok(Number(overflow) <= 0, `${path} is ${String(overflow)} px too wide`)
          if (SHOTS === '') continue
          const name = `${path.replaceAll(/\W+/g, '-')}-${colorScheme}-${width}.png`
          await page.screenshot({ path: `${SHOTS}/kit${name}`, fullPage: path.includes('edit') })
        }
        await context.close()
      })
    }
  }

  test('the key / leads to the search, and stays a letter in a field', async () => {
    const page = await browser.newPage()
    const complaints: string[] = []
    page.on('pageerror', (error) => complaints.push(error.message))
    page.on('console', (message) => complaints.push(message.text()))
    await page.goto(`${base}/customers/1/edit`)
    await page.keyboard.press('/')
    await page.keyboard.type('Lake/7')
    assert.equal(await page.inputValue('header [name=q]'), 'Lake/7')
    await page.fill('[name=note]', '')
    await page.focus('[name=note]')
    await page.keyboard.type('1/2')
    assert.equal(await page.inputValue('[name=note]'), '1/2')
    assert.deepEqual(complaints, [])
    await page.close()
  })

  test('one box ticks all of the page, and the error summary leads to its field', async () => {
    const page = await browser.newPage()
    await page.goto(`${base}/customers`)
    await page.getByLabel('All on this page').check()
    assert.equal(await page.locator('td input[name=id]:checked').count(), 50)
    await page.goto(`${base}/customers/1/edit`)
    await page.getByRole('alert').getByRole('link', { name: 'Name' }).click()
    assert.equal(await page.evaluate('document.querySelector(":target").name'), 'name')
    const said = await page.getAttribute('[name=name]', 'aria-describedby')
    assert.equal(said, 'f-name-help f-name-error')
    await page.close()
  })
})
