// A slave in a process of its own: the real core, runner and outbox. Its parent is the network, the
// meter and the clock, and reads its memory when it is done.

import { startAgent } from '../../services/slave/core/agent.ts'
import type { LinkHandlers } from '../../services/slave/shell/link/link.ts'
import { sem } from '../../services/slave/shell/meters/sem/descriptor.ts'
import type { LineEvent } from '../../services/slave/shell/meters/line-event.ts'
import { plansOf, Runner } from '../../services/slave/shell/runner.ts'
import { openLog } from '../../shared/node/log.ts'
import { nodeRandom, nodeSuite } from '../../shared/node/node-suite.ts'
import { ACTIVE_IMPORT_TOTAL } from '../../shared/meter/obis.ts'
import { decodeToken } from '../../shared/tves/token.ts'
import { monoUs, spanMs, spanUs, unixUs } from '../../shared/units.ts'
import { LIMITS, open } from './outbox-fixture.ts'

/** What the parent says: the time, and what happens then. */
export interface Told {
  readonly mono: number
  readonly what: 'up' | 'down' | 'body' | 'read' | 'collect' | 'end'
  readonly body?: Uint8Array
}
/** The answer to each: what the slave sent meanwhile. */
export interface Did {
  readonly sent: readonly Uint8Array[]
}

const [folder = '', token = '', wall = '0'] = process.argv.slice(2)
let mono = 0
let sent: Uint8Array[] = []
const outside: { link?: LinkHandlers; line?: (event: LineEvent) => void } = {}
const line = {
  url: 'tcp://192.0.2.1:4001',
  protocol: sem,
  meters: ['ED-1'],
  standardOffsetMinutes: 0,
  everyMs: 60_000,
  history: false,
  profileIntervalMs: spanMs(900_000),
  clock: 'watch',
  open: () => {
    throw new Error('the runner opens lines through its setup')
  },
} as const

const wallUs = unixUs(Number(wall))
const runner = new Runner({
  outbox: open(folder, LIMITS),
  lines: [line],
  clock: { mono: () => monoUs(mono), wall: () => wallUs, sinceBoot: () => spanUs(mono) },
  log: openLog({ pretty: false, nowMs: () => 0, write: () => undefined }),
  startAgent: (stored) =>
    startAgent({
      suite: nodeSuite,
      random: nodeRandom,
      stored,
      token: decodeToken(token),
      meters: plansOf([line]),
      wall: wallUs,
      mono: monoUs(0),
    }),
  openLink: (handlers) => {
    outside.link = handlers
    return {
      send: (body) => sent.push(body) > 0,
      drop: (fault, detail) => handlers.onDown(fault, detail),
      close: async () => undefined,
    }
  },
  openLine: (_config, onEvent) => {
    outside.line = onEvent
    const nothing = (): void => undefined
    return {
      read: nothing,
      readHistory: nothing,
      readClock: nothing,
      changeClock: nothing,
      close: async () => undefined,
    }
  },
})

let value = 0
function read(): void {
  value += 1
  const reading = {
    meter: 'ED-1',
    register: ACTIVE_IMPORT_TOTAL,
    value,
    exponent: 0,
    unit: 30,
    source: 'live',
    meterTime: null,
    checked: true,
  } as const
  const readings = [reading]
  const asked = { on: 'readings', meter: 'ED-1', request: 'now', more: false } as const
  outside.line?.({ ...asked, at: monoUs(mono), readings })
}

process.on('message', (told: Told) => {
  mono = told.mono
  if (told.what === 'up') outside.link?.onUp()
  if (told.what === 'down') outside.link?.onDown(null, 'cut')
  if (told.what === 'body' && told.body !== undefined) outside.link?.onBody(told.body, monoUs(mono))
  if (told.what === 'read') read()
  // Twice: the first finds what is dead, the second what that alone held.
  if (told.what === 'collect') for (let times = 0; times < 2; times += 1) globalThis.gc?.()
  if (told.what === 'end') {
    process.disconnect?.()
    void runner.stop()
    return
  }
  const did: Did = { sent }
  sent = []
  process.send?.(did)
})
process.send?.({ sent: [] } satisfies Did)
