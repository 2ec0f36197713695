// A master that may hold two static keys and a slave, connected directly; a test may sit in between
// with the keys of the session.

import assert from 'node:assert/strict'
import { startMaster } from '../../../services/master/core/master.ts'
import type { MasterAction } from '../../../services/master/core/state.ts'
import { startAgent } from '../../../services/slave/core/agent.ts'
import type { AgentAction, AgentEvent } from '../../../services/slave/core/state/events.ts'
import type { StoredIdentity } from '../../../services/slave/core/state/stored.ts'
import { toHex } from '../../../shared/bytes.ts'
import type { DeviceRecord, TokenRecord } from '../../../shared/handover/roster.ts'
import { nodeRandom, nodeSuite } from '../../../shared/node/node-suite.ts'
import { masterKeyTag } from '../../../shared/tves/handshake.ts'
import type { KeyPair } from '../../../shared/tves/noise.ts'
import type { Suite } from '../../../shared/tves/suite.ts'
import { Secret } from '../../../shared/secret.ts'
import { type EnrolmentToken, fingerprint } from '../../../shared/tves/token.ts'
import { monoUs, unixMs, unixUs } from '../../../shared/units.ts'
import { Disk } from '../../sim/disk.ts'

export const DEVICE = '00112233aabbccdd'
export const NOW = { at: unixUs(1_800_000_000_000_000), bound: 20_000 }
export const MINUTE_US = 60_000_000

export function keyPair(): KeyPair {
  const privateKey = nodeRandom(32)
  return { privateKey, publicKey: nodeSuite.publicKey(privateKey) }
}
export const tagOf = (pair: KeyPair): Uint8Array => masterKeyTag(nodeSuite, pair.publicKey)

/** A master and a slave, connected directly. */
export class KeyPairWorld {
  readonly disk = new Disk(1_000)
  readonly master
  readonly refused: string[] = []
  readonly told: string[] = []
  drops: (string | null)[] = []
  record: DeviceRecord = {
    id: DEVICE,
    name: 'attic',
    staticKey: null,
    psk: null,
    attempt: 0,
    revoked: false,
    historyFrom: null,
  }
  readonly tokens: TokenRecord[] = []
  mono = 1_000
  link = 0
  #agent
  #queue: AgentEvent[] = []
  #busy = false
  #up = false
  /** Batches of frames that the master handed on. */
  appended = 0
  /** What reached the slave's log. */
  readonly reports: string[] = []
  readonly #token: EnrolmentToken
  readonly #suite: Suite

  /** `suite`: the slave's, for a test that looks into its memory. */
  constructor(
    keys: readonly [KeyPair, ...KeyPair[]],
    madeUnder: KeyPair,
    suite: Suite = nodeSuite,
  ) {
    this.#suite = suite
    this.master = startMaster({
      suite: nodeSuite,
      random: nodeRandom,
      staticKeys: keys,
      toleranceSeconds: 10,
      // The clock of these tests stands.
      handshakeLimits: { perDevice: 1e6, perSource: 1e6 },
      unwrap: (wrapped) => wrapped.slice(),
    })
    const [id, secret] = [nodeRandom(8), nodeRandom(16)]
    const print = fingerprint(nodeSuite, madeUnder.publicKey)
    this.#token = { id, secret: new Secret(secret), fingerprint: print }
    const expiresAt = unixMs(2e12)
    const masterKey = tagOf(madeUnder)
    this.tokens.push({ id: toHex(id), device: DEVICE, secret, expiresAt, burntBy: null, masterKey })
    this.#load()
    this.#agent = this.#start()
  }

  get identity(): StoredIdentity | null {
    return this.disk.load().identity
  }

  restart(): void {
    this.#agent = this.#start()
  }

  /** A new connection, and all that follows from it. */
  call(): void {
    this.link += 1
    this.#up = true
    const { link } = this
    this.toMaster(this.master.step({ on: 'opened', link, transport: 'tcp', source: 'here' }, NOW))
    this.post({ on: 'link-up' })
  }

  hangUp(): void {
    this.post({ on: 'link-down' })
    this.toMaster(this.master.step({ on: 'closed', link: this.link }, NOW))
  }

  /** Somebody says this to the slave in the master's place. */
  toSlave(body: Uint8Array): void {
    this.post({ on: 'body', body })
  }

  /** Somebody says this to the master in the slave's place. */
  asSlave(body: Uint8Array): void {
    this.toMaster(this.master.step({ on: 'body', link: this.link, body }, NOW))
  }

  after(us: number): void {
    this.mono += us
    this.post({ on: 'tick' })
  }

  post(event: AgentEvent): void {
    this.#queue.push(event)
    if (this.#busy) return
    this.#busy = true
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      for (const action of this.#agent.step(next, monoUs(this.mono))) this.#fromAgent(action)
    }
    this.#busy = false
  }

  toMaster(actions: readonly MasterAction[]): void {
    const { link } = this
    for (const action of actions) {
      if (action.do === 'send' && this.#up) this.post({ on: 'body', body: action.body })
      if (action.do === 'refused') this.refused.push(action.code)
      if (action.do === 'append') this.appended += 1
      if (action.do === 'called-under') {
        this.record = { ...this.record, masterKey: action.tag }
        this.told.push(toHex(action.tag))
      }
      if (action.do === 'enrol') {
        const { staticKey, psk, attempt } = action
        this.record = { ...this.record, staticKey, psk, attempt }
        this.#load()
        this.toMaster(this.master.step({ on: 'enrolled', link, result: 'stored' }, NOW))
      }
      if (action.do === 'commit-epoch') {
        this.toMaster(this.master.step({ on: 'epoch-committed', link, stored: true }, NOW))
      }
    }
  }

  #load(): void {
    const { record, tokens } = this
    this.master.load({ devices: [record], tokens, epochs: [], positions: [] }, NOW)
  }

  #start() {
    return startAgent({
      suite: this.#suite,
      random: nodeRandom,
      stored: this.disk.load(),
      token: this.#token,
      meters: [],
      wall: NOW.at,
      mono: monoUs(this.mono),
    })
  }

  #fromAgent(action: AgentAction): void {
    const { link } = this
    if (action.do === 'send') {
      this.toMaster(this.master.step({ on: 'body', link, body: action.body }, NOW))
    }
    if (action.do === 'commit') {
      const verdict = this.disk.commit(action.commit)
      assert.ok(verdict.ok)
      this.#queue.push({ on: 'committed', backlog: verdict.backlog, trimmed: verdict.trimmed })
    }
    if (action.do === 'report') this.reports.push(action.fault)
    if (action.do !== 'drop') return
    this.drops.push(action.fault)
    this.#up = false
    // What was in flight is lost with the link.
    this.#queue = this.#queue.filter(({ on }) => on !== 'body')
  }
}
