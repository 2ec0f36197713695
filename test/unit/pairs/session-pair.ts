// A slave's session and the master's core, enrolled with each other, for tests of the handshake.

import assert from 'node:assert/strict'
import type { HandshakeLimits } from '../../../services/master/core/flood.ts'
import { type Master, startMaster } from '../../../services/master/core/master.ts'
import type { MasterAction, Now } from '../../../services/master/core/state.ts'
import { controlBody } from '../../../services/slave/core/control.ts'
import {
  beginSession,
  receive,
  type SessionSetup,
  type Step,
} from '../../../services/slave/core/link/session.ts'
import type { Session } from '../../../services/slave/core/state/link.ts'
import type { DeviceRecord, TokenRecord } from '../../../shared/handover/roster.ts'
import { nodeRandom, nodeSuite } from '../../../shared/node/node-suite.ts'
import type { KeyPair } from '../../../shared/tves/noise.ts'
import type { Suite } from '../../../shared/tves/suite.ts'
import { monoUs, unixUs } from '../../../shared/units.ts'
import type { SessionSuite } from '../../../shared/wire/message.ts'

export const DEVICE = '00112233aabbccdd'

export function keyPair(): KeyPair {
  const privateKey = nodeRandom(32)
  return { privateKey, publicKey: nodeSuite.publicKey(privateKey) }
}

export interface PairOptions {
  readonly suites?: { readonly slave?: Suite; readonly master?: Suite }
  readonly sessionSuite?: SessionSuite
  readonly revoked?: boolean
  readonly limits?: Partial<HandshakeLimits>
  readonly at?: number
}

/** What the master answered to one body. */
export interface Answer {
  readonly body: Uint8Array | null
  /** The fault by which the link ended; null: it goes on. */
  readonly refused: string | null
}

export class SessionPair {
  readonly own = keyPair()
  readonly masterKeys: readonly [KeyPair, KeyPair] = [keyPair(), keyPair()]
  readonly psk = nodeRandom(32)
  readonly master: Master
  readonly setup: SessionSetup
  readonly record: DeviceRecord
  now: Now
  #links = 0

  constructor(options: PairOptions = {}) {
    const { suites = {}, sessionSuite = 1, revoked = false, limits = {} } = options
    this.now = { at: unixUs(options.at ?? 1_800_000_000_000_000), bound: 20_000 }
    this.setup = {
      suite: suites.slave ?? nodeSuite,
      random: nodeRandom,
      processId: new Uint8Array(8),
      sessionSuite,
    }
    this.master = startMaster({
      suite: suites.master ?? nodeSuite,
      random: nodeRandom,
      staticKeys: this.masterKeys,
      toleranceSeconds: 10,
      handshakeLimits: limits,
      unwrap: (wrapped) => wrapped,
    })
    const { psk } = this
    const record = { id: DEVICE, name: 'attic', staticKey: this.own.publicKey, psk, revoked }
    this.record = { ...record, attempt: 1, historyFrom: null }
    this.load({})
  }

  /** The master looks at its roster again: the device's record has changed so; null: it is gone.
   * Returns what follows. */
  load(
    changes: Partial<DeviceRecord> | null,
    tokens: readonly TokenRecord[] = [],
  ): readonly MasterAction[] {
    const devices = changes === null ? [] : [{ ...this.record, ...changes }]
    return this.master.load({ devices, tokens, epochs: [], positions: [] }, this.now)
  }

  /** A step 1; `caller` another static key than the enrolled one. */
  hello(
    from: { caller?: KeyPair; masterKey?: Uint8Array; psk?: Uint8Array } = {},
  ): Step & { send: Uint8Array } {
    const { caller = this.own, masterKey = this.masterKeys[0].publicKey, psk = this.psk } = from
    const keys = { staticKey: caller.privateKey, masterKey, psk }
    const step = beginSession(this.setup, keys, { wantEpoch: true, mono: monoUs(0) })
    const { send } = step
    assert.ok(send !== null)
    return { ...step, send }
  }

  /** A new link; returns its number. */
  open(source = 'here'): number {
    this.#links += 1
    const link = this.#links
    this.master.step({ on: 'opened', link, transport: 'tcp', source }, this.now)
    return link
  }

  tell(link: number, body: Uint8Array): Answer {
    const actions = this.master.step({ on: 'body', link, body }, this.now)
    return this.#read(link, actions)
  }

  close(link: number): void {
    this.master.step({ on: 'closed', link }, this.now)
  }

  /** What becomes of this link; another may have given way to it. */
  #read(own: number, actions: readonly MasterAction[]): Answer {
    const sent = actions.find((action) => action.do === 'send' && action.link === own)
    const ended = actions.find((action) => action.do === 'drop' && action.link === own)
    return {
      body: sent?.do === 'send' ? sent.body : null,
      refused: ended?.do === 'drop' ? ended.fault : null,
    }
  }

  /** The slave takes the master's answer. */
  take(session: Session, body: Uint8Array): Step {
    const { own, psk, masterKeys } = this
    const keys = { staticKey: own.privateKey, masterKey: masterKeys[0].publicKey, psk }
    return receive(this.setup, session, { ...keys, attempt: 1, device: null }, body)
  }

  /** From a new link to the slave's welcome. */
  greet(source?: string): { link: number; sizes: readonly [number, number]; welcome: Step } {
    const hello = this.hello()
    const link = this.open(source)
    const { body, refused } = this.tell(link, hello.send)
    assert.equal(refused, null)
    assert.ok(body !== null)
    const welcome = this.take(hello.session, body)
    return { link, sizes: [hello.send.length, body.length], welcome }
  }

  /** The slave's CONFIRM on a link that was greeted. */
  confirm(link: number, { session, outcome }: Step): Answer {
    assert.ok(outcome.is === 'welcome')
    const body = controlBody(session, { is: 'confirm', epoch: outcome.epoch?.id ?? 0, runs: [] })
    assert.ok(body !== null)
    return this.tell(link, body)
  }
}

/** node:crypto that counts its X25519 operations. */
export function countingSuite(): { readonly suite: Suite; readonly spent: () => number } {
  let spent = 0
  const suite: Suite = {
    ...nodeSuite,
    publicKey: (privateKey) => {
      spent += 1
      return nodeSuite.publicKey(privateKey)
    },
    dh: (privateKey, publicKey) => {
      spent += 1
      return nodeSuite.dh(privateKey, publicKey)
    },
  }
  return { suite, spent: () => spent }
}
