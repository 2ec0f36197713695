// A slave leaves a good session for one with a new epoch, an hour old or a little more (wire.md 4):
// no fault, nothing lost, and not in the middle of what is on its way.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startMaster } from '../../../services/master/core/master.ts'
import type { MasterAction } from '../../../services/master/core/state.ts'
import { type Agent, startAgent } from '../../../services/slave/core/agent.ts'
import type { AgentAction, AgentEvent } from '../../../services/slave/core/state/events.ts'
import type { OutboxCommit } from '../../../services/slave/core/state/stored.ts'
import type { AcceptedFrame } from '../../../shared/handover/sink.ts'
import { ACTIVE_IMPORT_TOTAL } from '../../../shared/meter/obis.ts'
import { nodeRandom, nodeSuite } from '../../../shared/node/node-suite.ts'
import { monoUs, unixUs } from '../../../shared/units.ts'
import { Disk } from '../../sim/disk.ts'
import { DEVICE, keyPair } from '../pairs/session-pair.ts'

const BEGIN = 1_800_000_000_000_000
const SECOND = 1_000_000
const MINUTE = 60 * SECOND

/** One slave and the master, whose clocks agree; lines, disk and sink take no time. */
class House {
  /** Epochs the master was asked to store. */
  readonly epochs: number[] = []
  readonly rows: AcceptedFrame[] = []
  /** Why the slave left its link, and when, seconds. */
  readonly left: { readonly fault: string | null; readonly at: number }[] = []
  readonly reported: string[] = []
  /** Acknowledgements get lost on the way while true. */
  deaf = false
  mono = 0
  readonly agent: Agent
  readonly #disk = new Disk(100_000)
  readonly #master
  #link = 0

  constructor(spread = 0) {
    const [own, masters, psk] = [keyPair(), keyPair(), nodeRandom(32)]
    this.#master = startMaster({
      suite: nodeSuite,
      random: nodeRandom,
      staticKeys: [masters],
      toleranceSeconds: 10,
      unwrap: (wrapped) => wrapped,
    })
    const record = { id: DEVICE, name: 'attic', staticKey: own.publicKey, psk }
    const devices = [{ ...record, attempt: 1, revoked: false, historyFrom: null }]
    this.#master.load({ devices, tokens: [], epochs: [], positions: [] }, this.#now())
    const identity = { staticKey: own.privateKey, masterKey: masters.publicKey, psk, attempt: 1 }
    this.agent = startAgent({
      suite: nodeSuite,
      // One byte is drawn where something is spread over time.
      random: (length) => (length === 1 ? Uint8Array.of(spread) : nodeRandom(length)),
      stored: {
        ...new Disk(1_000).load(),
        identity: { ...identity, device: Uint8Array.fromHex(DEVICE) },
      },
      token: null,
      meters: [{ meter: 'M-1', everyMs: 86_400_000, push: false, history: false }],
      wall: unixUs(BEGIN),
      mono: monoUs(0),
    })
  }

  connect(): void {
    this.#link += 1
    const opened = { on: 'opened', link: this.#link, transport: 'tcp', source: 'home' } as const
    this.#master.step(opened, this.#now())
    this.tell({ on: 'link-up' })
  }

  /** Ticks, a second each, until the slave leaves its link; at most so long. */
  untilLeft(limitUs: number): void {
    const before = this.left.length
    const end = this.mono + limitUs
    while (this.left.length === before && this.mono < end) {
      this.mono += SECOND
      this.tell({ on: 'tick' })
    }
  }

  /** A meter answers. */
  read(value: number): void {
    this.tell({
      on: 'readings',
      meter: 'M-1',
      request: 'now',
      more: false,
      at: monoUs(this.mono),
      readings: [
        {
          meter: 'M-1',
          register: ACTIVE_IMPORT_TOTAL,
          value,
          exponent: 0,
          unit: 30,
          source: 'live',
          meterTime: null,
          checked: true,
        },
      ],
    })
  }

  tell(event: AgentEvent): void {
    for (const action of this.agent.step(event, monoUs(this.mono))) this.#perform(action)
  }

  #now() {
    return { at: unixUs(BEGIN + this.mono), bound: 20_000 }
  }

  #perform(action: AgentAction): void {
    switch (action.do) {
      case 'send':
        this.#toMaster({ on: 'body', link: this.#link, body: action.body })
        return
      case 'commit':
        this.#commit(action.commit)
        return
      case 'fetch': {
        const { query } = action
        this.tell({ on: 'fetched', epoch: query.epoch, found: this.#disk.fetch(query) })
        return
      }
      case 'drop':
        this.left.push({ fault: action.fault, at: Math.round(this.mono / SECOND) })
        this.#toMaster({ on: 'closed', link: this.#link })
        this.tell({ on: 'link-down' })
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

  #commit(commit: OutboxCommit): void {
    const verdict = this.#disk.commit(commit)
    assert.ok(verdict.ok)
    this.tell({ on: 'committed', backlog: verdict.backlog, trimmed: verdict.trimmed })
  }

  #toMaster(event: Parameters<ReturnType<typeof startMaster>['step']>[0]): void {
    for (const action of this.#master.step(event, this.#now())) this.#answer(action)
  }

  #answer(action: MasterAction): void {
    if (action.do === 'send' && !this.deaf) this.tell({ on: 'body', body: action.body })
    if (action.do === 'commit-epoch') {
      this.epochs.push(action.id)
      this.#toMaster({ on: 'epoch-committed', link: action.link, stored: true })
    }
    if (action.do === 'append') {
      this.rows.push(...action.frames)
      this.#toMaster({ on: 'appended', device: action.device, durable: true })
    }
  }
}

