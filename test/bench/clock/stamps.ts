// How late the stamps of the clock exchange are: on arrival while the agent's thread is blocked,
// and in their use, an offset over a direct link. Both ends run on this machine and read one clock,
// so the truth is known: 0.

import { once } from 'node:events'
import { setImmediate as breathe, setTimeout as wait } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { type LinkHandlers, openLink } from '../../../services/slave/shell/link/link.ts'
import { openLinkThread } from '../../../services/slave/shell/link/thread.ts'
import { ask, answer, EXCHANGE_ID_BYTES, sent } from '../../../shared/clock/estimate/exchange.ts'
import { estimateAt, KNOWS_NOTHING, learn } from '../../../shared/clock/estimate/estimator.ts'
import { nodeRandom } from '../../../shared/node/node-suite.ts'
import { systemClock } from '../../../shared/node/system-clock.ts'
import { type MonoUs, monoUs, spanUs, unixUs } from '../../../shared/units.ts'
import { type Report, row } from '../rows.ts'

const HOST = '127.0.0.1'
/** How long the agent's thread stands still at a time, milliseconds. */
const BLOCK_MS = 50
const BODIES = 1_000
const EXCHANGES = 600
/** Between two questions, milliseconds. */
const ASK_MS = 40
/** At the first ones the estimator has no history. */
const WARM_UP = 20

const percentile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor(share * (values.length - 1))] ?? 0

const silent: LinkHandlers = {
  onUp: () => undefined,
  onDown: () => undefined,
  onUnreachable: () => undefined,
  onBody: () => undefined,
  onSent: () => undefined,
}

function block(ms: number): void {
  const end = performance.now() + ms
  while (performance.now() < end);
}

const doubles = (body: Uint8Array): readonly number[] => {
  const view = new DataView(body.buffer, body.byteOffset, body.length)
  return Array.from({ length: body.length / 8 }, (_, at) => view.getFloat64(8 * at))
}

/** How late bodies are stamped while this thread is blocked: by the link's thread, and by this
 * one. */
async function lateness(port: number): Promise<{ thread: number[]; here: number[] }> {
  const late = { thread: new Array<number>(), here: new Array<number>() }
  const address = { kind: 'tcp', host: HOST, port } as const
  const into = (to: number[]) => (body: Uint8Array, at: MonoUs) => {
    const [written = 0] = doubles(body)
    to.push(at - written)
  }
  const options = { clock: () => systemClock.mono(), random: () => 0 }
  const thread = openLinkThread(address, {
    ...silent,
    onUp: () => thread.send(new Uint8Array(1)),
    onBody: into(late.thread),
  })
  const here = openLink(
    address,
    { ...silent, onUp: () => here.send(new Uint8Array(1)), onBody: into(late.here) },
    options,
  )
  while (late.thread.length < BODIES || late.here.length < BODIES) {
    block(BLOCK_MS)
    await breathe()
  }
  here.close()
  await thread.close()
  return late
}

/** Errors of the offset, microseconds, one per exchange: of the estimator's belief, and of the
 * exchange alone. */
async function directErrors(port: number): Promise<{ believed: number[]; alone: number[] }> {
  const errors = { believed: new Array<number>(), alone: new Array<number>() }
  let exchange = ask(nodeRandom(EXCHANGE_ID_BYTES), monoUs(0))
  let estimator = KNOWS_NOTHING
  const up = Promise.withResolvers<undefined>()
  const link = openLinkThread(
    { kind: 'tcp', host: HOST, port },
    {
      ...silent,
      onUp: () => up.resolve(undefined),
      onSent: (made, at) => {
        exchange = sent(exchange, made, at)
      },
      onBody: (body, t4) => {
        const { open } = exchange
        const [t2 = 0, t3 = 0] = doubles(body)
        if (open === null) return
        const reply = { id: open.id, t2: unixUs(t2), t3: unixUs(t3), masterBound: spanUs(0) }
        const answered = answer(exchange, reply, t4)
        exchange = answered.exchange
        const { sample } = answered.verdict
        if (sample === null) return
        estimator = learn(estimator, sample)
        const estimate = estimateAt(estimator, systemClock.mono())
        errors.alone.push(Math.abs(sample.utc - sample.mono))
        if (estimate !== null) errors.believed.push(Math.abs(estimate.utc - estimate.mono))
      },
    },
  )
  await up.promise
  for (let n = 0; n < EXCHANGES + WARM_UP; n += 1) {
    const made = systemClock.mono()
    const id = nodeRandom(EXCHANGE_ID_BYTES)
    exchange = ask(id, made)
    link.send(id, made)
    await wait(ASK_MS)
  }
  await link.close()
  return { believed: errors.believed.slice(WARM_UP), alone: errors.alone.slice(WARM_UP) }
}

export async function run(report: Report): Promise<void> {
  const peer = new Worker(new URL('./stamp-peer.js', import.meta.url))
  const [port]: readonly number[] = await once(peer, 'message')
  const { thread, here } = await lateness(port ?? 0)
  const of = 'the same stream stamped by the blocked thread'
  for (const [name, share] of [
    ['p50us', 0.5],
    ['p99us', 0.99],
  ] as const) {
    const both = [percentile(thread, share), percentile(here, share)] as const
    report(row(`clock.stamp.${name}`, both, 'us', of))
  }
  const { believed, alone } = await directErrors(port ?? 0)
  const aloneOf = `one exchange alone, ${EXCHANGES} of them, ${ASK_MS} ms apart`
  for (const [name, share] of [
    ['p50us', 0.5],
    ['p99us', 0.99],
  ] as const) {
    const both = [percentile(believed, share), percentile(alone, share)] as const
    report(row(`clock.direct.${name}`, both, 'us', aloneOf))
  }
  await peer.terminate()
}
