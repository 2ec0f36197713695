import type { FastifyInstance, FastifyRequest } from 'fastify'
import { isMeterNumber } from '../../../../shared/meter/reading.ts'
import { shiftMs, spanMs, type UnixMs } from '../../../../shared/units.ts'
import { SLICE_ROWS } from '../../bills/db/reads.ts'
import type { Slice } from '../db/browse.ts'
import { AttacksPage } from '../pages/attacks.tsx'
import { BillPage, BillsPage, NoticesPage, TariffsPage } from '../../bills/pages/bills.tsx'
import { HeadClockPage, MeterClockPage } from '../../clocks/pages/clock.tsx'
import { CLOCK_SPANS, isClockSpan } from '../../clocks/pages/clock-views.ts'
import { DevicePage, FleetPage } from '../../fleet/pages/fleet.tsx'
import { InboxPage } from '../pages/inbox.tsx'
import { ReadingsPage } from '../../readings/pages/readings.tsx'
import { RefusedPage } from '../../fleet/pages/refused.tsx'
import { NOTICE_STATES } from '../pages/views.ts'
import type { WebDeps } from './deps.ts'
import { fileName, guarded, param, query, rowId, sendPage } from '../../access/http/guard.ts'
import type { Sessions } from '../../access/http/session.ts'
import { NOT_FOUND, notGiven } from '../../access/http/trouble.ts'

/** How far back the refusals page looks. */
const REFUSALS_BACK = spanMs(-24 * 3_600_000)

export function operatorRoutes(app: FastifyInstance, deps: WebDeps, sessions: Sessions): void {
  fleetRoutes(app, deps, sessions)
  clockRoutes(app, deps, sessions)
  billRoutes(app, deps, sessions)
  if (deps.inbox !== null) inboxRoute(app, deps, deps.inbox, sessions)
  if (deps.attacks !== null) attackRoutes(app, deps.attacks, sessions)
}

function fleetRoutes(app: FastifyInstance, deps: WebDeps, sessions: Sessions): void {
  const { operators, now } = deps
  const page = guarded.bind(null, sessions, 'operator')
  app.get(
    '/fleet',
    page(async ({ context }) => {
      const [rows, backfill] = await Promise.all([operators.fleet(), deps.backfill()])
      return { page: FleetPage({ context, rows, backfill, now: now() }) }
    }),
  )
  app.get(
    '/fleet/:id',
    page(async ({ context, request }) => {
      const id = param(request, 'id')
      if (!isDeviceId(id)) return { trouble: NOT_FOUND }
      const { span, since } = spanOf(request, now())
      const [view, tale, meterClocks] = await Promise.all([
        operators.device(id, now()),
        operators.clock({ device: id, meter: '' }, since),
        operators.meterClocks(id),
      ])
      if (view === null) return { trouble: NOT_FOUND }
      return { page: DevicePage({ context, view, tale, meterClocks, span, now: now() }) }
    }),
  )
  app.post(
    '/fleet/:id/read-now',
    page(async ({ request, viewer }) => {
      const device = param(request, 'id')
      const what = { order: 'read-now', meter: null } as const
      const given = await deps.giveCommand({ device, what, askedBy: viewer.name })
      if (given.ok) return { to: `/fleet/${device}` }
      return { trouble: given.fault === 'SEC-01' ? NOT_FOUND : notGiven(given.fault) }
    }),
  )
  app.get(
    '/readings',
    page(async ({ context, request }) => {
      const wanted = query(request, 'meter').trim()
      const search = isMeterNumber(wanted) ? wanted : ''
      const [rows, retimed] = await Promise.all([operators.live(search), operators.retimed(search)])
      return { page: ReadingsPage({ context, rows, retimed, search, now: now() }) }
    }),
  )
  app.get(
    '/refused',
    page(async ({ context }) => {
      const at = now()
      const [refusals, exceptions] = await Promise.all([
        operators.refusals(shiftMs(at, REFUSALS_BACK)),
        operators.exceptions(),
      ])
      return { page: RefusedPage({ context, refusals, exceptions, now: at }) }
    }),
  )
}

