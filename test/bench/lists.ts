// How long an operator waits for a page when the utility is large: 100,000 contracts, 10 million
// readings. Every list is opened as people do: its first page, pages deep in it, a search that
// finds one row, one that finds nothing, the other orders and filters that it offers.

import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { addOperator } from '../../services/billing/access/db/operators.ts'
import { createPasswords } from '../../services/billing/access/shell/passwords.ts'
import { NO_ENVIRONMENT } from '../../services/billing/utility/core/environment.ts'
import { startHeadEnd } from '../../services/head-end.ts'
import { readSettings } from '../../services/settings.ts'
import { startPostgres } from '../../services/billing/store/embedded/embedded-postgres.ts'
import { prepareSchema } from '../../services/billing/store/migrate.ts'
import { openDatabase, openOwner } from '../../services/billing/store/pool.ts'
import { openLog } from '../../shared/node/log.ts'
import { copyCluster, temporaryFolder } from '../e2e/postgres.ts'
import { freePorts } from '../e2e/ports.ts'
import { type Report, row } from './rows.ts'
import { fillUtility } from './utility-rows.ts'

/** What an operator may wait, milliseconds. */
const LIMIT_MS = 200
const SIZE = { contracts: 100_000, devices: 1_000, readings: 10_000_000, months: 12 } as const
/** Pages followed into each list. */
const DEEP = 5
const ROUNDS = 4
/** The server lets one address ask 600 times a minute. */
const PAUSE_MS = 105
const PASSWORD = 'correct horse battery'

/** The month that is over, as the board names it. */
const BOARD_MONTH = `/board/${monthBefore(new Date())}`

/** Each list with what people ask of it. */
const LISTS = {
  attention: ['/attention', '/attention?q=cabinet'],
  fleet: ['/fleet', '/fleet?q=Cabinet+77', '/fleet/0000000000000001'],
  accounts: ['/accounts', '/accounts?q=C-77123', '/accounts?q=nobody', '/accounts/77123'],
  customers: ['/customers', '/customers?q=lake+road+5', '/customers?q=nobody', '/customers/77123'],
  'service points': ['/service-points', '/service-points?q=SP-77123', '/service-points/77123'],
  meters: ['/meters', '/meters?q=M77123', '/meters?q=nobody', '/meters/77123'],
  readings: ['/readings', '/readings?q=M77123', '/readings?q=nobody'],
  bills: ['/bills', '/bills?q=077123', '/bills?q=nobody', '/bills/77123'],
  notices: ['/notices', '/notices?state=failed'],
  board: ['/board', BOARD_MONTH, `${BOARD_MONTH}?state=waiting`],
  search: ['/search?q=M77123', '/search?q=lake+road', '/search?q=nobody'],
} as const

function monthBefore(now: Date): string {
  const last = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - 1, 1))
  return last.toISOString().slice(0, 7)
}

interface Viewer {
  /** Milliseconds until the whole page is there; the page; null: there is no such page. */
  get(path: string): Promise<{ readonly ms: number; readonly body: string } | null>
}

async function logIn(base: string): Promise<Viewer> {
  const cookies = new Map<string, string>()
  const ask = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers = new Headers(init.headers)
    headers.set('accept', 'text/html')
    headers.set('cookie', cookie)
    const answer = await fetch(base + path, { redirect: 'manual', ...init, headers })
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      cookies.set(name, value)
    }
    return answer
  }
  const form = await (await ask('/login')).text()
  const token = /name="form_token" value="([^"]+)"/.exec(form)?.[1] ?? ''
  const fields = { form_token: token, name: 'ada', password: PASSWORD }
  const done = await ask('/login', {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(fields).toString(),
  })
  if (done.status !== 303) throw new Error(`log-in answers ${done.status}`)
  return {
    get: async (path) => {
      await wait(PAUSE_MS)
      const from = performance.now()
      let answer = await ask(path)
      // A search with one hit leads straight to it.
      if (answer.status === 303) answer = await ask(answer.headers.get('location') ?? '')
      const body = await answer.text()
      if (answer.status === 404) return null
      if (answer.status !== 200) throw new Error(`${path} answers ${answer.status}`)
      return { ms: performance.now() - from, body }
    },
  }
}

/** Milliseconds of every page asked for: each address, then those behind its link to the next. */
async function walk(viewer: Viewer, paths: readonly string[]): Promise<readonly number[]> {
  const times: number[] = []
  for (const start of paths) {
    let path: string | undefined = start
    for (let deep = 0; deep <= DEEP && path !== undefined; deep += 1) {
      const page = await viewer.get(path)
      if (page === null) throw new Error(`there is no page ${path}`)
      times.push(page.ms)
      path = /<a rel="next"[^>]*href="([^"]+)"/.exec(page.body)?.[1]?.replaceAll('&amp;', '&')
    }
  }
  return times
}

const ninetyFifth = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.ceil(values.length * 0.95) - 1] ?? 0

async function filled(data: string): Promise<void> {
  const folder = join(data, 'postgresql')
  copyCluster(folder)
  const server = await startPostgres({ folder, log: () => {} })
  const db = openDatabase(server.connection, () => {})
  const owner = openOwner(server.owner)
  await prepareSchema({ owner, runtime: db.pool })
  await fillUtility(owner, SIZE, (line) => console.error(line))
  const password = await createPasswords().hash(PASSWORD, Buffer.alloc(16, 7))
  await addOperator(db.kysely, { name: 'ada', password })
  await owner.end()
  await db.close()
  await server.close()
}

export async function runLists(report: Report): Promise<void> {
  const { folder, remove } = temporaryFolder()
  await filled(folder)
  const [http, tcp, ws, ntp] = await freePorts(4)
  const settings = readSettings({
    TICKLOCK_DATA: folder,
    TICKLOCK_HTTP_PORT: String(http),
    TICKLOCK_TCP_PORT: String(tcp),
    TICKLOCK_WS_PORT: String(ws),
    TICKLOCK_NTP_PORT: String(ntp),
  })
  const headEnd = await startHeadEnd(settings, {
    utility: NO_ENVIRONMENT,
    inbox: null,
    attacks: null,
    backfill: async () => null,
    demo: false,
    log: openLog({ pretty: false, nowMs: () => performance.now(), write: () => {} }),
  })
  try {
    const viewer = await logIn(`http://127.0.0.1:${http}`)
    for (const [name, paths] of Object.entries(LISTS)) {
      await walk(viewer, paths)
      const times: number[] = []
      for (let round = 0; round < ROUNDS; round += 1) times.push(...(await walk(viewer, paths)))
      const bench = name === 'board' ? 'bills.board.ms' : `pages.${name}`
      report(row(bench, [ninetyFifth(times), LIMIT_MS], 'ms, p95', 'the limit'))
    }
  } finally {
    await headEnd.close()
    remove()
  }
}
