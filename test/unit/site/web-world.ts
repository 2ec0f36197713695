// A small fictitious utility behind the real web app: what the pages show comes from here instead
// of from a database, and time stands still until a test moves it.

import { startOfDay } from '../../../services/billing/civil/calendar.ts'
import { usageMonths } from '../../../services/billing/readings/core/usage.ts'
import type { AccessStore } from '../../../services/billing/access/db/access.ts'
import type { Viewer } from '../../../services/billing/kit/context.ts'
import type { WebDeps } from '../../../services/billing/site/http/deps.ts'
import type { CommandRow, FleetRow } from '../../../services/billing/fleet/core/views.ts'
import type { LiveRow } from '../../../services/billing/readings/core/views.ts'
import { shiftMs, spanMs, type UnixMs, unixMs } from '../../../shared/units.ts'
import { billOf, TARIFF } from '../bills/bill-world.ts'
import { CLOCK_FIGURES, clockWorld } from '../clocks/clock-world.ts'

export const NOON = unixMs(Date.UTC(2026, 5, 18, 6, 30, 0))
const ZONE = 'Asia/Kolkata'
const ago = (ms: number) => shiftMs(NOON, spanMs(-ms))

const DAY = 24 * 3_600_000
export const FLEET: readonly FleetRow[] = ['Old Town', 'Harbour', 'Hill Station', 'Mill Lane'].map(
  (name, index) => ({
    id: `00000000000000a${index}`,
    name,
    enrolled: index !== 3,
    revoked: false,
    transport: index === 1 ? 'ws' : 'tcp',
    connectedAt: index < 2 ? ago(7_400_000) : null,
    lastReadingAt: index === 3 ? null : ago(1_200 + index * 61_000),
    clockState: ['S', 'S', 'R', null][index] ?? null,
    clockOffsetUs: index === 3 ? null : ([412, -1_830, 15_200][index] ?? null),
    clockBoundUs: index === 3 ? null : ([3_100, 8_700, 412_000][index] ?? null),
    heldOver: index === 2,
    backlogFrames: index === 3 ? null : ([0, 0, 1_284][index] ?? null),
    meters: [24, 18, 31, 0][index] ?? 0,
    givenUp: [0, 3, 4, 0][index] ?? 0,
  }),
)

const live = (meter: string, obis: string, value: number, unit: number, quality = 0): LiveRow => ({
  meter,
  device: FLEET[0]?.id ?? null,
  obis,
  value,
  exponent: 0,
  unit,
  at: ago(1_200),
  quality,
  clockState: 'S',
  clockBoundMs: 3,
})
const LIVE: readonly LiveRow[] = [
  live('2026000417', '1-0:1.8.0*255', 12_701_033, 30),
  live('2026000417', '1-0:16.7.0*255', 431, 27),
  live('2026000418', '1-0:1.8.0*255', 998_512, 30, 2),
  { ...live('2026000419', '1-0:32.7.0*255', 2314, 35), exponent: -1, clockState: 'U' },
]

/** The name of customer 2; customer 1 is Asha. */
export const HOSTILE_NAME = '<script>alert(1)</script>'

export interface World {
  readonly deps: WebDeps
  now: UnixMs
  /** Set this to an error to take the database away. */
  failure: Error | null
  /** Commands of every device, the newest first. */
  readonly commands: CommandRow[]
  attacking: boolean
  /** Notices that an operator queued again. */
  readonly queued: number[]
  readonly links: Map<
    string,
    { purpose: 'setup' | 'customer'; customer: number | null; until: UnixMs; used: boolean }
  >
  readonly operators: Map<string, { id: number; password: string }>
}

