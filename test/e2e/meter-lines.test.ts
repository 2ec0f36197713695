import assert from 'node:assert/strict'
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, openSync, writeSync } from 'node:fs'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { test, type TestContext } from 'node:test'
import { SerialPort } from 'serialport'
import { concat, fromText } from '../../shared/bytes.ts'
import { encodeTelegram } from '../../shared/meter/dsmr/dsmr.ts'
import { betweenMs, monoUs, spanMs, unixMs, type MonoUs } from '../../shared/units.ts'
import { feedDsmr, simulatedTelegram } from '../../services/simulator/dsmr-feeder.ts'
import { attachSemBus, serveSemBus } from '../../services/simulator/sem-bus.ts'
import { simulatedMeter } from '../../services/simulator/simulated-meter.ts'
import { repairPort } from '../../services/slave/shell/meters/serial-repair.ts'
import { openLine } from '../../services/slave/shell/meters/line.ts'
import { parseLineUrl } from '../../services/slave/shell/meters/line-url.ts'
import type { LineEvent, MeterLine } from '../../services/slave/shell/meters/line-event.ts'
import { readLine } from '../../services/slave/shell/meters/line-config.ts'
import { PROTOCOLS } from '../../services/slave/shell/meters/protocols.ts'

const NOW = unixMs(Date.UTC(2026, 4, 17, 12, 7, 30))
const DAY_MS = 86_400_000
const clock = { mono: (): MonoUs => monoUs(Math.floor(performance.now() * 1_000)) }

/** The keys of a [[line]] that the tests change. */
interface LineKeys {
  readonly url: string
  readonly protocol?: string
  readonly meters?: readonly string[]
  readonly allow_unchecked?: boolean
  readonly equipment_id?: string
}

/** An open line with the events it has told so far; closed when the test ends. */
function opened(t: TestContext, keys: LineKeys) {
  const told: LineEvent[] = []
  const waiting = new Set<() => void>()
  const read = readLine(
    { protocol: 'sem', meters: ['A'], standard_offset_minutes: 60, ...keys },
    PROTOCOLS,
  )
  assert.ok(read.ok, JSON.stringify(read))
  const line: MeterLine = read.line.open((event) => {
    told.push(event)
    for (const look of waiting) look()
  }, clock)
  t.after(() => line.close())
  /** Removes and returns the first event, past or future, for which `is` holds. */
  const event = (is: (event: LineEvent) => boolean): Promise<LineEvent> =>
    new Promise((found) => {
      const look = () => {
        const index = told.findIndex(is)
        if (index < 0) return
        waiting.delete(look)
        const [first] = told.splice(index, 1)
        assert.ok(first)
        found(first)
      }
      waiting.add(look)
      look()
    })
  const readings = async (meter: string) => {
    const found = await event((event) => event.on === 'readings' && event.meter === meter)
    assert.ok(found.on === 'readings')
    return found
  }
  const fault = (code: string) => event((event) => event.on === 'fault' && event.fault === code)
  return { line, told, event, readings, fault }
}

/** Asks until the line is up and the meter answers. */
async function readWhenUp(meter: string, { line, event }: ReturnType<typeof opened>) {
  for (;;) {
    line.read(meter)
    const told = await event(({ on }) => on === 'readings' || on === 'failed')
    if (told.on === 'readings') return told
    await new Promise((later) => setTimeout(later, 20))
  }
}

const three = ['A', 'B', 'C'].map((number, seed) => simulatedMeter(number, seed))
const numbers = three.map(({ number }) => number)

test('SEM over TCP: reads now, and a month of history in weeks (docs/meters.md 1)', async (t) => {
  const bus = await serveSemBus({ meters: three, now: () => NOW })
  t.after(() => bus.close())
  const wire = opened(t, { url: bus.url, meters: numbers })
  const first = await readWhenUp('B', wire)
  assert.equal(first.readings[0]?.value, three[1]?.registerWh(NOW))
  assert.equal(first.readings[0]?.meterTime, NOW)

  let from = unixMs(NOW - 30 * DAY_MS)
  let rows = 0
  for (let more = true; more; ) {
    wire.line.readHistory('B', from, NOW, 672)
    const answer = await wire.readings('B')
    assert.equal(answer.request, 'history')
    rows += answer.readings.length
    more = answer.more
    const last = answer.readings.at(-1)
    assert.ok(last?.meterTime)
    assert.equal(last.value, three[1]?.registerWh(last.meterTime))
    assert.ok(betweenMs(from, last.meterTime) > 0)
    from = last.meterTime
  }
  assert.equal(rows, 30 * 96)
})