function clockRoutes(app: FastifyInstance, deps: WebDeps, sessions: Sessions): void {
  const { operators, now } = deps
  const page = guarded.bind(null, sessions, 'operator')
  app.get(
    '/clock',
    page(async ({ context, request }) => {
      const { span, since } = spanOf(request, now())
      const [report, tale] = await Promise.all([
        operators.headClock(),
        operators.clock({ device: '', meter: '' }, since),
      ])
      return { page: HeadClockPage({ context, report, tale, span, now: now() }) }
    }),
  )
  app.get(
    '/fleet/:id/clock/:meter',
    page(async ({ context, request }) => {
      const [device, meter] = [param(request, 'id'), param(request, 'meter')]
      if (!isDeviceId(device) || !isMeterNumber(meter)) return { trouble: NOT_FOUND }
      const { span, since } = spanOf(request, now())
      const [view, tale] = await Promise.all([
        operators.device(device, now()),
        operators.clock({ device, meter }, since),
      ])
      if (view === null || tale === null) return { trouble: NOT_FOUND }
      const { name } = view.device
      return { page: MeterClockPage({ context, name, tale, span, now: now() }) }
    }),
  )
}

const isDeviceId = (text: string): boolean => /^[0-9a-f]{16}$/.test(text)

/** How far back a plot looks: a day unless an hour or a week is asked for. */
function spanOf(request: FastifyRequest, now: UnixMs) {
  const asked = query(request, 'span')
  const span = isClockSpan(asked) ? asked : '24h'
  return { span, since: shiftMs(now, spanMs(-CLOCK_SPANS[span])) }
}

function billRoutes(app: FastifyInstance, deps: WebDeps, sessions: Sessions): void {
  const { operators, now } = deps
  const page = guarded.bind(null, sessions, 'operator')
  app.get(
    '/bills',
    page(async ({ context, request }) => {
      const slice = sliceOf(request)
      const rows = await operators.bills(slice)
      return { page: BillsPage({ context, rows, state: slice.state, before: nextOf(rows) }) }
    }),
  )
  app.get(
    '/bills/:id',
    page(async ({ context, request }) => {
      const id = rowId(param(request, 'id'))
      const view = id === null ? null : await operators.bill(id)
      if (id === null || view === null) return { trouble: NOT_FOUND }
      const notices = await operators.billNotices(id)
      return { page: BillPage({ context, view, notices, now: now() }) }
    }),
  )
  app.get(
    '/bills/:id/pdf',
    page(async ({ request }) => {
      const id = rowId(param(request, 'id'))
      const view = id === null ? null : await operators.bill(id)
      const pdf = id === null || view === null ? null : await deps.renderPdf(id)
      if (pdf === null || view === null) return { trouble: NOT_FOUND }
      return { pdf, name: fileName(view.bill.number) }
    }),
  )
  app.get(
    '/notices',
    page(async ({ context, request }) => {
      const slice = sliceOf(request)
      const rows = await operators.notices(slice)
      const before = nextOf(rows)
      return { page: NoticesPage({ context, rows, state: slice.state, before, now: now() }) }
    }),
  )
  app.post(
    '/notices/:id/again',
    page(async ({ request }) => {
      const id = rowId(param(request, 'id'))
      if (id === null) return { trouble: NOT_FOUND }
      await deps.queueAgain(id)
      return { to: '/notices' }
    }),
  )
  app.get(
    '/tariffs',
    page(async ({ context }) => ({
      page: TariffsPage({ context, rows: await operators.tariffs() }),
    })),
  )
}

/** Open to everybody at the demo: it listens on this machine only and its messages are
 * fictitious. */
function inboxRoute(
  app: FastifyInstance,
  deps: WebDeps,
  inbox: NonNullable<WebDeps['inbox']>,
  sessions: Sessions,
): void {
  app.get('/inbox', async (request, reply) => {
    const context = sessions.context(request, reply, await sessions.viewer(request))
    const { baseUrl } = deps
    const messages = inbox.messages()
    return sendPage(reply, InboxPage({ context, messages, baseUrl, now: deps.now() }))
  })
}

function attackRoutes(
  app: FastifyInstance,
  attacks: NonNullable<WebDeps['attacks']>,
  sessions: Sessions,
): void {
  const page = guarded.bind(null, sessions, 'operator')
  app.get(
    '/attacks',
    page(async ({ context }) => ({ page: AttacksPage({ context, run: attacks.run() }) })),
  )
  app.post(
    '/attacks',
    page(async () => {
      attacks.start()
      return { to: '/attacks' }
    }),
  )
}

const sliceOf = (request: FastifyRequest): Slice => ({
  state: NOTICE_STATES.find((state) => state === query(request, 'state')) ?? null,
  before: rowId(query(request, 'before')),
})

/** A full page has a next one, from its last id on. */
const nextOf = (rows: readonly { readonly id: number }[]): number | null =>
  rows.length < SLICE_ROWS ? null : (rows.at(-1)?.id ?? null)