export function createWorld(baseUrl = 'http://127.0.0.1'): World {
  let seed = 0
  const world: World = {
    now: NOON,
    failure: null,
    attacking: false,
    queued: [],
    commands: [],
    links: new Map(),
    operators: new Map(),
    deps: {
      access: access(() => world),
      ...operators(() => world),
      bills: billReads,
      customers,
      usage,
      now: () => world.now,
      random: (length) => {
        seed += 1
        return Uint8Array.from({ length }, (_byte, index) => (seed * 31 + index * 7) & 255)
      },
      giveCommand: async ({ what, askedBy }) => {
        const number = NOON + world.commands.length
        const waits = { sentAt: null, outcome: null, detail: '', receiptAt: null }
        const given = { createdAt: NOON, expiresAt: shiftMs(NOON, spanMs(3_600_000)) }
        world.commands.unshift({ number, what, askedBy, ...given, ...waits })
        return { ok: true, number }
      },
      queueAgain: async (notice) => void world.queued.push(notice),
      renderPdf: async (bill) => (bill <= 2 ? Buffer.from(`%PDF-1.7 bill ${bill}`) : null),
      clockFigures: async () => CLOCK_FIGURES,
      summary: async () => ({
        meters: 73,
        readings: 1_204_511,
        refused: 9,
        bills: 2,
        notices: 3,
        clockBoundMs: 8.7,
      }),
      health: async () => ({ ok: world.failure === null, parts: { database: 'up' } }),
      metrics: { contentType: 'text/plain; version=0.0.4', metrics: async () => 'up 1\n' },
      backfill: async () => ({ done: 81_204, total: 214_272, from: ago(49 * DAY) }),
      attacks: {
        run: () => ({
          running: world.attacking,
          lines: [
            {
              name: 'bit flip',
              tries: 'one bit of a frame',
              sent: 12,
              refusedBy: ['SEC-03'],
              rowsAdded: 0,
              moved: false,
              microsEach: 61.5,
              ok: true,
              note: '',
            },
          ],
        }),
        start: () => {
          world.attacking = true
        },
      },
      inbox: {
        messages: () => [
          {
            id: '1',
            channel: 'email',
            to: 'asha@example.com',
            subject: 'Your electricity bill for May 2026',
            text: `Your bill: ${baseUrl}/c/${'A'.repeat(22)}\n\nNot ours: https://evil.example/x`,
            at: ago(60_000),
          },
        ],
      },
      baseUrl,
      demo: true,
      log: null,
    },
  }
  return world
}

function access(world: () => World): AccessStore {
  const sessions = new Map<string, { viewer: Viewer; until: UnixMs }>()
  const openLink = (hash: Buffer, now: UnixMs) => {
    const link = world().links.get(hash.toString('hex'))
    return link !== undefined && link.until > now ? link : null
  }
  const nameOf = (kind: string, id: number) =>
    kind === 'operator' ? 'Ada' : id === 1 ? 'Asha Kulkarni' : HOSTILE_NAME
  return {
    operator: async (name) => world().operators.get(name) ?? null,
    async viewer(hash, now) {
      const { failure } = world()
      if (failure !== null) throw failure
      const session = sessions.get(hash.toString('hex'))
      return session !== undefined && session.until > now ? session.viewer : null
    },
    async openSession({ hash, viewer, expiresAt }) {
      const { kind, id } = viewer
      const named = { kind, id, name: nameOf(kind, id) }
      sessions.set(hash.toString('hex'), { viewer: named, until: expiresAt })
    },
    async closeSession(hash) {
      sessions.delete(hash.toString('hex'))
    },
    async setupOpen(hash, now) {
      const link = openLink(hash, now)
      return link?.purpose === 'setup' && !link.used
    },
    async setUp({ hash, name, password, now }) {
      const link = openLink(hash, now)
      if (link === null || link.used) return 'spent'
      if (world().operators.has(name)) return 'taken'
      link.used = true
      world().operators.set(name, { id: 1, password })
      return { id: 1 }
    },
    linkCustomer: async (hash, now) => openLink(hash, now)?.customer ?? null,
    async markLinkUsed(hash, now) {
      const link = openLink(hash, now)
      if (link !== null) link.used = true
    },
  }
}

type Told = 'clocks' | 'deviceName' | 'fleet' | 'notices' | 'readings' | 'tariffs'

