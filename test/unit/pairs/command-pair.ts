// Slave and master core with commands between them, a virtual disk and one meter; at any action of
// the slave its process may die, its link break or its disk refuse.

import assert from 'node:assert/strict'
import { type Master, startMaster } from '../../../services/master/core/master.ts'
import type { MasterAction } from '../../../services/master/core/state.ts'
import { type Agent, startAgent } from '../../../services/slave/core/agent.ts'
import type { AgentAction, AgentEvent } from '../../../services/slave/core/state/events.ts'
import type { MeterPlan } from '../../../services/slave/core/state/plan.ts'
import { unreachable } from '../../../shared/assert.ts'
import { toHex } from '../../../shared/bytes.ts'
import type { FaultCode } from '../../../shared/faults.ts'
import type { DeviceStatus } from '../../../shared/handover/sink.ts'
import type { MeterClockReport } from '../../../shared/clock/evidence.ts'
import { nodeSuite } from '../../../shared/node/node-suite.ts'
import { Secret } from '../../../shared/secret.ts'
import { fingerprint } from '../../../shared/tves/token.ts'
import { type MonoUs, monoUs, type UnixUs, unixMs, unixUs } from '../../../shared/units.ts'
import type { CommandTask, Receipt } from '../../../shared/wire/commands.ts'
import { settlesEpochs } from '../../sim/closed-epochs.ts'
import { Disk } from '../../sim/disk.ts'
import {
  becameOf,
  clockShowing,
  type Given,
  keyPair,
  type Manner,
  type Mishap,
  offsetAfter,
  random,
  readingOf,
} from './pair-world.ts'

const DEVICE = '00112233aabbccdd'
const TICK_US = 250_000
/** UTC at the first instant of a pair, microseconds. */
const BEGIN_US = 1_800_000_000_000_000

