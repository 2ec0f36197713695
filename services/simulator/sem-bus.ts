// A two-wire line with simulated SEM meters on it, as a serial device server offers it over TCP, or on any
// stream (a pty). Each meter hears every request and answers to its own number; `*` is answered only
// when it is alone on the line.

import { createServer, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { assert } from '../../shared/assert.ts'
import { concat } from '../../shared/bytes.ts'
import {
  ANY_METER,
  encodeSem,
  rowsThatFit,
  SEM_REFUSALS,
  type SemAnswer,
  type SemFrame,
  type SemRequest,
} from '../../shared/meter/sem.ts'
import { semDecoder } from '../../shared/meter/sem-stream.ts'
import { monoUs, spanMs, unixMs, type UnixMs } from '../../shared/units.ts'
import { PROFILE_INTERVAL_MS, type SimulatedMeter } from './simulated-meter.ts'

export interface SemBusOptions {
  readonly meters: readonly SimulatedMeter[]
  /** The meters' own clock; they are all right. */
  readonly now: () => UnixMs
  /** What a meter does wrong, asked for each answer: stay silent, or bytes to send before it. */
  readonly misbehave?: (meter: string) => 'silence' | Uint8Array | null
}

/** What the meter says to one request. */
export function meterAnswer(meter: SimulatedMeter, request: SemRequest, now: UnixMs): SemAnswer {
  const second = unixMs(Math.floor(now / 1_000) * 1_000)
  const head = { consumer: meter.number, exponent: 0, unit: 'Wh' } as const
  if (request.is === 'ask-now') {
    const value = meter.registerWh(now)
    return { is: 'now', ...head, value, meterTime: second, checked: true }
  }
  const { rows, more } = meter.profile({ ...request, now: second })
  const interval = spanMs(PROFILE_INTERVAL_MS)
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

/** Answers the requests that arrive on `stream` until it closes. */
export function attachSemBus(
  stream: Duplex,
  { meters, now, misbehave = () => null }: SemBusOptions,
): void {
  const decoder = semDecoder()
  const byNumber = new Map(meters.map((meter) => [meter.number, meter]))
  const alone = meters.length === 1 ? meters[0] : undefined

  const answer = (frame: SemFrame) => {
    if (frame.is !== 'ask-now' && frame.is !== 'ask-history') return
    const meter = frame.address === ANY_METER ? alone : byNumber.get(frame.address)
    if (meter === undefined) return
    const wrong = misbehave(meter.number)
    if (wrong === 'silence') return
    const bytes = encodeSem(meterAnswer(meter, frame, now()))
    stream.write(wrong === null ? bytes : concat(wrong, bytes))
  }

  stream.on('data', (chunk: Uint8Array) => {
    for (const verdict of decoder.push(chunk, monoUs(0))) if (verdict.ok) answer(verdict.frame)
    // Whoever asks without reading the answers is not asked further: nothing piles up here.
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

/** Listens on 127.0.0.1 (port 0: any free one) and puts the meters on every connection. */
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
