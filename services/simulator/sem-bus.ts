// A two-wire line with simulated SEM meters on it, offered over TCP as a serial device server does,
// or on any stream (a pty). Each meter hears every request and answers to its own number; it
// answers `*` only when it is alone on the line.

import { createServer, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { assert } from '../../shared/assert.ts'
import { concat } from '../../shared/bytes.ts'
import {
  ANY_METER,
  encodeSem,
  isSemRequest,
  rowsThatFit,
  SEM_REFUSALS,
  type SemAnswer,
  type SemFrame,
  type SemRequest,
} from '../../shared/meter/sem/sem.ts'
import type { SemClockRequest } from '../../shared/meter/sem/clock.ts'
import { semDecoder } from '../../shared/meter/sem/stream.ts'
import { monoUs, msToUs, unixMs, type UnixMs, usToMs } from '../../shared/units.ts'
import type { SimulatedClock } from './meter-clock.ts'
import type { SimulatedMeter } from './simulated-meter.ts'

export interface SemBusOptions {
  readonly meters: readonly SimulatedMeter[]
  /** True time. */
  readonly now: () => UnixMs
  /** By number. A meter without one shows true time and knows no request for its clock. */
  readonly clocks?: ReadonlyMap<string, SimulatedClock>
  /** What a meter does wrong, asked before each answer: stay silent, or send these bytes first. */
  readonly misbehave?: (meter: string) => 'silence' | Uint8Array | null
}

/** The meter's answer to a request for readings while its clock shows `shown`. The register follows
 * true time; the meter's own clock cuts the load profile and names its intervals. */
export function meterAnswer(
  meter: SimulatedMeter,
  request: SemRequest,
  now: UnixMs,
  shown: UnixMs = now,
): SemAnswer {
  const second = unixMs(Math.floor(shown / 1_000) * 1_000)
  const head = { consumer: meter.number, exponent: 0, unit: 'Wh' } as const
  if (request.is === 'ask-now') {
    const value = meter.registerWh(now)
    return { is: 'now', ...head, value, meterTime: second, checked: true }
  }
  const { rows, more } = meter.profile({ ...request, now: second })
  const { interval } = meter
  const fit = rowsThatFit(rows, interval)
  return {
    is: 'history',
    ...head,
    interval,
    rows: fit === rows.length ? rows : rows.slice(0, fit),
    more: more || fit < rows.length,
  }
}

/** The code for "request not understood". */
const NOT_UNDERSTOOD = 1
assert(NOT_UNDERSTOOD in SEM_REFUSALS, 'refusal 1 is in the table')

/** The meter's answer about its clock; null: it gives none. */
function clockAnswer(
  consumer: string,
  clock: SimulatedClock | undefined,
  request: SemClockRequest,
  now: UnixMs,
): SemFrame | null {
  if (clock === undefined) return { is: 'refusal', consumer, code: NOT_UNDERSTOOD }
  const { token } = request
  if (request.is === 'ask-clock') {
    return { is: 'clock', consumer, token, utc: clock.at(msToUs(now)), status: clock.status() }
  }
  const answer = clock.change(request.change, msToUs(now))
  return answer === 'none' ? null : { is: 'changed', consumer, token, answer }
}

/** Answers the requests that arrive on `stream` until it closes. */
export function attachSemBus(
  stream: Duplex,
  { meters, now, clocks = new Map(), misbehave = () => null }: SemBusOptions,
): void {
  const decoder = semDecoder()
  const byNumber = new Map(meters.map((meter) => [meter.number, meter]))
  const alone = meters.length === 1 ? meters[0] : undefined

  const reply = (meter: SimulatedMeter, request: SemRequest | SemClockRequest): SemFrame | null => {
    const at = now()
    const clock = clocks.get(meter.number)
    if (request.is === 'ask-clock' || request.is === 'ask-change') {
      return clockAnswer(meter.number, clock, request, at)
    }
    const shown = clock === undefined ? at : usToMs(clock.at(msToUs(at)))
    return meterAnswer(meter, request, at, shown)
  }
  const answer = (frame: SemFrame) => {
    if (!isSemRequest(frame)) return
    const meter = frame.address === ANY_METER ? alone : byNumber.get(frame.address)
    if (meter === undefined) return
    const wrong = misbehave(meter.number)
    if (wrong === 'silence') return
    const answered = reply(meter, frame)
    if (answered === null) return
    const bytes = encodeSem(answered)
    stream.write(wrong === null ? bytes : concat(wrong, bytes))
  }

  stream.on('data', (chunk: Uint8Array) => {
    for (const verdict of decoder.push(chunk, monoUs(0))) if (verdict.ok) answer(verdict.frame)
    // A reader that asks but does not read the answers is not listened to: nothing piles up here.
    if (stream.writableNeedDrain) {
      stream.pause()
      stream.once('drain', () => stream.resume())
    }
  })
}

export interface SemBus {
  readonly port: number
  /** `tcp://127.0.0.1:PORT`, as a meter line is configured. */
  readonly url: string
  /** Cuts every connection; the port stays open. */
  cut(): void
  close(): Promise<void>
}

/** Listens on 127.0.0.1 (port 0: any free port) and puts the meters on every connection. */
export async function serveSemBus(options: SemBusOptions, wantedPort = 0): Promise<SemBus> {
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    attachSemBus(socket, options)
  })
  await new Promise<void>((listening, failed) => {
    server.once('error', failed)
    server.listen(wantedPort, '127.0.0.1', listening)
  })
  const address = server.address()
  assert(typeof address === 'object' && address !== null, 'a TCP server has an address')
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    port: address.port,
    url: `tcp://127.0.0.1:${address.port}`,
    cut,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed())
        cut()
      }),
  }
}