export class Pair {
  readonly disk = new Disk(100_000)
  /** What the meters were told to do, and not what they are asked in their rhythm. */
  readonly executed: string[] = []
  /** What was asked of the meters, in order. */
  readonly asked: string[] = []
  /** Every receipt that reached the master's database, told once or again. */
  readonly heard: Receipt[] = []
  readonly given: Given[] = []
  readonly refused: string[] = []
  readonly reports: string[] = []
  /** Control bodies from the master, as a listener has them. */
  readonly bodies: Uint8Array[] = []
  mishap: Mishap | null = null
  /** The meters' clocks minus UTC, microseconds. */
  readonly offsets = new Map([['M-2', 30_000_000]])
  manner: Manner = 'obeys'
  /** METER CLOCK as it reached the master, newest last. */
  readonly clocks: MeterClockReport[] = []
  /** Actions of the slave since the mishap was armed. */
  actions = 0
  /** The meters answer nothing. */
  silent = false
  /** What is said of the meters' clocks comes a tick late; what has not come yet. */
  slowLine = false
  onLine: AgentEvent[] = []
  /** |UTC - master's clock|, microseconds; null: it does not know. */
  masterBound: number | null = 20_000
  /** How far the master's clock is ahead of UTC, microseconds, and how much UTC gains on the
   * slave's oscillator, ppm. */
  masterAhead = 0
  ratePpm = 0
  /** How far the slave's operating system is ahead when it is asked. */
  wallAhead = 0
  /** The last that the slave told of itself. */
  status: DeviceStatus | null = null
  /** The master's database does not take the next receipt. */
  databaseFails = false
  readonly #meters: readonly MeterPlan[]
  #master: Master
  readonly #staticKey = keyPair()
  readonly #token = { id: random(8), secret: new Secret(random(16)) }
  readonly #fingerprint: Uint8Array
  #record = {
    id: DEVICE,
    name: 'attic',
    staticKey: null as Uint8Array | null,
    psk: null as Uint8Array | null,
    attempt: 0,
    revoked: false,
    historyFrom: null,
  }
  #mono = 1_000
  /** How long the machine slept in all. */
  #asleep = 0
  #link = 0
  #up = false
  #agent: Agent | null = null
  #events: AgentEvent[] = []
  #busy = false

  constructor(meters: readonly MeterPlan[]) {
    this.#meters = meters
    this.#fingerprint = fingerprint(nodeSuite, this.#staticKey.publicKey)
    this.#master = this.#newMaster()
    this.#load()
  }

  #newMaster(): Master {
    return startMaster({
      suite: nodeSuite,
      random,
      staticKeys: [this.#staticKey],
      toleranceSeconds: 10,
      unwrap: (wrapped) => wrapped.slice(),
    })
  }

  /** The master begins again from a backup that knows the device and no command. */
  restoreMaster(): void {
    this.breakLink()
    this.#master = this.#newMaster()
    this.#load()
    this.given.length = 0
    this.heard.length = 0
    this.run(1)
  }

  get mono(): MonoUs {
    return monoUs(this.#mono)
  }

  get utc(): UnixUs {
    return unixUs(BEGIN_US + this.#asleep + this.#mono * (1 + this.ratePpm * 1e-6))
  }

  /** What the slave's clock shows, and how far it may be off. */
  get clock(): { readonly clock: UnixUs; readonly clockBoundMs: number } {
    assert.ok(this.#agent !== null)
    return this.#agent.view(this.mono)
  }

  get clockState(): string {
    return this.#agent?.view(this.mono).clockState ?? '-'
  }

  /** Lets time pass: starts a slave that is not running and a link that is down. */
  run(seconds: number): void {
    const end = this.#mono + seconds * 1_000_000
    while (this.#mono < end) {
      this.#mono += TICK_US
      if (this.#agent === null) this.#start()
      if (!this.#up) this.#connect()
      for (const event of this.onLine.splice(0)) this.#deliver(event)
      this.#deliver({ on: 'tick' })
    }
  }

  /** The machine is suspended: its monotonic clock stands, the world and the link go on. */
  sleep(seconds: number): void {
    this.#asleep += seconds * 1_000_000
    this.#deliver({ on: 'slept' })
  }

  /** The operator gives a command; the master looks at once. */
  give(number: number, what: CommandTask, lifeMs = 60_000): void {
    const expires = unixMs((BEGIN_US + this.#mono) / 1_000 + lifeMs)
    this.given.push({ number, expires, what, receipt: null })
    this.look()
  }

  look(): void {
    const open = this.given.filter(({ receipt }) => receipt === null)
    const oldest = open.slice(0, 1).map((command) => ({ device: DEVICE, ...command }))
    this.#perform(this.#master.commands(oldest, this.#now()))
  }

  die(): void {
    this.#agent = null
    this.#events = []
    this.breakLink()
  }

  breakLink(): void {
    if (!this.#up) return
    this.#up = false
    this.#perform(this.#master.step({ on: 'closed', link: this.#link }, this.#now()))
    if (this.#agent !== null) this.#deliver({ on: 'link-down' })
  }

  /** Somebody on the line says what the master said before. */
  replay(body: Uint8Array): void {
    this.#deliver({ on: 'body', body })
  }

  meterSays(event: AgentEvent): void {
    this.#deliver(event)
  }

  #start(): void {
    this.#agent = startAgent({
      suite: nodeSuite,
      random,
      stored: this.disk.load(),
      token: { ...this.#token, fingerprint: this.#fingerprint },
      meters: this.#meters,
      wall: unixUs(this.utc + this.wallAhead),
      mono: this.mono,
    })
  }

  #connect(): void {
    this.#link += 1
    this.#up = true
    this.#perform(
      this.#master.step(
        { on: 'opened', link: this.#link, transport: 'tcp', source: '' },
        this.#now(),
      ),
    )
    this.#deliver({ on: 'link-up' })
  }

  #now() {
    return { at: unixUs(this.utc + this.masterAhead), bound: this.masterBound }
  }

  #load(): void {
    const token = {
      id: toHex(this.#token.id),
      device: DEVICE,
      secret: this.#token.secret.reveal(),
      expiresAt: unixMs(2e12),
      burntBy: this.#record.staticKey,
    }
    const content = { devices: [this.#record], tokens: [token], epochs: [], positions: [] }
    this.#master.load(content, this.#now())
  }

  /** One event at a time, in order, as the runner does it. */
  #deliver(event: AgentEvent): void {
    this.#events.push(event)
    if (this.#busy) return
    this.#busy = true
    for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift()) {
      const agent = this.#agent
      if (agent === null) break
      for (const action of agent.step(next, this.mono)) {
        if (this.#agent === agent) this.#act(action)
      }
    }
    this.#events = []
    this.#busy = false
  }

  #act(action: AgentAction): void {
    this.actions += 1
    const kind = this.mishap?.at === this.actions ? this.mishap.kind : null
    if (kind === 'dies before') this.die()
    else if (kind === 'lost' && action.do === 'send') this.breakLink()
    else if (kind === 'refused' && action.do === 'commit') {
      this.#events.push({ on: 'commit-failed', fault: 'OPS-04' })
    } else {
      const answer = this.#effect(action)
      if (kind === 'dies after') this.die()
      else if (answer !== null) this.#events.push(answer)
    }
  }

  /** What the world does, and what the slave hears of it if it still lives. */
  #effect(action: AgentAction): AgentEvent | null {
    switch (action.do) {
      case 'send':
        if (!this.#up) return null
        this.#perform(
          this.#master.step({ on: 'body', link: this.#link, body: action.body }, this.#now()),
        )
        return null
      case 'commit': {
        const verdict = this.disk.commit(action.commit)
        if (!verdict.ok) return { on: 'commit-failed', fault: verdict.fault }
        return { on: 'committed', backlog: verdict.backlog, trimmed: verdict.trimmed }
      }
      case 'fetch': {
        const { query } = action
        return { on: 'fetched', epoch: query.epoch, found: this.disk.fetch(query) }
      }
      case 'drop':
        this.breakLink()
        return null
      case 'read':
        this.asked.push(`read ${action.meter}`)
        return this.silent ? null : this.answer(action.meter)
      case 'read-clock':
        return this.silent ? null : this.#late(this.clockOf(action.meter))
      case 'change-clock':
        return this.#late(this.#changeClock(action))
      case 'read-history':
        return null
      case 'report':
        this.reports.push(action.fault)
        return null
      default:
        return unreachable(action)
    }
  }

  #late(event: AgentEvent | null): AgentEvent | null {
    if (!this.slowLine || event === null) return event
    this.onLine.push(event)
    return null
  }

  #changeClock(action: Extract<AgentAction, { do: 'change-clock' }>): AgentEvent | null {
    const { meter, change } = action
    this.executed.push(`${change.how === 'light' ? 'light' : 'clock'} ${meter}`)
    const offset = this.offsets.get(meter) ?? 0
    const now = BEGIN_US + this.#asleep + this.#mono
    const after = offsetAfter(action, { offset, now, mono: this.mono })
    if (this.manner === 'obeys' || this.manner === 'none') this.offsets.set(meter, after)
    return this.silent ? null : { on: 'clock-changed', meter, became: becameOf(this.manner) }
  }

  clockOf(meter: string): AgentEvent {
    const shown = BEGIN_US + this.#asleep + this.#mono + (this.offsets.get(meter) ?? 0)
    return { on: 'clock-read', meter, found: clockShowing(shown, this.mono) }
  }

  answer(meter: string, request: 'now' | 'push' = 'now'): AgentEvent {
    const readings = [readingOf(meter)]
    return { on: 'readings', meter, readings, request, at: this.mono, more: false }
  }

  #perform(actions: readonly MasterAction[]): void {
    for (const action of actions) this.#serve(action)
  }

  #serve(action: MasterAction): void {
    const step = (event: Parameters<Master['step']>[0]): void =>
      this.#perform(this.#master.step(event, this.#now()))
    if (settlesEpochs(action, null, step)) return
    switch (action.do) {
      case 'send':
        if (action.link !== this.#link || !this.#up) return
        this.bodies.push(action.body)
        this.#deliver({ on: 'body', body: action.body })
        return
      case 'drop':
        if (action.link !== this.#link) return
        this.#up = false
        this.#deliver({ on: 'link-down' })
        return
      case 'enrol': {
        const { staticKey, psk, attempt, link } = action
        this.#record = { ...this.#record, staticKey, psk, attempt }
        this.#load()
        step({ on: 'enrolled', link, result: 'stored' })
        return
      }
      case 'commit-epoch':
        step({ on: 'epoch-committed', link: action.link, stored: true })
        return
      case 'append':
        step({ on: 'appended', device: action.device, durable: true })
        return
      case 'receipt':
        this.#keep(action.receipt)
        return
      case 'refused':
        this.refused.push(action.code satisfies FaultCode)
        return
      case 'status':
        this.status = action.status
        return
      case 'meter-clock':
        this.clocks.push(action.report)
        return
      case 'connected':
      case 'disconnected':
      case 'command-sent':
      case 'called-under':
      case 'unreadable':
      case 'anchor':
        return
      default:
        unreachable(action)
    }
  }

  #keep(receipt: Receipt): void {
    this.heard.push(receipt)
    const { number } = receipt
    const durable = !this.databaseFails
    this.databaseFails = false
    const command = this.given.find((entry) => entry.number === number)
    assert.ok(command !== undefined, 'a receipt for a command that was given')
    if (durable) command.receipt ??= receipt
    const event = { on: 'receipt-stored', device: DEVICE, number, durable } as const
    this.#perform(this.#master.step(event, this.#now()))
    this.look()
  }
}
