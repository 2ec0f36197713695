// One slave and one master, the real cores, with a disk and a ledger that can be restored, rot,
// fail or be lost. Everything happens at once unless the test holds it up.

import assert from 'node:assert/strict'
import { type Master, startMaster } from '../../../services/master/core/master.ts'
import type { MasterAction, MasterEvent } from '../../../services/master/core/state.ts'
import { type Agent, startAgent } from '../../../services/slave/core/agent.ts'
import type { AgentAction, AgentEvent } from '../../../services/slave/core/state/events.ts'
import type { OutboxCommit } from '../../../services/slave/core/state/stored.ts'
import { toHex } from '../../../shared/bytes.ts'
import type { Doubt } from '../../../shared/handover/roster.ts'
import type { AcceptedFrame } from '../../../shared/handover/sink.ts'
import { ACTIVE_IMPORT_TOTAL } from '../../../shared/meter/obis.ts'
import { nodeSuite as suite } from '../../../shared/node/node-suite.ts'
import { Secret } from '../../../shared/secret.ts'
import type { Suite } from '../../../shared/tves/suite.ts'
import { fingerprint } from '../../../shared/tves/token.ts'
import { type MonoUs, monoUs, type UnixUs, unixMs, unixUs } from '../../../shared/units.ts'
import { FRAME_BYTE } from '../../../shared/wire/frame.ts'
import { settlesEpochs } from '../../sim/closed-epochs.ts'
import { Disk } from '../../sim/disk.ts'
import { chanceOf } from '../../sim/prng.ts'
import { Ledger } from '../../sim/sink.ts'

/** 2027-01-15T08:00:00Z. */
const START = 1_800_000_000_000_000
const DEVICE = '00112233aabbccdd'
const SECOND = 1_000_000
export const HOUR = 3_600 * SECOND
export const DAY = 24 * HOUR
const random = chanceOf(1, 'recovery').bytes

type Append = Extract<MasterAction, { do: 'append' }>

/** Frames that the master cannot open are of the first run. */
const POISONED_RUN = 1

export class RecoveryWorld {
  now = START
  readonly disk = new Disk(1_000_000)
  /** What the database holds: a row per instant, as its primary key has it. */
  rows = new Map<string, number>()
  exceptions: AcceptedFrame['content'][] = []
  readonly reported: string[] = []
  readonly refused: string[] = []
  readonly doubts: Doubt[] = []
  readonly commits: OutboxCommit[] = []
  /** Alters what goes up the line; null: it gets lost. */
  line: (body: Uint8Array) => Uint8Array | null = (body) => body
  commitFails = false
  /** `lost`: the sink never answers, as when the master dies; `failed`: nothing is stored. */
  sink: 'works' | 'failed' | 'lost' = 'works'
  /** Readings taken so far: their values are 1, 2, 3 ... */
  taken = 0
  agent: Agent
  master: Master
  readonly ledger: Ledger
  readonly #keys: { privateKey: Uint8Array; publicKey: Uint8Array }
  readonly #token: { id: Uint8Array; secret: Secret; fingerprint: Uint8Array }
  readonly #slaveSuite: Suite
  readonly #queue: (() => void)[] = []
  #running = false
  #link = 0
  #up = false
  #process = 0
  #poisoned: number | null = null
  /** Links that are not the slave's, and who hears on them. */
  readonly #foreign = new Map<number, (body: Uint8Array) => void>()

