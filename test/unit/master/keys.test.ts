// Two static keys: which one is called, announced, remembered, given up (wire.md 5.2).

import assert from 'node:assert/strict'
import { test } from 'node:test'
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
import { Secret } from '../../../shared/secret.ts'
import { type EnrolmentToken, fingerprint } from '../../../shared/tves/token.ts'
import { monoUs, unixMs, unixUs } from '../../../shared/units.ts'
import { Disk } from '../../sim/disk.ts'

const DEVICE = '00112233aabbccdd'
const NOW = { at: unixUs(1_800_000_000_000_000), bound: 20_000 }
const MINUTE_US = 60_000_000

function keyPair(): KeyPair {
  const privateKey = nodeRandom(32)
  return { privateKey, publicKey: nodeSuite.publicKey(privateKey) }
}
const tagOf = (pair: KeyPair): Uint8Array => masterKeyTag(nodeSuite, pair.publicKey)

/** A master and a slave, connected directly. */
class Pair {
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
  readonly #token: EnrolmentToken

  constructor(keys: readonly [KeyPair, ...KeyPair[]], madeUnder: KeyPair) {
    this.master = startMaster({
      suite: nodeSuite,
      random: nodeRandom,
      staticKeys: keys,
      toleranceSeconds: 10,
      unwrap: (wrapped) => wrapped,
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
      suite: nodeSuite,
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
    if (action.do !== 'drop') return
    this.drops.push(action.fault)
    this.#up = false
    // What was in flight is lost with the link.
    this.#queue = this.#queue.filter(({ on }) => on !== 'body')
  }
}

test('a slave learns the new key, moves to it within a minute without a fault, forgets the old', () => {
  const [old, fresh] = [keyPair(), keyPair()]
  const pair = new Pair([old], old)
  pair.call()
  assert.deepEqual(pair.told, [toHex(tagOf(old))])
  pair.toMaster(pair.master.renewKeys([fresh, old], NOW))
  assert.deepEqual(pair.identity?.nextMasterKey, fresh.publicKey)
  assert.deepEqual(pair.identity?.masterKey, old.publicKey, 'the old one is kept beside it')
  assert.deepEqual(pair.drops, [])
  pair.after(MINUTE_US)
  assert.deepEqual(pair.drops, [null], 'the link was left without a fault')
  pair.hangUp()
  pair.call()
  assert.deepEqual(pair.told, [toHex(tagOf(old)), toHex(tagOf(fresh))])
  assert.deepEqual(pair.identity?.masterKey, fresh.publicKey)
  assert.equal(pair.identity?.nextMasterKey, null)
  pair.after(10 * MINUTE_US)
  assert.deepEqual(pair.drops, [null], 'and not again')
  assert.deepEqual(pair.refused, [])
})

test('while the new key fails, a slave calls under both in turn, also after a restart', () => {
  const [old, fresh] = [keyPair(), keyPair()]
  const pair = new Pair([old], old)
  pair.call()
  pair.toMaster(pair.master.renewKeys([fresh, old], NOW))
  // The operator restored an older key folder: the master no longer has the new key.
  pair.toMaster(pair.master.renewKeys([old], NOW))
  pair.after(MINUTE_US)
  pair.hangUp()
  pair.restart()
  pair.call()
  assert.deepEqual(pair.refused, ['SEC-09'], 'the new key first')
  assert.deepEqual(pair.identity?.nextMasterKey, fresh.publicKey, 'still known')
  pair.hangUp()
  pair.call()
  assert.deepEqual(pair.refused, ['SEC-09'], 'then the old one, which is answered')
  assert.deepEqual(pair.identity?.masterKey, old.publicKey)
  pair.hangUp()
  pair.call()
  assert.deepEqual(pair.refused, ['SEC-09', 'SEC-09'], 'and the new one again')
})

test('a token is answered with the key it was made under, while that is in use (wire.md 5.2)', () => {
  const [old, fresh] = [keyPair(), keyPair()]
  const pair = new Pair([fresh, old], old)
  pair.call()
  assert.deepEqual(pair.refused, [])
  assert.deepEqual(pair.identity?.masterKey, old.publicKey)
  assert.deepEqual(pair.identity?.nextMasterKey, fresh.publicKey, 'and is told the newest at once')

  const late = new Pair([fresh], old)
  late.call()
  assert.deepEqual(late.refused, ['SEC-07'])
  assert.equal(late.identity?.psk, null)
})

test('a key given up while an enrolment under it is stored does not answer it (SEC-07)', () => {
  const [old, fresh] = [keyPair(), keyPair()]
  const pair = new Pair([fresh, old], old)
  const { toMaster } = pair
  pair.toMaster = (actions) => {
    const enrols = actions.some((action) => action.do === 'enrol')
    if (enrols) toMaster.call(pair, pair.master.renewKeys([fresh], NOW))
    toMaster.call(pair, actions)
  }
  pair.call()
  assert.deepEqual(pair.refused, ['SEC-07'])
  assert.equal(pair.identity?.psk, null, 'the slave does not believe that it is enrolled')
})

test('trees and psks that do not open are reported and never a crash (OPS-24)', () => {
  const own = keyPair()
  const master = startMaster({
    suite: nodeSuite,
    random: nodeRandom,
    staticKeys: [keyPair()],
    toleranceSeconds: 10,
    unwrap: () => null,
  })
  const record = { id: DEVICE, name: 'attic', staticKey: own.publicKey, psk: nodeRandom(60) }
  const epoch = {
    device: DEVICE,
    id: 7,
    origin: unixMs(0),
    transcript: nodeRandom(32),
    keys: nodeRandom(200),
    closed: false,
  }
  const content = {
    devices: [{ ...record, attempt: 1, revoked: false, historyFrom: null }],
    tokens: [],
    epochs: [epoch],
    positions: [],
  }
  assert.deepEqual(master.load(content, NOW), [
    { do: 'unreadable', device: DEVICE, what: 'psk' },
    { do: 'unreadable', device: DEVICE, what: 'key tree' },
  ])
  assert.deepEqual(master.load(content, NOW), [], 'named once')
  assert.equal(master.tree(DEVICE, 7), null)
})
