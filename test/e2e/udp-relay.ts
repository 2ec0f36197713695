// A network in one program: passes datagrams between clients and a time server on loopback, delayed
// by amounts drawn from a seed, anew for each way. The kernels we test on lack `tc netem`.
//
// A process of its own (its argument is a RelayTask as JSON), so that no test's work makes it late:
// timers count whole milliseconds, so it sleeps until shortly before a datagram is due and looks at
// the clock from there on. Each path has a port; the last sender to it gets the answers through it.
//
// It can also lie: put the same error into all times that the server states. NTP without
// authentication is that easy to forge.

import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { type Chance, chanceOf } from '../sim/prng.ts'

/** Delays of one way, milliseconds: a bell around its middle, a floor with an exponential queue. */
export type Delay =
  | { readonly shape: 'bell'; readonly middle: number; readonly deviation: number }
  | { readonly shape: 'queue'; readonly floor: number; readonly mean: number }

export interface RelayPath {
  readonly port: number
  readonly seed: number
  readonly delay: Delay
  /** Added to the server's times, whole seconds. */
  readonly lieSeconds?: number
}

export interface RelayTask {
  readonly server: number
  readonly paths: readonly RelayPath[]
}

const HOST = '127.0.0.1'
/** No datagram travels faster, milliseconds. */
const LEAST_MS = 0.05
/** Timers are late by up to about a millisecond, and may be early by less than one. */
const WATCH_MS = 2
/** Most datagrams under way; more are lost, as in any router. */
const UNDER_WAY_MAX = 10_000
/** Where an NTP header has its times: reference, receive, transmit. Origin is the client's. */
const TIMES = [16, 32, 40]

interface Parcel {
  readonly dueAt: number
  readonly deliver: () => void
}

const underWay: Parcel[] = []
let timer: NodeJS.Timeout | undefined
let watching: NodeJS.Immediate | undefined

function post(afterMs: number, deliver: () => void): void {
  if (underWay.length >= UNDER_WAY_MAX) return
  underWay.push({ dueAt: performance.now() + afterMs, deliver })
  underWay.sort((a, b) => a.dueAt - b.dueAt)
  turn()
}

/** Delivers what is due; then sleeps, or looks again at once when the next is due soon. */
function turn(): void {
  clearTimeout(timer)
  clearImmediate(watching)
  while ((underWay[0]?.dueAt ?? Number.POSITIVE_INFINITY) <= performance.now()) {
    underWay.shift()?.deliver()
  }
  const [next] = underWay
  if (next === undefined) return
  const wait = next.dueAt - performance.now() - WATCH_MS
  if (wait > 0) timer = setTimeout(turn, wait)
  else watching = setImmediate(turn)
}

/** A standard normal deviate (Box and Muller). */
const bell = (chance: Chance): number =>
  Math.sqrt(-2 * Math.log(1 - chance.unit())) * Math.cos(2 * Math.PI * chance.unit())

function delayMs(delay: Delay, chance: Chance): number {
  const ms =
    delay.shape === 'bell'
      ? delay.middle + delay.deviation * bell(chance)
      : delay.floor + chance.wait(delay.mean)
  return Math.max(LEAST_MS, ms)
}

function lied(datagram: Buffer, seconds: number): Buffer {
  for (const at of TIMES) {
    if (datagram.length >= at + 8) datagram.writeUInt32BE(datagram.readUInt32BE(at) + seconds, at)
  }
  return datagram
}

async function bound(port: number): Promise<Socket> {
  const socket = createSocket('udp4')
  socket.on('error', () => {})
  socket.bind(port, HOST)
  await once(socket, 'listening')
  return socket
}

async function open({ port, seed, delay, lieSeconds = 0 }: RelayPath, server: number) {
  const [near, far] = [await bound(port), createSocket('udp4')]
  far.on('error', () => {})
  far.connect(server, HOST)
  await once(far, 'connect')
  const [there, back] = [chanceOf(seed, 'there'), chanceOf(seed, 'back')]
  let client: { readonly port: number; readonly address: string } | null = null
  near.on('message', (datagram, from) => {
    client = from
    post(delayMs(delay, there), () => far.send(datagram))
  })
  far.on('message', (datagram) => {
    const to = client
    if (to === null) return
    const said = lieSeconds === 0 ? datagram : lied(datagram, lieSeconds)
    post(delayMs(delay, back), () => near.send(said, to.port, to.address))
  })
}

const task: RelayTask = JSON.parse(process.argv[2] ?? 'null')
for (const path of task.paths) await open(path, task.server)
console.log('ready')
