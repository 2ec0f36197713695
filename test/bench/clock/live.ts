// `npm run bench -- clock-live`: our NTP client and chronyd follow the same chronyd, at the same
// time, through the same relay with the same seeds, one question a second each. All of them share
// one system clock, so the server's offset as a client believes it is that client's error. It runs
// in a network namespace of its own, so that no port of this machine is in the way.
//
// chronyd runs with `noselect` and -x, so it estimates offset and frequency and steers nothing.
// Both learn the frequency; neither knows that it is 0 here.

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import {
  type Chronyd,
  ended,
  ENVIRONMENT,
  inNamespace,
  missing,
  openNamespace,
  serverLines,
  startChronyd,
} from '../../e2e/time-programs.ts'
import { median, type Report, row } from '../rows.ts'
import type { Delay, RelayPath, RelayTask } from '../../e2e/udp-relay.ts'

/** How long both follow, seconds, and the part of it that does not count. */
const RUN_S = Number(process.env['CLOCK_LIVE_S'] ?? 150)
const WARM_UP = 0.3
const SEEDS = [1, 2, 3]
/** Three kinds of network: a bell of 10 +- 3 ms, a short path with queues, a LAN. */
const SHAPES: Readonly<Record<string, Delay>> = {
  bell: { shape: 'bell', middle: 10, deviation: 3 },
  queue: { shape: 'queue', floor: 2, mean: 5 },
  lan: { shape: 'queue', floor: 0.1, mean: 0.1 },
}
const SERVER_PORT = 11_123
const FIRST_RELAY_PORT = 12_000

const run = promisify(execFile)
const beside = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

/** Errors of both sides on one path, microseconds, one a second. */
interface Race {
  readonly name: string
  readonly ours: number[]
  readonly chrony: number[]
}

/** What to stop, last first. */
type Closers = (() => Promise<void>)[]

async function child(words: readonly string[], closers: Closers): Promise<ChildProcess> {
  const [program = '', ...more] = words
  const process = spawn(program, more, { stdio: ['ignore', 'pipe', 'inherit'], env: ENVIRONMENT })
  closers.push(() => ended(process))
  await once(process, 'spawn')
  return process
}

async function startRelay(task: RelayTask, namespace: string, closers: Closers): Promise<void> {
  const words = [process.execPath, beside('../../e2e/udp-relay.js'), JSON.stringify(task)]
  const relay = await child([...inNamespace(namespace), ...words], closers)
  if (relay.stdout !== null) await once(createInterface({ input: relay.stdout }), 'line')
}

async function startOurs(port: number, namespace: string, race: Race, closers: Closers) {
  const words = [process.execPath, beside('follow.js'), String(port)]
  const client = await child([...inNamespace(namespace), ...words], closers)
  if (client.stdout === null) return
  createInterface({ input: client.stdout }).on('line', (line) => race.ours.push(Number(line)))
}

async function startTheirs(port: number, namespace: string, race: Race, closers: Closers) {
  const source = `server 127.0.0.1 port ${port} minpoll 0 maxpoll 0 noselect`
  const client = await startChronyd({ lines: ['port 0', source], namespace })
  closers.push(() => client.stop())
  const timer = setInterval(() => void look(client, race), 1_000)
  closers.push(async () => clearInterval(timer))
}

/** Column 7 of `chronyc -c sourcestats`: the present offset as estimated, seconds. */
async function look({ socket }: Chronyd, race: Race): Promise<void> {
  const words = ['-h', socket, '-c', '-n', 'sourcestats']
  const answer = await run('chronyc', words, { env: ENVIRONMENT }).catch(() => null)
  const [, samples, , , , , offset] = answer?.stdout.trim().split(',') ?? []
  if (offset !== undefined && Number(samples) > 0) race.chrony.push(Number(offset) * 1e6)
}

const judged = (errors: readonly number[]): readonly number[] =>
  errors.slice(Math.floor(errors.length * WARM_UP))

const rms = (errors: readonly number[]): number =>
  Math.sqrt(judged(errors).reduce((sum, error) => sum + error * error, 0) / judged(errors).length)

function p99(errors: readonly number[]): number {
  const sorted = judged(errors)
    .map(Math.abs)
    .sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.99))] ?? Number.NaN
}

async function race(namespace: string, closers: Closers): Promise<readonly Race[]> {
  const server = await startChronyd({ lines: serverLines(SERVER_PORT), namespace })
  closers.push(() => server.stop())
  const direct: Race = { name: 'direct', ours: [], chrony: [] }
  const races: Race[] = []
  const paths: RelayPath[] = []
  for (const [shape, delay] of Object.entries(SHAPES)) {
    for (const seed of SEEDS) {
      races.push({ name: `${shape}.${seed}`, ours: [], chrony: [] })
      for (let side = 0; side < 2; side += 1) {
        paths.push({ port: FIRST_RELAY_PORT + paths.length, seed, delay })
      }
    }
  }
  await startRelay({ server: SERVER_PORT, paths }, namespace, closers)
  for (const [at, each] of [...races, direct].entries()) {
    const [ours, theirs] = [paths[2 * at]?.port, paths[2 * at + 1]?.port]
    await startTheirs(theirs ?? SERVER_PORT, namespace, each, closers)
    await startOurs(ours ?? SERVER_PORT, namespace, each, closers)
  }
  await sleep(RUN_S * 1_000)
  return [...races, direct]
}

export async function runLive(report: Report): Promise<void> {
  const namespace = missing('chronyd', 'chronyc') ?? openNamespace()
  if (typeof namespace === 'string') {
    console.error(`clock-live: not run: ${namespace}`)
    return
  }
  const closers: Closers = [async () => namespace.close()]
  try {
    tell(await race(namespace.name, closers), report)
  } finally {
    for (const close of closers.toReversed()) await close()
  }
}

function tell(races: readonly Race[], report: Report): void {
  const of = 'chronyd on the same path'
  const ratios: number[] = []
  for (const { name, ours, chrony } of races) {
    const sides = [rms(ours), rms(chrony)] as const
    if (name !== 'direct') ratios.push(sides[0] / sides[1])
    report(row(`clock.chrony.${name}`, sides, 'us rms', of))
    if (name === 'direct')
      report(row('clock.chrony.direct.p99us', [p99(ours), p99(chrony)], 'us', of))
  }
  const what = `of chronyd's rms, median of ${ratios.length}`
  report(row('clock.chrony.ratio', [median(ratios), 1], what, of))
}
