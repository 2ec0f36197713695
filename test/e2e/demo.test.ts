// `ticklock demo` as a newcomer starts it: everything its first screen promises is there.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { temporaryFolder } from './postgres.ts'
import { freePorts } from './ports.ts'
import { Process, until } from './whole-way.ts'

const METERS = 100
/** Two meters have a clock beyond its limit (BIL-21): their bills wait for a person. */
const BILLS = METERS - 2
/** The first screen says about a minute; a busy machine takes a little longer. */
const BILLED_MS_MAX = 90_000

interface Summary {
  readonly meters: number
  readonly readings: number
  readonly refused: number
  readonly bills: number
  readonly notices: number
}

/** A browser that keeps cookies and can fill in the one form of a page. */
class Browser {
  readonly #base: string
  readonly #cookies = new Map<string, string>()

  constructor(base: string) {
    this.#base = base
  }

  async get(path: string): Promise<Response> {
    return this.#ask(path, {})
  }

  /** Loads the page with the form, then posts its hidden fields with ours. */
  async fillIn(path: string, fields: Readonly<Record<string, string>>): Promise<Response> {
    const page = await (await this.get(path)).text()
    const form = new URLSearchParams(fields)
    for (const [input] of page.matchAll(/<input[^>]*type="hidden"[^>]*>/g)) {
      const name = /name="([^"]*)"/.exec(input)?.[1]
      if (name !== undefined) form.set(name, /value="([^"]*)"/.exec(input)?.[1] ?? '')
    }
    return this.#ask(path, { method: 'POST', body: form })
  }

  async #ask(path: string, init: RequestInit): Promise<Response> {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const answer = await fetch(new URL(path, this.#base), {
      ...init,
      redirect: 'manual',
      headers: { cookie, origin: this.#base },
    })
    for (const line of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (name !== undefined) this.#cookies.set(name, value ?? '')
    }
    return answer
  }
}

/** Command lines of this machine's processes that name the folder. */
const processesOf = (folder: string): readonly string[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ')]
      } catch {
        return []
      }
    })
    .filter((command) => command.includes(folder))

async function summaryOf(url: string): Promise<Summary> {
  const answer = await fetch(`${url}/api/v1/summary`)
  assert.equal(answer.status, 200)
  const summary: Summary = JSON.parse(await answer.text())
  return summary
}

const found = (text: string, pattern: RegExp): string => {
  const [, first] = pattern.exec(text) ?? []
  assert.ok(first !== undefined, `${pattern} in:\n${text}`)
  return first
}

async function lookAround(url: string, screen: string): Promise<void> {
  const operator = new Browser(url)
  const login = await operator.fillIn('/login', {
    name: found(screen, /name: (\S+)/),
    password: found(screen, /password: (\S+)/),
  })
  assert.equal(login.status, 303)
  assert.equal((await operator.get('/fleet')).status, 200)
  assert.equal((await operator.get('/inbox')).status, 200)
  const bills = await (await operator.get('/bills')).text()
  const pdf = await operator.get(found(bills, /href="(\/bills\/\d+\/pdf)"/))
  assert.equal(pdf.headers.get('content-type'), 'application/pdf')
  assert.equal(Buffer.from(await pdf.arrayBuffer()).toString('latin1', 0, 4), '%PDF')
  assert.equal((await new Browser(url).get('/bills')).status, 303, 'strangers must log in')

  const customer = new Browser(url)
  const opened = await customer.fillIn(found(screen, /A customer +\S+?(\/c\/\S+)/), {})
  assert.equal(opened.status, 303)
  const home = await customer.get('/home')
  assert.equal(home.status, 200)
  const own = found(await (await customer.get('/home/bills')).text(), /href="(\/home\/bills\/\d+)"/)
  assert.equal((await customer.get(own)).status, 200)
  assert.equal((await customer.get('/fleet')).status, 404, 'customers see no fleet')
}

test('the demo bills a hundred meters, stops by Ctrl-C, and goes on where it was (README)', async (t) => {
  const { folder, remove } = temporaryFolder()
  const [http = 0, tcp = 0, ws = 0] = await freePorts(3)
  const env = {
    TICKLOCK_HTTP_PORT: String(http),
    TICKLOCK_TCP_PORT: String(tcp),
    TICKLOCK_WS_PORT: String(ws),
    TICKLOCK_NTP_PORT: '0',
    TICKLOCK_DATA: folder,
  }
  let demo = new Process(['demo'], env)
  t.after(async () => {
    await demo.end('SIGINT')
    remove()
  })
  const startedAt = performance.now()
  await demo.said('Ctrl-C')
  const url = `http://localhost:${http}`
  const billed = await until(
    'all bills but two, and their notices',
    async () => {
      const summary = await summaryOf(url)
      return summary.bills >= BILLS && summary.notices >= 2 * BILLS ? summary : null
    },
    BILLED_MS_MAX,
  )
  t.diagnostic(`billed after ${Math.round(performance.now() - startedAt)} ms`)
  t.diagnostic(JSON.stringify(billed))
  assert.equal(billed.meters, METERS)
  assert.equal(billed.refused, 0)
  await lookAround(url, demo.output)
  assert.equal(processesOf(folder).filter((command) => command.includes(' slave ')).length, 5)

  const { code, output } = await demo.end('SIGINT')
  assert.equal(code, 0, output)
  assert.deepEqual(processesOf(folder), [])

  demo = new Process(['demo'], env)
  await demo.said('Ctrl-C')
  await until('all meters again', async () => (await summaryOf(url)).meters === METERS)
  const again = await until('more readings', async () => {
    const summary = await summaryOf(url)
    return summary.readings > billed.readings + METERS ? summary : null
  })
  assert.deepEqual([again.bills, again.refused], [BILLS, 0])
  assert.equal((await demo.end('SIGINT')).code, 0)
  assert.deepEqual(processesOf(folder), [])
})
