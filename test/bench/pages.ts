// The clock's round trip while customers download bills: the 99th of a hundred exchanges over a
// real session, quiet, with ten customers who never pause, and with the pages drawn on the
// master's loop, as they were before.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { controlBody } from '../../services/slave/core/control.ts'
import { beginSession, receive } from '../../services/slave/core/link/session.ts'
import { nodeRandom, nodeSuite as suite } from '../../shared/node/node-suite.ts'
import { monoUs } from '../../shared/units.ts'
import { CLOCK_REQUEST_ID_BYTES } from '../../shared/wire/limits.ts'
import { Deframer, lengthPrefixed } from '../../shared/wire/transport.ts'
import type { PagesPorts, PagesTask } from './pages-server.ts'
import { runLists } from './lists.ts'
import { type Report, row } from './rows.ts'

const SERVER = fileURLToPath(new URL('./pages-server.js', import.meta.url))
const CUSTOMERS = 10
const WHAT = `pages.clock, ${CUSTOMERS} customers`
/** So many different bills has each; the press keeps what it has drawn. */
const BILLS = 12
const EXCHANGES = 100
/** On the loop one exchange takes a second. */
const SLOW_EXCHANGES = 30
/** Between two exchanges, milliseconds: three phases in half a minute, on a quiet machine. */
const PAUSE_MS = 40
/** Until every part of both sides is compiled and warm, exchanges. */
const WARM_UP = 50

const ninetyNinth = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.99)] ?? 0

/** Opens a session; returns what does one clock exchange, in milliseconds. */
async function clockOf(port: number, task: PagesTask, psk: Uint8Array, staticKey: Uint8Array) {
  const setup = { suite, random: nodeRandom, processId: new Uint8Array(8) }
  const { publicKey } = task.masterKey
  const identity = { staticKey, psk, attempt: 1, device: null, masterKey: publicKey }
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  const deframer = new Deframer()
  const begun = beginSession(setup, identity, { wantEpoch: true, mono: monoUs(0) })
  let { session } = begun
  let answered = Promise.withResolvers<null>()
  const say = (message: Parameters<typeof controlBody>[1]): void => {
    const body = controlBody(session, message)
    if (body !== null) socket.write(lengthPrefixed(body))
  }
  if (begun.send !== null) socket.write(lengthPrefixed(begun.send))
  socket.on('close', () => answered.reject(new Error('the master ended the link')))
  socket.on('data', (chunk: Buffer) => {
    for (const body of deframer.push(chunk).bodies) {
      const step = receive(setup, session, identity, body)
      session = step.session
      const { outcome } = step
      if (outcome.is === 'welcome') {
        say({ is: 'confirm', epoch: outcome.epoch?.id ?? 0, runs: [] })
      } else if (outcome.is === 'control') answered.resolve(null)
    }
  })
  await answered.promise
  return {
    exchange: async (): Promise<number> => {
      answered = Promise.withResolvers<null>()
      const from = performance.now()
      say({ is: 'clock-request', id: nodeRandom(CLOCK_REQUEST_ID_BYTES) })
      await answered.promise
      return performance.now() - from
    },
    close: () => socket.removeAllListeners('close').destroy(),
  }
}

/** Customers who download one bill after the other until stopped; returns how many they got. */
function customers(http: number, how: string): () => Promise<number> {
  let going = true
  let got = 0
  const one = async (viewer: number): Promise<void> => {
    for (let bill = 0; going; bill += 1) {
      const number = how === 'press' ? bill % BILLS : bill
      const answer = await fetch(`http://127.0.0.1:${http}/${how}/c${viewer}/${number}`)
      await answer.arrayBuffer()
      if (answer.ok) got += 1
    }
  }
  const all = Array.from({ length: CUSTOMERS }, (_, viewer) => one(viewer))
  return async () => {
    going = false
    await Promise.all(all)
    return got
  }
}

export async function run(report: Report): Promise<void> {
  const privateKey = nodeRandom(32)
  const [staticKey, psk] = [nodeRandom(32), nodeRandom(32)]
  const known = { attempt: 1, revoked: false, historyFrom: null }
  const device = { id: '00000000000000c1', name: 'bench', ...known }
  const task: PagesTask = {
    masterKey: { privateKey, publicKey: suite.publicKey(privateKey) },
    devices: [{ ...device, staticKey: suite.publicKey(staticKey), psk }],
  }
  const child = fork(SERVER, { serialization: 'advanced', stdio: 'inherit' })
  const opened = once(child, 'message')
  child.send(task)
  const { tves, http } = (await opened)[0] as PagesPorts
  const clock = await clockOf(tves, task, psk, staticKey)
  const measure = async (count: number): Promise<number> => {
    const times: number[] = []
    for (let at = 0; at < count; at += 1) {
      times.push(await clock.exchange())
      await wait(PAUSE_MS)
    }
    return ninetyNinth(times)
  }
  const loaded = async (how: string, count: number): Promise<number> => {
    const stop = customers(http, how)
    const time = await measure(count)
    const got = await stop()
    console.error(`${how}: ${got} bills downloaded meanwhile`)
    return time
  }
  await measure(WARM_UP)
  const quiet = await measure(EXCHANGES)
  const ours = await loaded('press', EXCHANGES)
  report(row(WHAT, [ours, quiet], 'ms, p99', 'nobody downloads'))
  const onLoop = await loaded('loop', SLOW_EXCHANGES)
  report(row(`${WHAT}, on the loop`, [ours, onLoop], 'ms, p99', 'drawn on the loop, as before'))
  clock.close()
  child.disconnect()
  await runLists(report)
}