test('a dead meter and noise on the line do not stop the others from being read', async (t) => {
  const misbehave = (meter: string) =>
    meter === 'A' ? ('silence' as const) : fromText('\x02V;C;1\x7f~~~')
  const bus = await serveSemBus({ meters: three, now: () => NOW, misbehave })
  t.after(() => bus.close())
  const wire = opened(t, { url: bus.url, meters: numbers })
  await readWhenUp('B', wire)
  wire.line.read('A')
  wire.line.read('C')
  const silent = await wire.event((event) => event.on === 'failed')
  assert.deepEqual(silent, { on: 'failed', meter: 'A', request: 'now' })
  assert.equal((await wire.readings('C')).readings[0]?.value, three[2]?.registerWh(NOW))
  assert.ok(wire.told.some((event) => event.on === 'fault' && event.fault === 'MTR-03'))
})

test('a line that is cut is MTR-06 and reopens by itself; other lines go on', async (t) => {
  const [cut, whole] = await Promise.all([
    serveSemBus({ meters: three, now: () => NOW }),
    serveSemBus({ meters: three, now: () => NOW }),
  ])
  t.after(() => Promise.all([cut.close(), whole.close()]))
  const one = opened(t, { url: cut.url, meters: numbers })
  const other = opened(t, { url: whole.url, meters: numbers })
  await readWhenUp('A', one)
  await readWhenUp('A', other)
  cut.cut()
  const down = await one.fault('MTR-06')
  assert.ok(down.on === 'fault' && down.detail.includes(cut.url))
  await readWhenUp('B', other)
  await readWhenUp('A', one)
})

test('a port where nobody listens and a device that is not there are MTR-06', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  await new Promise((closed) => server.close(closed))
  for (const url of [`tcp://127.0.0.1:${address.port}`, 'serial:/dev/no-such-port']) {
    const wire = opened(t, { url })
    const down = await wire.fault('MTR-06')
    assert.ok(down.on === 'fault' && down.meter === null)
    wire.line.read('A')
    await wire.event((event) => event.on === 'failed')
  }
})

