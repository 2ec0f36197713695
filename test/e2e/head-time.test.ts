// The head-end's clock in its own thread, over real sockets: what it answers, which source it
// follows, and that no failure of the thread turns the time back.

import assert from 'node:assert/strict'
import { createSocket, Socket } from 'node:dgram'
import { once } from 'node:events'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
import {
  HeadTime,
  pauseAfter,
  type TimeOptions,
} from '../../services/master/shell/time/head-time.ts'
import { serveNtp } from '../../services/master/shell/time/ntp-socket.ts'
import { parseTimeSources } from '../../services/master/shell/time/time-source.ts'
import { fromStamp, readPacket, refidText } from '../../shared/clock/ntp/packet.ts'
import type { ServedClock } from '../../shared/clock/ntp/server.ts'
import type { HeadClockReport } from '../../shared/clock/evidence.ts'
import { systemClock } from '../../shared/node/system-clock.ts'
import { openWallClock } from '../../shared/node/wall-edges.ts'
import { shiftUs, spanUs, unixUs } from '../../shared/units.ts'

const HOST = '127.0.0.1'
const SECOND = 1_000_000

class Head {
  readonly reports: HeadClockReport[] = []
  readonly faults: string[] = []
  #time: HeadTime | null = null

  get time(): HeadTime {
    assert.ok(this.#time !== null)
    return this.#time
  }

  async open(t: TestContext, options: Partial<TimeOptions> & { readonly from?: string }) {
    const sources = parseTimeSources(options.from ?? '')
    assert.ok(typeof sources !== 'string')
    const { ntp = { host: HOST, port: 0 }, polls } = options
    const asked = { ntp, sources, systemBound: spanUs(5_000), ...(polls ? { polls } : {}) }
    this.#time = await HeadTime.open(asked, {
      onReport: (report) => this.reports.push(report),
      onFault: (code, detail) => this.faults.push(`${code} ${detail}`),
    })
    t.after(() => this.time.close())
    return this
  }

  async until(what: string, holds: () => boolean): Promise<void> {
    for (let i = 0; i < 200 && !holds(); i += 1) await sleep(100)
    assert.ok(holds(), `${what}: ${this.faults.join('; ')} ${JSON.stringify(this.reports.at(-1))}`)
  }

  get marks(): string {
    return (
      this.reports
        .at(-1)
        ?.sources.map(({ mark }) => mark)
        .join('') ?? ''
    )
  }
}

/** An NTP server whose clock is off by `by` microseconds. */
async function upstream(t: TestContext, by: number): Promise<string> {
  const wall = openWallClock()
  const served: ServedClock = {
    leap: 0,
    stratum: 1,
    refid: 0x47505300,
    rootDelay: spanUs(0),
    rootDispersion: spanUs(10),
    reference: unixUs(Date.now() * 1_000 - SECOND),
  }
  const verdict = await serveNtp({
    host: HOST,
    port: 0,
    mono: systemClock.mono,
    timeAt: (mono) => shiftUs(wall.at(mono).at, spanUs(by)),
    served: () => served,
  })
  assert.ok(verdict.ok)
  t.after(() => {
    verdict.server.close()
    wall.close()
  })
  return `${HOST}:${verdict.server.port}`
}

const question = (first = 0x23): Uint8Array => {
  const bytes = new Uint8Array(48)
  bytes[0] = first
  bytes.fill(7, 40)
  return bytes
}

/** The answers to these datagrams within half a second. */
async function answers(port: number | null, datagrams: readonly Uint8Array[]): Promise<Buffer[]> {
  const socket: Socket = createSocket('udp4')
  const heard: Buffer[] = []
  socket.on('message', (datagram) => heard.push(datagram))
  socket.connect(port ?? 0, HOST)
  await once(socket, 'connect')
  for (const datagram of datagrams) {
    socket.send(datagram)
    await sleep(0)
  }
  await sleep(500)
  socket.close()
  return heard
}

test('answers NTP with this time and nothing else: no control packets, no floods', async (t) => {
  const head = await new Head().open(t, {})
  const [answer, ...more] = await answers(head.time.ntpPort, [
    question(),
    // Mode 6 and 7 (control, private), a peer's and a server's answer, and rubbish.
    question(0x26),
    question(0x27),
    question(0x22),
    question(0x24),
    new Uint8Array(47).fill(0x23),
    new Uint8Array(0),
  ])
  assert.equal(more.length, 0)
  assert.ok(answer !== undefined && answer.length === 48)
  const read = readPacket(answer)
  assert.ok(read.ok)
  const { stratum, leap, receive, transmit } = read.packet
  assert.deepEqual([stratum, leap], [10, 0])
  assert.ok(Math.abs(fromStamp(transmit) - Date.now() * 1_000) < 2 * SECOND)
  assert.ok(fromStamp(transmit) >= fromStamp(receive))

  const flood = await answers(
    head.time.ntpPort,
    Array.from({ length: 600 }, () => question()),
  )
  const kisses = flood.filter((bytes) => bytes[1] === 0)
  assert.ok(flood.length < 300, `${flood.length}`)
  assert.equal(kisses.length, 1)
  assert.equal(refidText(kisses[0]?.readUInt32BE(12) ?? 0, 0), 'RATE')
})