function operators(world: () => World): Pick<WebDeps, Told> {
  const notices = [
    notice(1, 'email', 'asha@example.com', 'sent'),
    notice(2, 'sms', '+919800000000', 'queued'),
    { ...notice(3, 'email', 'x@example.com', 'failed'), lastFault: 'BIL-09 550 no such user' },
  ]
  return {
    clocks: clockWorld(NOON, { device: FLEET[0]?.id ?? '', hostile: HOSTILE_NAME }),
    deviceName: async (id) => FLEET.find((row) => row.id === id)?.name ?? null,
    fleet: {
      fleet: async () => FLEET,
      device: async (id) => {
        const device = FLEET.find((row) => row.id === id)
        if (device === undefined) return null
        return {
          device,
          createdAt: ago(40 * DAY),
          historyFrom: ago(49 * DAY),
          reportedAt: ago(900),
          roundTripUs: 1_640,
          disconnectedAt: null,
          faults: [{ code: 'MTR-02', count: 3 }],
          live: LIVE,
          refusals: [],
          commands: world().commands,
        }
      },
      refusals: async () => [
        { code: 'SEC-05', device: FLEET[0]?.id ?? '', count: 6, lastAt: ago(3_600_000) },
        { code: 'SEC-03', device: '', count: 3, lastAt: ago(52_000) },
      ],
    },
    readings: {
      live: async (meter) => LIVE.filter((row) => row.meter.startsWith(meter)),
      retimed: async () => [
        {
          meter: '2026000419',
          obis: '1-0:1.8.0*255',
          value: 5_000,
          exponent: 0,
          unit: 30,
          saidAt: unixMs(1_000),
          clockState: 'U',
          clockBoundMs: 4_294_967_295,
          retimed: { at: ago(DAY), boundMs: 900, way: 'anchor' },
        },
      ],
      exceptions: async () => [
        {
          id: 1,
          at: ago(DAY),
          device: FLEET[1]?.id ?? '',
          code: 'BIL-05',
          meter: '2026009999',
          detail: 'kept until the meter is registered',
        },
      ],
    },
    notices: {
      notices: async ({ state }) => notices.filter((row) => state === null || row.state === state),
      aboutBill: async () => notices.slice(0, 2),
    },
    tariffs: {
      tariffs: async () => [
        {
          code: 'LT-I-B',
          name: world().deps.demo ? 'LT-I(B) residential' : '',
          validFrom: '2026-04-01',
          hash: billOf(1, '').content.tariff.hash,
          content: JSON.stringify(TARIFF, null, 2),
        },
      ],
    },
  }
}

const notice = (
  id: number,
  channel: 'email' | 'sms',
  address: string,
  state: 'queued' | 'sent' | 'failed',
) => ({
  id,
  billId: 1,
  billNumber: 'KL-2026-00001',
  channel,
  address,
  state,
  attempts: id,
  nextAttemptAt: shiftMs(NOON, spanMs(300_000)),
  sentAt: state === 'sent' ? ago(600_000) : null,
  lastFault: null,
})

const BILLS = [billOf(2, HOSTILE_NAME), billOf(1, 'Asha Kulkarni')]

/** Bill N belongs to customer N. */
const billReads: WebDeps['bills'] = {
  bills: async () => BILLS.map(({ bill }) => bill),
  bill: async (id) => BILLS.find(({ bill }) => bill.id === id) ?? null,
  ofCustomer: async (customer) => [billOf(customer, '').bill],
  billOf: async (customer, id) => (customer === id ? billOf(id, 'Asha Kulkarni') : null),
}

const customers: WebDeps['customers'] = {
  who: async (customer) => ({
    name: customer === 1 ? 'Asha Kulkarni' : HOSTILE_NAME,
    number: `C-${customer}`,
  }),
  places: async () => [
    {
      address: '12 Lake Road, Pune',
      zone: ZONE,
      movedIn: '2026-05-03',
      meter: { id: 1, number: '2026000417', digits: 9, multiplier: 1 },
    },
  ],
}

const usage: WebDeps['usage'] = async (_customer, now) => {
  const span = { zone: ZONE, now, movedIn: '2026-05-03' }
  const stored = Array.from({ length: 49 }, (_day, index) => ({
    at: startOfDay(new Date(Date.UTC(2026, 4, 1 + index)).toISOString().slice(0, 10), ZONE),
    value: 12_345_678 + index * 7_000 + Math.round(2_500 * Math.sin(index * 1.3)),
    exponent: 0,
  })).filter((_reading, index) => index !== 30)
  const newest = { at: now, value: 12_684_100, exponent: 0 }
  const meter = { digits: 9, multiplier: 1 }
  const months = usageMonths({ ...span, meter, stored, newest })
  return [{ meter: '2026000417', unit: 'kWh', zone: ZONE, months }]
}