  /** `slaveSuite`: for a test that looks into the slave's memory. */
  constructor(slaveSuite: Suite = suite) {
    this.#slaveSuite = slaveSuite
    const privateKey = random(32)
    this.#keys = { privateKey, publicKey: suite.publicKey(privateKey) }
    const print = fingerprint(suite, this.#keys.publicKey)
    this.#token = { id: random(8), secret: new Secret(random(16)), fingerprint: print }
    this.ledger = new Ledger((frame) => this.#store(frame))
    const record = { id: DEVICE, name: 'attic', staticKey: null, psk: null, historyFrom: null }
    this.ledger.devices.set(DEVICE, { ...record, attempt: 0, revoked: false })
    const id = toHex(this.#token.id)
    const token = { id, device: DEVICE, secret: this.#token.secret.reveal(), burntBy: null }
    this.ledger.tokens.set(id, { ...token, expiresAt: unixMs(9e14) })
    this.master = this.#newMaster()
    this.agent = this.#newAgent(this.now)
  }

  /** A new process of the slave. `wall`: what the operating system's clock says. */
  restartSlave(wall = this.now): void {
    this.disconnect()
    this.#process += 1
    this.agent = this.#newAgent(wall)
  }

  /** The master's key for the frame of this sequence is not the slave's. */
  poison(sequence: number): void {
    this.#poisoned = sequence
  }

  restartMaster(): void {
    this.disconnect()
    this.#queue.length = 0
    this.master = this.#newMaster()
  }

  /** The database as it is now; what comes back puts it back, and the master starts on it. */
  snapshotLedger(): () => void {
    const restoreLedger = this.ledger.backup()
    const rows = new Map(this.rows)
    return () => {
      restoreLedger()
      this.rows = new Map(rows)
      this.restartMaster()
    }
  }

  connect(): void {
    this.disconnect()
    this.#link += 1
    this.#up = true
    this.#toMaster({ on: 'opened', link: this.#link, transport: 'tcp', source: '' })
    this.#toAgent({ on: 'link-up' })
    this.#run()
  }

  /** Connects as often as the slave needs it: it ends a link itself to ask for something else. */
  settle(): void {
    for (let times = 0; times < 8; times += 1) {
      if (!this.#up) this.connect()
      this.pass(2 * SECOND, SECOND / 2)
      if (this.#up && this.disk.waiting().length === 0) return
    }
  }

  /** A link of somebody else's to the master. */
  join(hear: (body: Uint8Array) => void): (body: Uint8Array) => void {
    this.#link += 1
    this.#up = false
    const link = this.#link
    this.#foreign.set(link, hear)
    this.#toMaster({ on: 'opened', link, transport: 'tcp', source: 'elsewhere' })
    return (body) => {
      this.#toMaster({ on: 'body', link, body })
      this.#run()
    }
  }

  disconnect(): void {
    if (!this.#up) return
    this.#up = false
    const link = this.#link
    this.#toMaster({ on: 'closed', link })
    this.#toAgent({ on: 'link-down' })
    this.#run()
  }

  /** Somebody says this to the slave in the master's place. */
  toSlave(body: Uint8Array): void {
    this.#later(() => this.#toAgent({ on: 'body', body }))
    this.#run()
  }

  /** Somebody says this to the master in the slave's place. */
  asSlave(body: Uint8Array): void {
    const link = this.#link
    this.#later(() => this.#toMaster({ on: 'body', link, body }))
    this.#run()
  }

  get linked(): boolean {
    return this.#up
  }

  /** Time passes, with ticks. */
  pass(us: number, step = us): void {
    for (const end = this.now + us; this.now < end; ) {
      this.now = Math.min(end, this.now + step)
      this.#toMaster({ on: 'tick' })
      this.#toAgent({ on: 'tick' })
      this.#run()
    }
  }

  /** So many readings, a second apart. */
  read(count: number): void {
    for (let n = 0; n < count; n += 1) {
      this.pass(SECOND)
      this.taken += 1
      const reading = {
        meter: 'M-1',
        register: ACTIVE_IMPORT_TOTAL,
        value: this.taken,
        exponent: 0,
        unit: 30,
        source: 'live',
        meterTime: null,
        checked: true,
      } as const
      const asked = { meter: 'M-1', request: 'now', more: false } as const
      this.#toAgent({ on: 'readings', ...asked, at: this.mono, readings: [reading] })
      this.#run()
    }
  }

  /** Every reading but those `without` is stored, each once. */
  complete(without: readonly number[] = []): void {
    const values = [...this.rows.values()].sort((a, b) => a - b)
    const all = Array.from({ length: this.taken }, (_, n) => n + 1)
    assert.deepEqual(
      values,
      all.filter((value) => !without.includes(value)),
      this.said(),
    )
  }

  said(): string {
    return [...this.reported, ...this.refused.map((code) => `refused ${code}`)].join('; ')
  }

  get mono(): MonoUs {
    return monoUs(this.now - START)
  }

  #newMaster(): Master {
    const master = startMaster({
      suite: {
        ...suite,
        aead: (key) => {
          const inner = suite.aead(key)
          const open: typeof inner.open = (nonce, aad, sealed) =>
            this.#isPoisoned(aad) ? null : inner.open(nonce, aad, sealed)
          return { seal: (...text) => inner.seal(...text), open }
        },
      },
      random,
      staticKeys: [this.#keys],
      toleranceSeconds: 10,
      unwrap: (wrapped) => wrapped.slice(),
    })
    master.load(this.ledger.content(), this.#masterNow())
    return master
  }

  /** Associated data ends with the frame's header: 20 bytes, 36 of an opener. */
  #isPoisoned(aad: Uint8Array): boolean {
    const header = aad.slice(this.#poisoned === 0 ? -36 : -20)
    if (this.#poisoned === null || aad.length < 60 || header[0] !== FRAME_BYTE) return false
    const view = new DataView(header.buffer)
    return view.getUint32(6) === POISONED_RUN && view.getUint32(14) === this.#poisoned
  }

  #newAgent(wall: number): Agent {
    this.#queue.length = 0
    const stored = this.disk.load()
    return startAgent({
      suite: this.#slaveSuite,
      random,
      stored,
      token: stored.identity?.psk ? null : this.#token,
      meters: [{ meter: 'M-1', everyMs: 86_400_000, push: true, history: false }],
      wall: unixUs(wall),
      mono: this.mono,
    })
  }

  #masterNow(): { at: UnixUs; bound: number } {
    return { at: unixUs(this.now), bound: 1_000 }
  }

  #store({ position, content }: AcceptedFrame): void {
    if (content.kind !== 'readings') {
      if (content.kind !== 'opener') this.exceptions.push(content)
      return
    }
    for (const [index, { value }] of content.groups.flatMap(({ readings }) => readings).entries()) {
      const at = `${position.run} ${position.sequence} ${index}`
      assert.ok((this.rows.get(at) ?? value) === value, `another row at ${at}`)
      this.rows.set(at, value)
    }
  }

  /** What is put in line happens in order; a process or link that is gone hears nothing. */
  #later(happen: () => void): void {
    const [process, link] = [this.#process, this.#link]
    this.#queue.push(() => {
      if (process === this.#process && link === this.#link) happen()
    })
  }

  #run(): void {
    if (this.#running) return
    this.#running = true
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) next()
    this.#running = false
  }

  #toAgent(event: AgentEvent): void {
    for (const action of this.agent.step(event, this.mono)) this.#performAgent(action)
  }

  #performAgent(action: AgentAction): void {
    switch (action.do) {
      case 'send': {
        const body = this.#up ? this.line(action.body) : null
        const link = this.#link
        if (body !== null) this.#later(() => this.#toMaster({ on: 'body', link, body }))
        return
      }
      case 'commit': {
        const { commit } = action
        this.commits.push(commit)
        const verdict = this.commitFails ? null : this.disk.commit(commit)
        const event: AgentEvent = verdict?.ok
          ? { on: 'committed', backlog: verdict.backlog, trimmed: verdict.trimmed }
          : { on: 'commit-failed', fault: 'OPS-04' }
        this.#queue.push(() => this.#toAgent(event))
        return
      }
      case 'fetch': {
        const found = this.disk.fetch(action.query)
        const { epoch } = action.query
        this.#queue.push(() => this.#toAgent({ on: 'fetched', epoch, found }))
        return
      }
      case 'drop':
        this.reported.push(`drop ${action.fault}`)
        this.#queue.push(() => this.disconnect())
        return
      case 'report':
        this.reported.push(`${action.fault} ${action.detail}`)
        return
      case 'read':
      case 'read-history':
      case 'read-clock':
      case 'change-clock':
        return
    }
  }

  #toMaster(event: MasterEvent): void {
    for (const action of this.master.step(event, this.#masterNow())) this.#performMaster(action)
  }

  #performMaster(action: MasterAction): void {
    const { ledger } = this
    if (action.do === 'doubt') this.doubts.push(action.doubt)
    if (settlesEpochs(action, ledger, (event) => this.#toMaster(event))) return
    switch (action.do) {
      case 'send': {
        const hear = this.#foreign.get(action.link)
        if (hear !== undefined) this.#queue.push(() => hear(action.body))
        else if (this.#up) this.#later(() => this.#toAgent({ on: 'body', body: action.body }))
        return
      }
      case 'drop':
        if (!this.#foreign.has(action.link)) this.#queue.push(() => this.disconnect())
        return
      case 'append':
        this.#append(action)
        return
      case 'enrol': {
        const result = ledger.enrol(action)
        this.master.load(ledger.content(), this.#masterNow())
        this.#toMaster({ on: 'enrolled', link: action.link, result })
        return
      }
      case 'commit-epoch':
        ledger.commitEpoch(action)
        this.#toMaster({ on: 'epoch-committed', link: action.link, stored: true })
        return
      case 'refused':
        this.refused.push(action.code)
        return
      case 'connected':
      case 'disconnected':
      case 'status':
      case 'meter-clock':
      case 'anchor':
      case 'called-under':
      case 'command-sent':
      case 'receipt':
      case 'unreadable':
        return
    }
  }

  #append(action: Append): void {
    if (this.sink === 'lost') return
    const durable = this.sink === 'works'
    if (durable) this.ledger.append(action)
    this.#toMaster({ on: 'appended', device: action.device, durable })
  }
}
