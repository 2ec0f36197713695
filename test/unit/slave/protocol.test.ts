// A meter protocol is a descriptor. A made-up one, of ten lines, takes the whole way: from the text
// of the configuration over the plan to the events of its line.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { z } from 'zod'
import { loadConfig } from '../../../services/slave/shell/config.ts'
import type { LineConfig } from '../../../services/slave/shell/meters/line-config.ts'
import type { LineEvent, MeterLine } from '../../../services/slave/shell/meters/line-event.ts'
import { openLine } from '../../../services/slave/shell/meters/line.ts'
import {
  type LineDriver,
  type MeterAbilities,
  type MeterProtocol,
  meterProtocol,
} from '../../../services/slave/shell/meters/protocol.ts'
import { PROTOCOLS } from '../../../services/slave/shell/meters/protocols.ts'
import { plansOf } from '../../../services/slave/shell/runner.ts'
import { toText } from '../../../shared/bytes.ts'
import { ACTIVE_IMPORT_TOTAL } from '../../../shared/meter/obis.ts'
import { type Reading, UNIT } from '../../../shared/meter/reading.ts'
import { monoUs, unixMs, unixUs } from '../../../shared/units.ts'

const register = { register: ACTIVE_IMPORT_TOTAL, unit: UNIT.Wh, meterTime: null } as const
const readingOf = (line: string, exponent: number): Reading => {
  const [meter = '', value] = line.split(' ')
  return { meter, value: Number(value), exponent, ...register, source: 'push', checked: false }
}

/** Meters that say `name value` whenever they like. */
const chatter = meterProtocol({
  name: 'chatter',
  title: 'chatter line',
  settings: { exponent: z.int().min(-9).max(9) },
  can: { poll: false, push: true, profile: null, clockRead: false, clockSet: false, events: false },
  civilTime: false,
  open({ address, meters: [meter = ''], settings: { exponent } }, onEvent, clock) {
    const head = { on: 'readings', meter, request: 'push', more: false } as const
    const bytes = (chunk: Uint8Array): void => {
      const readings = toText(chunk)
        .trim()
        .split('\n')
        .map((line) => readingOf(line, exponent))
      onEvent({ ...head, readings, at: clock.mono() })
    }
    return openLine(address, { up() {}, down() {}, bytes })
  },
})

