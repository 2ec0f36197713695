// Connections against node:tls, the server in a process of its own: CPU and bytes of a handshake,
// memory of an idle connection. Both sides agree on keys with X25519 and ML-KEM-768; the TLS server
// shows a P-256 certificate and does not authenticate the caller; ours does.

import { type ChildProcess, execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { controlBody } from '../../services/slave/core/control.ts'
import { beginSession, receive } from '../../services/slave/core/link/session.ts'
import { toHex } from '../../shared/bytes.ts'
import type { DeviceRecord } from '../../shared/handover/roster.ts'
import { nodeRandom, nodeSuite as suite } from '../../shared/node/node-suite.ts'
import { monoUs } from '../../shared/units.ts'
import { Deframer, lengthPrefixed } from '../../shared/wire/transport.ts'
import type { PeerPorts, PeerTask, PeerUsage } from './peer-server.ts'
import { median, type Report, row } from './rows.ts'

const SERVER = fileURLToPath(new URL('./peer-server.js', import.meta.url))
const ROUNDS = 9
/** Our side is compiled while it runs, on threads whose CPU time counts too. */
const WARM_UP_ROUNDS = 6
const HANDSHAKES = 200
/** Idle connections of each kind. */
const IDLE = 1_000
const AT_ONCE = 50
/** Design limit of a whole session handshake, bytes on TCP. */
const HANDSHAKE_BYTES_GOAL = 2_600

interface Identity {
  readonly staticKey: Uint8Array
  readonly psk: Uint8Array
}

const keyPair = () => {
  const privateKey = nodeRandom(32)
  return { privateKey, publicKey: suite.publicKey(privateKey) }
}
const masterKey = keyPair()
const identities: readonly Identity[] = Array.from({ length: IDLE }, () => ({
  staticKey: nodeRandom(32),
  psk: nodeRandom(32),
}))
const devices = identities.map(({ staticKey, psk }, at): DeviceRecord => {
  const known = { attempt: 1, revoked: false, historyFrom: null }
  const id = toHex(new Uint8Array([0, 0, 0, 0, 0, 0, at >> 8, at & 0xff]))
  return { id, name: `bench-${at}`, staticKey: suite.publicKey(staticKey), psk, ...known }
})

/** A self-signed P-256 certificate, made for this run; null where there is no openssl. */
function certificate(): PeerTask['certificate'] | null {
  const folder = mkdtempSync(join(tmpdir(), 'ticklock-bench-'))
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  try {
    const names = ['-subj', '/CN=localhost', '-days', '2', '-keyout', key, '-out', cert]
    execFileSync('openssl', ['req', ...kind, ...names], { stdio: 'ignore' })
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') }
  } catch {
    return null
  } finally {
    rmSync(folder, { recursive: true })
  }
}

class Server {
  readonly #child: ChildProcess

  constructor() {
    this.#child = fork(SERVER, { serialization: 'advanced', stdio: 'inherit' })
  }

  async #ask(question: PeerTask | 'usage'): Promise<unknown> {
    const answered = once(this.#child, 'message')
    this.#child.send(question)
    return (await answered)[0]
  }
  open = async (task: PeerTask): Promise<PeerPorts> => (await this.#ask(task)) as PeerPorts
  usage = async (): Promise<PeerUsage> => (await this.#ask('usage')) as PeerUsage
  async close(): Promise<void> {
    const gone = once(this.#child, 'exit')
    this.#child.disconnect()
    await gone
  }
}

/** A connection and the bytes of its handshake, both directions. */
interface Connected {
  readonly socket: Socket
  readonly bytes: number
}

const bytesOf = (socket: Socket): number => socket.bytesRead + socket.bytesWritten

/** One session from connect to COMMITTED, with a new epoch if requested. */
async function tves(port: number, who: Identity, wantEpoch: boolean): Promise<Connected> {
  const setup = { suite, random: nodeRandom, processId: new Uint8Array(8) }
  const identity = { ...who, attempt: 1, device: null, masterKey: masterKey.publicKey }
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  const deframer = new Deframer()
  const begun = beginSession(setup, identity, { wantEpoch, mono: monoUs(0) })
  let { session } = begun
  if (begun.send !== null) socket.write(lengthPrefixed(begun.send))
  return new Promise((done, failed) => {
    socket.on('close', () => failed(new Error('the master ended the link')))
    socket.on('data', (chunk: Buffer) => {
      for (const body of deframer.push(chunk).bodies) {
        const step = receive(setup, session, identity, body)
        session = step.session
        const { outcome } = step
        if (outcome.is === 'welcome') {
          const epoch = outcome.epoch?.id ?? 0
          const confirm = controlBody(session, { is: 'confirm', epoch, runs: [] })
          if (confirm !== null) socket.write(lengthPrefixed(confirm))
        } else if (outcome.is === 'control') done({ socket, bytes: bytesOf(socket) })
        else failed(new Error(`the session ended: ${JSON.stringify(outcome)}`))
      }
    })
  })
}

/** One full TLS 1.3 handshake, to the first byte the server says after it. */
async function tls(port: number): Promise<Connected> {
  const inner = connect({ port, host: '127.0.0.1', noDelay: true })
  await once(inner, 'connect')
  const socket = connectTls({
    socket: inner,
    ecdhCurve: 'X25519MLKEM768',
    minVersion: 'TLSv1.3',
    rejectUnauthorized: false,
  })
  await once(socket, 'data')
  return { socket: inner, bytes: bytesOf(inner) }
}

async function ended({ socket }: Connected): Promise<void> {
  const gone = once(socket, 'close')
  socket.destroy()
  await gone
}

/** Server CPU in microseconds, and bytes, per handshake; medians of alternating rounds. */
async function handshakes(task: PeerTask): Promise<{
  readonly cpu: readonly [number, number]
  readonly bytes: readonly [number, number]
}> {
  const server = new Server()
  const ports = await server.open(task)
  const cpu = { tves: new Array<number>(), tls: new Array<number>() }
  const bytes = { tves: 0, tls: 0 }
  const [who] = identities
  if (who === undefined) throw new Error('broken promise: identities were made above')
  // The device's first session begins its epoch; the measured ones continue it.
  await ended(await tves(ports.tves, who, true))
  for (let round = 0; round < ROUNDS + WARM_UP_ROUNDS; round += 1) {
    for (const side of round % 2 === 0 ? (['tves', 'tls'] as const) : (['tls', 'tves'] as const)) {
      await server.usage()
      const from = (await server.usage()).cpu
      for (let at = 0; at < HANDSHAKES; at += 1) {
        const made = side === 'tves' ? await tves(ports.tves, who, false) : await tls(ports.tls)
        bytes[side] = made.bytes
        await ended(made)
      }
      const after = await server.usage()
      if (round >= WARM_UP_ROUNDS) cpu[side].push((after.cpu - from) / HANDSHAKES)
    }
  }
  await server.close()
  return { cpu: [median(cpu.tves), median(cpu.tls)], bytes: [bytes.tves, bytes.tls] }
}

/** Bytes of memory that the server holds for one idle connection; a fresh process each time. */
async function idle(task: PeerTask, side: 'tves' | 'tls'): Promise<number> {
  const server = new Server()
  const ports = await server.open(task)
  const make = (who: Identity): Promise<Connected> =>
    side === 'tves' ? tves(ports.tves, who, true) : tls(ports.tls)
  // As many handshakes as will be measured, always of the same few devices: before we look, the
  // code is compiled and the young generation has grown, yet nothing is kept of nearly all the
  // devices to come.
  for (let at = 0; at < IDLE; at += AT_ONCE) {
    const warm: Connected[] = []
    for (const who of identities.slice(0, AT_ONCE)) warm.push(await make(who))
    for (const each of warm) await ended(each)
  }
  await server.usage()
  const before = (await server.usage()).rss
  const open: Connected[] = []
  for (const who of identities) open.push(await make(who))
  await server.usage()
  const { rss } = await server.usage()
  for (const each of open) await ended(each)
  await server.close()
  return (rss - before) / IDLE
}

export async function connections(report: Report): Promise<void> {
  const made = certificate()
  if (made === null) {
    console.error('openssl not found: tves.handshake and tves.idle skipped')
    return
  }
  const task = { masterKey, devices, certificate: made }
  const { cpu, bytes } = await handshakes(task)
  const full = 'node:tls 1.3 X25519MLKEM768 full handshake, P-256 certificate'
  report(row('tves.handshake.cpu', cpu, 'us', `${full}, CPU of the server`))
  report(row('tves.handshake.bytes', bytes, 'bytes', `${full}, both directions on TCP`))
  const goal = [bytes[0], HANDSHAKE_BYTES_GOAL] as const
  report(row('tves.handshake.bytes.goal', goal, 'bytes', 'limit of the design'))
  const memory = [await idle(task, 'tves'), await idle(task, 'tls')] as const
  report(row('tves.idle.memory', memory, 'bytes', 'node:tls 1.3, idle, same key exchange'))
}
