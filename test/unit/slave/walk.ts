// A slave whose state lies open, and its master: everything on the way between them takes its turn,
// and the disk stores when it is told to.

import assert from 'node:assert/strict'
import { type Master, startMaster } from '../../../services/master/core/master.ts'
import { emptyRoster } from '../../../services/master/core/roster.ts'
import type { MasterAction } from '../../../services/master/core/state.ts'
import { stateAtStart, step } from '../../../services/slave/core/agent.ts'
import type { AgentState } from '../../../services/slave/core/state/agent-state.ts'
import type { AgentAction, AgentEvent } from '../../../services/slave/core/state/events.ts'
import type { AgentSetup } from '../../../services/slave/core/state/setup.ts'
import type { OutboxCommit } from '../../../services/slave/core/state/stored.ts'
import { nodeRandom, nodeSuite } from '../../../shared/node/node-suite.ts'
import { monoUs, unixUs } from '../../../shared/units.ts'
import { Disk } from '../../sim/disk.ts'
import { DEVICE, keyPair } from '../pairs/session-pair.ts'

const BEGIN = 1_800_000_000_000_000
const LINK = 1

export class Walk {
  readonly state: AgentState
  /** The master's. */
  readonly roster = emptyRoster()
  /** Phases the link was in, in order. */
  readonly phases: string[] = []
  /** Jobs that were handed to the disk, in order. */
  readonly handed: string[] = []
  mono = 0
  /** Whether the slave may end the link by itself, and whether it did. */
  mayDrop = false
  dropped = false
  readonly #setup: AgentSetup
  readonly #master: Master
  readonly #disk = new Disk(1_000)
  readonly #commits: OutboxCommit[] = []
  #waiting: (() => void)[] = []
  #cut = false

  constructor() {
    const [own, masters, psk] = [keyPair(), keyPair(), nodeRandom(32)]
    this.#master = startMaster(
      {
        suite: nodeSuite,
        random: nodeRandom,
        staticKeys: [masters],
        toleranceSeconds: 10,
        unwrap: (wrapped) => wrapped,
      },
      this.roster,
    )
    const record = { id: DEVICE, name: 'attic', staticKey: own.publicKey, psk, attempt: 1 }
    const devices = [{ ...record, revoked: false, historyFrom: null }]
    this.#master.load({ devices, tokens: [], epochs: [], positions: [] }, this.#now())
    const device = Uint8Array.fromHex(DEVICE)
    const keys = { staticKey: own.privateKey, masterKey: masters.publicKey, psk }
    this.#setup = {
      suite: nodeSuite,
      random: nodeRandom,
      stored: { ...this.#disk.load(), identity: { ...keys, attempt: 1, device } },
      token: null,
      meters: [{ meter: 'M-1', everyMs: 60_000, push: false, history: false }],
      wall: unixUs(BEGIN),
      mono: monoUs(0),
    }
    this.state = stateAtStart(this.#setup)
  }

  connect(): void {
    const opened = { on: 'opened', link: LINK, transport: 'tcp', source: 'home' } as const
    this.#master.step(opened, this.#now())
    this.tell({ on: 'link-up' })
  }

  /** What the slave sends from here on is lost. */
  cutOff(): void {
    this.#cut = true
  }

  /** One event, and what follows from it but for what the disk is still to store. */
  tell(event: AgentEvent): void {
    this.#step(event)
    this.#run()
  }

  /** The disk stores what it was handed, and says so. */
  store(): void {
    const commit = this.#commits.shift()
    assert.ok(commit !== undefined, 'something was handed to the disk')
    const verdict = this.#disk.commit(commit)
    assert.ok(verdict.ok)
    this.tell({ on: 'committed', backlog: verdict.backlog, trimmed: verdict.trimmed })
  }

  /** The disk stores until nothing is left to be stored. */
  storeAll(): void {
    while (this.#commits.length > 0) this.store()
  }

  /** The disk does not take what it was handed. */
  refuse(): OutboxCommit {
    const commit = this.#commits.shift()
    assert.ok(commit !== undefined, 'something was handed to the disk')
    this.tell({ on: 'commit-failed', fault: 'OPS-06' })
    return commit
  }

  #step(event: AgentEvent): void {
    const actions = step(this.#setup, this.state, event, monoUs(this.mono))
    const { is } = this.state.link.phase
    if (this.phases.at(-1) !== is) this.phases.push(is)
    for (const action of actions) this.#waiting.push(() => this.#perform(action))
  }

  #run(): void {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) next()
  }

  #perform(action: AgentAction): void {
    if (action.do === 'send' && !this.#cut)
      this.#toMaster({ on: 'body', link: LINK, body: action.body })
    if (action.do === 'commit') {
      this.#commits.push(action.commit)
      this.handed.push(this.state.jobs.busy?.job.is ?? 'nothing')
    }
    if (action.do === 'fetch') {
      const { query } = action
      this.#step({ on: 'fetched', epoch: query.epoch, found: this.#disk.fetch(query) })
    }
    if (action.do !== 'drop') return
    assert.ok(this.mayDrop, action.detail)
    this.dropped = true
  }

  #toMaster(event: Parameters<Master['step']>[0]): void {
    for (const action of this.#master.step(event, this.#now())) this.#answer(action)
  }

  #answer(action: MasterAction): void {
    if (action.do === 'send') this.#step({ on: 'body', body: action.body })
    if (action.do === 'commit-epoch') {
      this.#toMaster({ on: 'epoch-committed', link: action.link, stored: true })
    }
    if (action.do === 'recall') {
      this.#toMaster({
        on: 'recalled',
        link: action.link,
        found: { epochs: [], positions: [] },
      })
    }
    if (action.do === 'append') {
      this.#toMaster({ on: 'appended', device: action.device, durable: true })
    }
  }

  #now() {
    return { at: unixUs(BEGIN + this.mono), bound: 20_000 }
  }
}
