// Attacks on the doors by strangers with many sockets or many addresses: with the limits that hold
// where nobody raised them. What is measured is processor time, the master's and the attacker's
// together, since both live in this process.

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { WebSocket } from 'ws'
import { HANDSHAKES_PER_SOURCE } from '../../shared/wire/limits.ts'
import { SESSION_BYTE } from '../../shared/wire/message.ts'
import { RawLink } from './rogue.ts'
import { countedWhile, type Finding, linked, type Stage, total, type Trial } from './trial.ts'

/** Silent sockets at each door. */
const SOCKETS = 1_000
/** Copies of one step: as many as there may be handshakes in flight. */
const COPIES = 1_024
/** A body of a version that nobody speaks: refused at once, so it costs what a connection costs. */
const REFUSED_AT_ONCE = Uint8Array.of(0x22, 1)

/** Linux has all of 127.0.0.0/8 on its loopback; elsewhere there is one address. */
const addressOf = (at: number): string =>
  process.platform === 'linux' ? `127.1.${at >> 8}.${at & 255}` : '127.0.0.1'

/** Runs `work` at a master with the usual limits; then the scene's own hold again. */
async function withUsualLimits<T>(stage: Stage, work: () => Promise<T>): Promise<T> {
  const { scene, quiet, busy } = stage
  const again = async (handshakesPerSource: number): Promise<void> => {
    await scene.stopMaster()
    await scene.startMaster({ handshakesPerSource })
    for (const victim of [quiet, busy]) await linked(stage, victim)
  }
  await again(HANDSHAKES_PER_SOURCE)
  try {
    return await work()
  } finally {
    await again(scene.settings.handshakesPerSource)
  }
}

/** Processor time of this process for one of `count`, microseconds. */
async function cpuOf(count: number, work: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / count
}

/** Each door answers somebody at this address. */
async function served({ scene }: Stage, localAddress: string): Promise<boolean> {
  const { tcpPort, wsPort, httpPort } = scene.settings
  const link = await RawLink.open(tcpPort, localAddress)
  link.send(REFUSED_AT_ONCE)
  const refusal = await link.next()
  link.close()
  const socket = new WebSocket(`ws://127.0.0.1:${wsPort}/`, { localAddress })
  const [outcome] = await Promise.race([
    once(socket, 'open').then(() => ['open']),
    once(socket, 'error').then(() => ['error']),
  ])
  socket.terminate()
  const page = connect({ port: httpPort, host: '127.0.0.1', localAddress })
  page.write('GET /healthz HTTP/1.1\r\nhost: pages\r\nconnection: close\r\n\r\n')
  const answered = once(page, 'data').then(([chunk]) => String(chunk).startsWith('HTTP/1.1 200'))
  const healthy = await Promise.race([answered, once(page, 'close').then(() => false)])
  page.destroy()
  return refusal !== null && outcome === 'open' && healthy
}

async function silentSockets(stage: Stage): Promise<Finding> {
  const { scene } = stage
  const { tcpPort, wsPort, httpPort } = scene.settings
  const sockets: Socket[] = []
  let everybodyServed = false
  let micros = 0
  const found = await countedWhile(
    scene,
    async () => {
      micros = await cpuOf(3 * SOCKETS, async () => {
        for (let at = 0; at < 3 * SOCKETS; at += 1) {
          const port = [tcpPort, wsPort, httpPort][at % 3] ?? tcpPort
          const socket = connect({ port, host: '127.0.0.1', localAddress: addressOf(1) })
          socket.on('error', () => socket.destroy())
          sockets.push(socket)
          await once(socket, 'connect')
        }
      })
      everybodyServed = await served(stage, addressOf(2))
    },
    (now) => total(now) >= 3 * SOCKETS - 2 * HANDSHAKES_PER_SOURCE - 100,
  )
  const held = sockets.filter((socket) => !socket.destroyed).length
  for (const socket of sockets) socket.destroy()
  return {
    sent: 3 * SOCKETS,
    refusedBy: [...found.keys()].filter((code) => code !== 'WIR-01').sort(),
    microsEach: micros,
    stopped: everybodyServed && held <= SOCKETS,
    note: `${held} held; another address ${everybodyServed ? 'was' : 'was not'} served at each door`,
  }
}

/** Sends this body on a link of its own from each of `count` addresses; returns how many were
 * answered by a step 2. */
async function fromEach({ scene }: Stage, body: Uint8Array, count: number): Promise<number> {
  const links: RawLink[] = []
  let answered = 0
  for (let at = 0; at < count; at += 1) {
    const link = await RawLink.open(scene.settings.tcpPort, addressOf(at))
    links.push(link)
    link.send(body)
    const answer = await link.next()
    if (answer?.[0] === SESSION_BYTE) answered += 1
  }
  for (const link of links) link.close()
  return answered
}

async function replayedStep(stage: Stage): Promise<Finding> {
  const { scene, quiet } = stage
  // The session that the slave began when this master started: nothing older would be remembered.
  const hello = quiet.line.heard.flat().findLast((body) => body[0] === SESSION_BYTE)
  if (hello === undefined) throw new Error('the slave has called')
  let [answered, micros, connection] = [0, 0, 0]
  const found = await countedWhile(
    scene,
    async () => {
      connection = await cpuOf(COPIES, async () => {
        await fromEach(stage, REFUSED_AT_ONCE, COPIES)
      })
      micros = await cpuOf(COPIES, async () => {
        answered = await fromEach(stage, hello, COPIES)
      })
      quiet.line.cut()
      await linked(stage, quiet)
    },
    (now) => total(now) >= 2 * COPIES - 1,
  )
  return {
    sent: COPIES,
    refusedBy: [...found.keys()].filter((code) => code !== 'WIR-01').sort(),
    microsEach: Math.max(0, micros - connection),
    stopped: answered <= 1 && found.has('WIR-09'),
    note: `${answered} answered; a connection itself ${connection.toFixed(0)} us; the slave was served`,
  }
}

export const GATE_TRIALS: readonly Trial[] = [
  {
    name: 'silent sockets',
    tries: `${SOCKETS} connections of one address at each door, which say nothing`,
    stirs: true,
    run: (stage) => withUsualLimits(stage, () => silentSockets(stage)),
  },
  {
    name: 'the replayed step',
    tries: 'one recorded first message of a session from 1,024 addresses',
    stirs: true,
    run: (stage) => withUsualLimits(stage, () => replayedStep(stage)),
  },
]