test('follows four servers, one of which lies by 5 s; a name that does not resolve is CLK-12', async (t) => {
  const names: string[] = []
  for (const by of [0, 5 * SECOND, 200, 100]) names.push(await upstream(t, by))
  const head = await new Head().open(t, { from: [...names, 'no.such.host.invalid'].join() })
  assert.equal(head.time.now().bound, null)
  await head.until('the liar is out-voted', () => /^[*+-]x[*+-]{2}\?$/.test(head.marks))
  const { at, bound } = head.time.now()
  assert.ok(bound !== null && bound < 0.5 * SECOND)
  assert.ok(Math.abs(at - Date.now() * 1_000) < bound + 2_000)
  await head.until('CLK-12', () => head.faults.some((fault) => fault.startsWith('CLK-12 no.such')))
  assert.ok(head.faults.includes(`CLK-10 ${names[1]}`))
  assert.ok(!head.faults.some((fault) => fault.startsWith('CLK-11')))
  const [answer] = await answers(head.time.ntpPort, [question()])
  assert.equal(answer?.[1], 2)
})

test('a thread that ends is OPS-26 and is started again; the time never goes back', async (t) => {
  const workers: Worker[] = []
  const note = (worker: Worker) => workers.push(worker)
  process.on('worker', note)
  t.after(() => process.off('worker', note))
  const head = await new Head().open(t, { from: await upstream(t, 300_000) })
  await head.until('it follows', () => head.marks === '*')
  const before = head.time.now()
  await workers[0]?.terminate()
  let last = before.at
  const watch = () => {
    const { at, bound } = head.time.now()
    assert.ok(at >= last)
    assert.ok(bound !== null, 'held over, not forgotten')
    last = at
    return workers.length > 1
  }
  await head.until('it comes again', watch)
  const count = head.reports.length
  await head.until(
    'it follows again',
    () => watch() && head.reports.length > count && head.marks === '*',
  )
  assert.ok(
    head.faults.some((fault) => fault.startsWith('OPS-26')),
    head.faults.join(),
  )
  // Still the source's time, 0.3 s from this machine's.
  assert.ok(Math.abs(last - Date.now() * 1_000 - 300_000) < 20_000)
})

test('a thread that ends before it is ready is OPS-26, and none is left behind', async (t) => {
  let count = 0
  const end = (worker: Worker) => {
    count += 1
    void worker.terminate()
  }
  process.on('worker', end)
  t.after(() => process.off('worker', end))
  await assert.rejects(new Head().open(t, {}), /OPS-26/)
  // A restart would come a second later.
  await sleep(1_500)
  assert.equal(count, 1)
})

test('a thread that keeps ending is restarted less and less often', () => {
  let pause = 0
  const pauses = Array.from({ length: 9 }, () => (pause = pauseAfter(pause, 10)))
  assert.deepEqual(pauses, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 64_000, 64_000])
  assert.equal(pauseAfter(pause, 3_600_000), 1_000)
})

test('answers that the network does not take do not pile up', async (t) => {
  const port = Number((await upstream(t, 0)).split(':')[1])
  assert.equal((await answers(port, [question()])).length, 1)
  t.mock.method(Socket.prototype, 'getSendQueueSize', () => 1_000_000)
  assert.equal((await answers(port, [question()])).length, 0)
})

test('one server under two names has one vote', async (t) => {
  const server = await upstream(t, 0)
  // Another spelling of 127.0.0.1 that only the resolver understands.
  const head = await new Head().open(t, {
    from: `${server},${server.replace('127.0.0.1', '127.1')}`,
  })
  await head.until('it is told', () => head.faults.some((fault) => fault.startsWith('CLK-12')))
  await head.until('one is followed', () => head.marks.includes('*'))
  assert.ok(['*?', '?*'].includes(head.marks), head.marks)
  assert.match(head.faults.join(), /another source asks 127\.0\.0\.1/)
})

test('an address without a route is CLK-12, and the thread goes on', async (t) => {
  // As at a start without a network: the system refuses to connect.
  const head = await new Head().open(t, { from: '255.255.255.255' })
  await head.until('it is told', () => head.faults.length > 0)
  assert.match(head.faults.join('; '), /^CLK-12 255\.255\.255\.255: [^;]*$/)
})

test('a taken UDP port is OPS-03 with the variable', async (t) => {
  const head = await new Head().open(t, {})
  const ntp = { host: HOST, port: head.time.ntpPort ?? 0 }
  await assert.rejects(new Head().open(t, { ntp }), /OPS-03.*TICKLOCK_NTP_PORT/)
})