function load(t: TestContext, text: string, protocols: readonly MeterProtocol[]) {
  const folder = mkdtempSync(join(tmpdir(), 'ticklock-protocol-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'slave.toml')
  writeFileSync(path, text, { mode: 0o600 })
  return loadConfig(path, protocols)
}

const toml = (port: number, more: string): string => `master = "tcp://head.example:4059"
[[line]]
url = "tcp://127.0.0.1:${port}"
protocol = "chatter"
meters = ["C-1"]
${more}`

function lineOf(t: TestContext, text: string): LineConfig {
  const verdict = load(t, text, [...PROTOCOLS, chatter])
  assert.ok(verdict.ok, JSON.stringify(verdict))
  const [line] = verdict.config.lines
  assert.ok(line)
  return line
}

const clock = { mono: () => monoUs(7) }

test('a protocol of ten lines: TOML, plan, line, readings', async (t) => {
  const server = createServer((socket) => socket.end('C-1 42\nC-1 43\n')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => new Promise((closed) => server.close(closed)))
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)

  const line = lineOf(t, toml(address.port, 'exponent = 3\n'))
  assert.deepEqual(plansOf([line]), [{ meter: 'C-1', everyMs: 60_000, push: true, history: false }])
  const event = await new Promise<LineEvent>((heard) => {
    const opened = line.open(heard, clock)
    t.after(() => opened.close())
  })
  assert.deepEqual(event, {
    on: 'readings',
    meter: 'C-1',
    request: 'push',
    more: false,
    at: 7,
    readings: [readingOf('C-1 42', 3), readingOf('C-1 43', 3)],
  })
})

test('what its meters cannot do is refused in the file, and answered on the line', (t) => {
  const refusal = (more: string): string => {
    const verdict = load(t, toml(1, more), [...PROTOCOLS, chatter])
    return verdict.ok ? 'taken' : verdict.detail.replace(/^.*slave\.toml/, '')
  }
  assert.match(refusal(''), /^ line 2, line\[1\]\.exponent: /)
  assert.match(refusal('exponent = 10\n'), /^ line 6, line\[1\]\.exponent: /)
  assert.match(refusal('exponent = 3\nallow_unchecked = true\n'), /allow_unchecked: Unrecognized/)
  const wishes = ['history = true', 'interval = 5', 'clock = "light"']
  assert.deepEqual(
    wishes.map((wish) => refusal(`exponent = 3\n${wish}\n`)),
    [
      ' line 7, line[1].history: a chatter line has no load profile to read',
      ' line 7, line[1].interval: a chatter line has no load profile to read',
      ' line 7, line[1].clock: a chatter line has no clock that could be set',
    ],
  )
  const told: LineEvent[] = []
  const opened = lineOf(t, toml(1, 'exponent = 3\n')).open((event) => told.push(event), clock)
  t.after(() => opened.close())
  opened.read('C-1')
  opened.readHistory('C-1', unixMs(0), unixMs(900_000), 9)
  opened.readClock('C-1')
  opened.changeClock('C-1', { how: 'light', utc: unixUs(0) }, monoUs(0))
  const detail = 'a chatter line has no load profile'
  assert.deepEqual(told, [
    { on: 'fault', meter: 'C-1', fault: 'MTR-09', detail },
    { on: 'failed', meter: 'C-1', request: 'history' },
    { on: 'clock-read', meter: 'C-1', found: 'unsupported' },
    { on: 'clock-changed', meter: 'C-1', became: 'unsupported' },
  ])
})

test('where it is not registered, the file is refused with the names of those that are', (t) => {
  const verdict = load(t, toml(1, 'exponent = 3\n'), PROTOCOLS)
  assert.ok(!verdict.ok)
  assert.match(
    verdict.detail,
    /line\[1\]\.protocol: "chatter" is none of the protocols: sem, dsmr$/,
  )
})

/** Whether the compiler takes a `Part` where it wants a `Whole`. */
type Fits<Part, Whole> = Part extends Whole ? true : false

interface Nothing {
  readonly poll: false
  readonly push: true
  readonly profile: null
  readonly clockRead: false
  readonly clockSet: false
  readonly events: false
}
type With<Changed> = Omit<Nothing, keyof Changed> & Changed
type Closes = Pick<MeterLine, 'close'>

test('abilities that lack one, or make no sense, do not compile', () => {
  const compiles: readonly [
    Fits<Nothing, MeterAbilities>,
    Fits<Omit<Nothing, 'events'>, MeterAbilities>,
    Fits<With<{ push: false }>, MeterAbilities>,
    Fits<With<{ push: false; poll: true }>, MeterAbilities>,
    Fits<With<{ clockSet: true }>, MeterAbilities>,
    Fits<With<{ clockSet: true; clockRead: true }>, MeterAbilities>,
    Fits<With<{ profile: 20 }>, MeterAbilities>,
    Fits<With<{ profile: 60 }>, MeterAbilities>,
  ] = [true, false, false, true, false, true, false, true]
  assert.equal(compiles.length, 8)
})

test('a driver without the function of an ability that its descriptor claims does not compile', () => {
  const compiles: readonly [
    Fits<Closes, LineDriver<Nothing>>,
    Fits<Closes, LineDriver<With<{ poll: true }>>>,
    Fits<Pick<MeterLine, 'close' | 'read'>, LineDriver<With<{ poll: true }>>>,
    Fits<Closes, LineDriver<With<{ profile: 5 }>>>,
    Fits<Pick<MeterLine, 'close' | 'readHistory'>, LineDriver<With<{ profile: 5 }>>>,
    Fits<Closes, LineDriver<With<{ clockRead: true }>>>,
    Fits<
      Pick<MeterLine, 'close' | 'readClock'>,
      LineDriver<With<{ clockRead: true; clockSet: true }>>
    >,
    Fits<Closes, LineDriver<MeterAbilities>>,
    Fits<MeterLine, LineDriver<MeterAbilities>>,
  ] = [true, false, true, false, true, false, false, false, true]
  assert.equal(compiles.length, 9)
})
