// The other end of the stamps' bench, in a thread of its own: sends bodies that say when they were
// written, and answers questions about the time as a master does. Its clock is the machine's
// monotonic one, so everything on this machine knows the truth.

import { parentPort } from 'node:worker_threads'
import { listen } from '../../../services/master/shell/listeners.ts'
import { systemClock } from '../../../shared/node/system-clock.ts'

const HOST = '127.0.0.1'
/** Between two bodies, milliseconds: not in step with anything. */
const BETWEEN_MS = [7, 23] as const

/** Microseconds as 8 bytes. */
function stamped(...stamps: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(8 * stamps.length))
  for (const [at, stamp] of stamps.entries()) view.setFloat64(8 * at, stamp)
  return new Uint8Array(view.buffer)
}

const verdict = await listen({
  tcp: { host: HOST, port: 0 },
  ws: null,
  limits: { connections: 10, perAddress: 10, idleMs: 60_000, waitingBytesMax: 1_000_000 },
  clock: () => systemClock.mono(),
  onPeer: (peer) => {
    let timer: NodeJS.Timeout | null = null
    const tick = (): void => {
      peer.send(stamped(systemClock.mono()))
      const [from, to] = BETWEEN_MS
      timer = setTimeout(tick, from + Math.random() * (to - from))
    }
    return {
      // The first body says what is wanted: one byte asks for bodies, more is a question.
      onBody: (body, at) => {
        if (body.length === 1) tick()
        else peer.send(stamped(at, systemClock.mono()))
      },
      onClose: () => {
        if (timer !== null) clearTimeout(timer)
      },
    }
  },
  onRefused: () => undefined,
})
if (!verdict.ok) throw new Error(verdict.detail)
parentPort?.postMessage(verdict.listeners.tcpPort, [])