/** Two ptys joined by socat; null when socat is not there. */
async function ptyPair(
  t: TestContext,
): Promise<{ near: string; far: string; pull(): void } | null> {
  if (spawnSync('socat', ['-V']).status !== 0) {
    if (process.env['REQUIRE_PEERS'] === '1') assert.fail('socat is not installed')
    t.skip('socat is not installed')
    return null
  }
  const socat: ChildProcess = spawn('socat', ['-d', '-d', 'pty,raw,echo=0', 'pty,raw,echo=0'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  t.after(async () => {
    if (socat.exitCode !== null || socat.signalCode !== null) return
    socat.kill()
    await once(socat, 'exit')
  })
  assert.ok(socat.stderr)
  const paths: string[] = []
  for await (const line of createInterface({ input: socat.stderr })) {
    const path = / PTY is (\S+)/.exec(line)?.[1]
    if (path !== undefined) paths.push(path)
    if (paths.length === 2) break
  }
  const [near, far] = paths
  assert.ok(near !== undefined && far !== undefined, 'socat named two ptys')
  socat.stderr.resume()
  return { near, far, pull: () => socat.kill() }
}

async function openedPort(t: TestContext, path: string): Promise<SerialPort> {
  const port = new SerialPort({ path, baudRate: 9_600, autoOpen: false })
  repairPort(port)
  await new Promise<void>((done, failed) => {
    port.open((error) => (error ? failed(error) : done()))
  })
  t.after(
    () =>
      new Promise<void>((closed) => {
        if (port.isOpen) port.close(() => closed())
        else closed()
      }),
  )
  return port
}

test('SEM over a serial port: now and history (pty by socat, serialport 13)', async (t) => {
  const pair = await ptyPair(t)
  if (pair === null) return
  const far = await openedPort(t, pair.far)
  attachSemBus(far, { meters: three, now: () => NOW })
  const wire = opened(t, { url: `serial:${pair.near}?baud=9600&format=8N1`, meters: numbers })
  const answer = await readWhenUp('C', wire)
  assert.equal(answer.readings[0]?.value, three[2]?.registerWh(NOW))
  wire.line.readHistory('A', unixMs(NOW - 7 * DAY_MS), NOW, 672)
  assert.equal((await wire.readings('A')).readings.length, 672)
})

/** Long enough for any machine; without serial-repair.ts the bytes wait until something else
 * happens. */
const WAKE_TEST_MS_MAX = 20_000

test('bytes reach an idle process at once (serial-repair.ts)', {
  timeout: WAKE_TEST_MS_MAX,
}, async (t) => {
  const pair = await ptyPair(t)
  if (pair === null) return
  const far = openSync(pair.far, constants.O_RDWR | constants.O_NOCTTY)
  t.after(() => closeSync(far))
  const address = parseLineUrl(`serial:${pair.near}`)
  assert.ok(address.ok)
  const heard: Uint8Array[] = []
  await new Promise<void>((done) => {
    const line = openLine(address.address, {
      // By then the port has found nothing to read and waits for its poller.
      up: () => setTimeout(() => writeSync(far, 'x'), 300),
      down: () => {},
      bytes: (chunk) => {
        heard.push(chunk)
        done()
      },
    })
    t.after(() => line.close())
  })
  assert.deepEqual(concat(...heard), fromText('x'))
})

const P1_LINES = [
  '/TCK5E2E',
  '',
  '0-0:1.0.0(260115120000W)',
  '0-0:96.1.1(5449434B2D31)',
  '1-0:1.8.1(000009.533*kWh)',
  '0-1:24.2.1(260115110000W)(12785.123*m3)',
]

test('DSMR over a pty: bad checksum MTR-02, none MTR-04, the good one is read', async (t) => {
  const pair = await ptyPair(t)
  if (pair === null) return
  const far = await openedPort(t, pair.far)
  const url = `serial:${pair.near}?baud=115200`
  const wire = opened(t, { url, protocol: 'dsmr', meters: ['P1-7'], equipment_id: 'TICK-1' })
  const good = encodeTelegram(P1_LINES)
  const feeder = feedDsmr(far, () => good, 50)
  const pushed = await wire.readings('P1-7')
  feeder.close()
  assert.equal(pushed.request, 'push')
  assert.deepEqual(
    pushed.readings.map(({ meter, value }) => [meter, value]),
    [
      ['P1-7', 9_533],
      ['P1-7.1', 12_785_123],
    ],
  )
  const bad = encodeTelegram(P1_LINES)
  bad[80] = 0x39
  wire.told.length = 0
  far.write(Buffer.from(concat(bad, fromText(`${P1_LINES.join('\r\n')}\r\n!\r\n`), good)))
  await wire.fault('MTR-02')
  await wire.fault('MTR-04')
  await wire.readings('P1-7')

  const stranger = P1_LINES.map((line) => line.replace('5449434B2D31', 'other'))
  far.write(Buffer.from(encodeTelegram(stranger)))
  await wire.fault('MTR-05')
  wire.line.readHistory('P1-7', NOW, NOW, 1)
  await wire.fault('MTR-09')
  await wire.event((event) => event.on === 'failed')
})

test('a serial port that is pulled is MTR-06 (pty closed under the line)', async (t) => {
  const pair = await ptyPair(t)
  if (pair === null) return
  const far = await openedPort(t, pair.far)
  attachSemBus(far, { meters: three, now: () => NOW })
  const wire = opened(t, { url: `serial:${pair.near}`, meters: numbers })
  await readWhenUp('A', wire)
  pair.pull()
  const down = await wire.fault('MTR-06')
  assert.ok(down.on === 'fault' && down.detail.includes(pair.near))
  wire.line.read('A')
  await wire.event((event) => event.on === 'failed')
})

test('DSMR without checksum is read when allowed, and marked (TCP, simulated P1)', async (t) => {
  const meter = simulatedMeter('7', 7)
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    const whole = simulatedTelegram(meter, NOW)
    socket.end(concat(whole.subarray(0, -6), fromText('\r\n')))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => new Promise((closed) => server.close(closed)))
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  const url = `tcp://127.0.0.1:${address.port}`
  const wire = opened(t, { url, protocol: 'dsmr', meters: ['7'], allow_unchecked: true })
  const { readings } = await wire.readings('7')
  assert.deepEqual(
    readings.map(({ value, checked }) => [value, checked]),
    [
      [meter.registerWh(NOW), false],
      [0, false],
    ],
  )
  const second = spanMs(1_000)
  assert.equal(readings[0]?.meterTime, Math.floor(NOW / second) * second)
})