const valuesOf = (rows: readonly AcceptedFrame[]): readonly number[] =>
  rows.flatMap(({ content }) =>
    content.kind === 'readings'
      ? content.groups.flatMap(({ readings }) => readings.map(({ value }) => value))
      : [],
  )

for (const [spread, seconds] of [
  [0, 3_600],
  [128, 3_750],
  [255, 3_899],
] as const) {
  test(`after ${seconds} s the slave calls again and gets a new epoch; no fault, nothing lost`, () => {
    const house = new House(spread)
    house.connect()
    house.read(1)
    house.untilLeft(2 * 60 * MINUTE)
    assert.equal(house.left.length, 1)
    const [left] = house.left
    assert.equal(left?.fault, null)
    assert.ok(Math.abs((left?.at ?? 0) - seconds) <= 1, `left at ${left?.at} s`)
    assert.equal(house.agent.view(monoUs(house.mono)).linked, false)
    house.read(2)
    house.connect()
    house.read(3)
    const [first, second] = house.epochs
    assert.equal(house.epochs.length, 2)
    assert.notEqual(first, second)
    assert.deepEqual(valuesOf(house.rows), [1, 2, 3])
    assert.equal(house.rows.at(-1)?.position.epoch, second)
    house.untilLeft(30 * MINUTE)
    assert.equal(house.left.length, 1)
    assert.deepEqual(house.reported, [])
    assert.equal(house.agent.view(monoUs(house.mono)).faults.size, 0)
  })
}

test('a link that comes up again within the hour keeps its epoch, and the hour goes on', () => {
  const house = new House()
  house.connect()
  house.untilLeft(40 * MINUTE)
  assert.deepEqual(house.left, [])
  house.tell({ on: 'link-down' })
  house.connect()
  house.untilLeft(60 * MINUTE)
  assert.equal(house.epochs.length, 1)
  assert.deepEqual(house.left, [{ fault: null, at: 3_600 }])
})

test('frames on their way put it off, for two minutes', () => {
  const house = new House()
  house.connect()
  house.untilLeft(59 * MINUTE)
  house.deaf = true
  house.read(1)
  house.untilLeft(60 * MINUTE)
  assert.deepEqual(house.left, [{ fault: null, at: 3_721 }])
  house.deaf = false
  house.connect()
  assert.deepEqual(valuesOf(house.rows), [1])
})
