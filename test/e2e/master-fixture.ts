// The master's real core behind its real listeners, with a database made of arrays.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { startMaster } from '../../services/master/core/master.ts'
import type { MasterAction } from '../../services/master/core/state.ts'
import { type Listeners, listen } from '../../services/master/shell/listeners.ts'
import { toHex } from '../../shared/bytes.ts'
import type { FaultCode } from '../../shared/faults.ts'
import type { DeviceRecord } from '../../shared/handover/roster.ts'
import type { AcceptedFrame } from '../../shared/handover/sink.ts'
import type { FramedPeer } from '../../shared/node/framed-peer.ts'
import { nodeRandom, nodeSuite } from '../../shared/node/node-suite.ts'
import { systemClock } from '../../shared/node/system-clock.ts'
import { Secret } from '../../shared/secret.ts'
import { encodeToken, fingerprint } from '../../shared/tves/token.ts'
import { unixMs } from '../../shared/units.ts'

const DEVICE = '00112233aabbccdd'
const HOST = '127.0.0.1'
const BOUND_US = 20_000

export class FixtureMaster {
  readonly frames: AcceptedFrame[] = []
  readonly refused: FaultCode[] = []
  readonly token: string
  readonly #core
  readonly #tokenRecord
  readonly #peers = new Map<number, FramedPeer>()
  #record: DeviceRecord = {
    id: DEVICE,
    name: 'attic',
    staticKey: null,
    psk: null,
    attempt: 0,
    revoked: false,
    historyFrom: null,
  }
  #links = 0
  #listeners: Listeners | null = null
  #waiting: (() => void)[] = []

  constructor() {
    const privateKey = nodeRandom(32)
    const staticKey = { privateKey, publicKey: nodeSuite.publicKey(privateKey) }
    const unwrap = (wrapped: Uint8Array) => wrapped
    this.#core = startMaster({
      suite: nodeSuite,
      random: nodeRandom,
      staticKeys: [staticKey],
      toleranceSeconds: 10,
      unwrap,
    })
    const token = { id: nodeRandom(8), secret: new Secret(randomBytes(16)) }
    this.token = encodeToken({ ...token, fingerprint: fingerprint(nodeSuite, staticKey.publicKey) })
    this.#tokenRecord = { id: toHex(token.id), device: DEVICE, secret: token.secret.reveal() }
    this.#load()
  }

  /** Opens both doors, on the same ports as last time; returns the two addresses. */
  async open(): Promise<{ tcp: string; ws: string }> {
    const { tcpPort, wsPort } = this.#listeners ?? { tcpPort: 0, wsPort: 0 }
    const verdict = await listen({
      tcp: { host: HOST, port: tcpPort ?? 0 },
      ws: { host: HOST, port: wsPort ?? 0, path: '/tves' },
      limits: { connections: 10, perAddress: 10, idleMs: 60_000, waitingBytesMax: 1_000_000 },
      clock: () => systemClock.mono(),
      onPeer: (peer) => this.#take(peer),
      onRefused: (fault) => this.refused.push(fault),
    })
    assert.ok(verdict.ok, JSON.stringify(verdict))
    this.#listeners = verdict.listeners
    const { tcpPort: tcp, wsPort: ws } = verdict.listeners
    return { tcp: `tcp://${HOST}:${tcp}`, ws: `ws://${HOST}:${ws}/tves` }
  }

  async close(): Promise<void> {
    await this.#listeners?.close()
  }

  /** Resolves when `count` frames with readings are durable. */
  async untilFrames(count: number): Promise<void> {
    while (this.frames.length < count) {
      await new Promise<void>((wake) => this.#waiting.push(wake))
    }
  }

  #load(): void {
    const burntBy = this.#record.staticKey
    const tokens = [{ ...this.#tokenRecord, expiresAt: unixMs(4e12), burntBy }]
    this.#core.load({ devices: [this.#record], tokens, epochs: [], positions: [] }, this.#now())
  }

  #now() {
    return { at: systemClock.wall(), bound: BOUND_US }
  }

  #take(peer: FramedPeer) {
    this.#links += 1
    const link = this.#links
    this.#peers.set(link, peer)
    const opened = { on: 'opened', link, transport: peer.transport, source: peer.remote } as const
    this.#perform(this.#core.step(opened, this.#now()))
    return {
      onBody: (body: Uint8Array) =>
        this.#perform(this.#core.step({ on: 'body', link, body }, this.#now())),
      onClose: () => {
        this.#peers.delete(link)
        this.#perform(this.#core.step({ on: 'closed', link }, this.#now()))
      },
    }
  }

  #perform(actions: readonly MasterAction[]): void {
    for (const action of actions) {
      if (action.do === 'send') this.#peers.get(action.link)?.send(action.body)
      if (action.do === 'drop') this.#peers.get(action.link)?.drop(action.fault, 'by the core')
      if (action.do === 'refused') this.refused.push(action.code)
      if (action.do === 'enrol') {
        const { staticKey, psk, attempt, link } = action
        this.#record = { ...this.#record, staticKey, psk, attempt }
        this.#load()
        this.#perform(this.#core.step({ on: 'enrolled', link, result: 'stored' }, this.#now()))
      }
      if (action.do === 'commit-epoch') {
        const { link } = action
        this.#perform(this.#core.step({ on: 'epoch-committed', link, stored: true }, this.#now()))
      }
      if (action.do === 'append') {
        this.frames.push(...action.frames)
        for (const wake of this.#waiting.splice(0)) wake()
        const { device } = action
        this.#perform(this.#core.step({ on: 'appended', device, durable: true }, this.#now()))
      }
    }
  }
}
