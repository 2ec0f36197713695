// The one published program for keys that change with a time tag
// (SunnYNehrA01/TimeStamp_AES_Refresh at b5fd6d9, "Timestamp Code.ipynb") sends 60 packets, one a
// second, and lets the receiver's clock be a second ahead at some changes of the key: at 30 s in
// with keys of 10 s, at 15, 40 and 55 s in with keys of 5 s. Each such packet is lost: 98.3 % and
// 95.0 % come through. The same drifts here, with a key for every second, through the real cores of
// slave and master.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startMaster } from '../../services/master/core/master.ts'
import type { MasterAction, MasterEvent } from '../../services/master/core/state.ts'
import { startAgent } from '../../services/slave/core/agent.ts'
import type { AgentAction, AgentEvent } from '../../services/slave/core/state/events.ts'
import type { AcceptedFrame } from '../../shared/handover/sink.ts'
import { nodeSuite } from '../../shared/node/node-suite.ts'
import { monoUs, unixUs } from '../../shared/units.ts'
import { Disk } from './disk.ts'
import { modelMeter } from './meters.ts'
import { chanceOf } from './prng.ts'
import { SECOND, type TrueUs } from './world.ts'

const START = 1_800_000_000 * SECOND
const PACKETS = 60
const DEVICE = '00112233aabbccdd'
const LINK = 1

/** Seconds into the run, and by how many seconds the receiver's clock is ahead there. */
type Drifts = ReadonlyMap<number, number>
const PUBLISHED_10 = new Map([[30, 1]])
const PUBLISHED_5 = new Map([
  [15, 1],
  [40, 1],
  [55, 1],
])

/** The published rule, word for word in its arithmetic: at a change of the key a drift gives the
 * receiver another key, and it realigns after that packet. */
function publishedDelivers(keySeconds: number, drifts: Drifts): number {
  let delivered = 0
  for (let at = 0; at < PACKETS; at += 1) {
    const changes = at > 0 && at % keySeconds === 0
    if (!(changes && drifts.has(at))) delivered += 1
  }
  return delivered
}

interface Delivered {
  readonly packets: number
  /** Keys that were used for them. */
  readonly keys: number
  readonly refused: number
}

/** Slave and master on a line without delay, a reading every second. `lasts`: seconds for which a
 * drift stays. */
class Line {
  now: TrueUs = START
  refused = 0
  readonly frames: AcceptedFrame[] = []
  readonly #chance = chanceOf(1, 'drift')
  readonly #disk = new Disk(1_000)
  readonly #drifts: Drifts
  readonly #lasts: number
  readonly #meter = modelMeter('M-1', 7)
  readonly #master
  readonly #agent
  #up = false

  constructor(drifts: Drifts, lasts: number) {
    this.#drifts = drifts
    this.#lasts = lasts
    const { bytes } = this.#chance
    const keyPair = (privateKey: Uint8Array) => ({
      privateKey,
      publicKey: nodeSuite.publicKey(privateKey),
    })
    const [own, masters, psk] = [keyPair(bytes(32)), keyPair(bytes(32)), bytes(32)]
    this.#master = startMaster({
      suite: nodeSuite,
      random: bytes,
      staticKeys: [masters],
      toleranceSeconds: 10,
      unwrap: (wrapped) => wrapped.slice(),
    })
    const record = { id: DEVICE, name: 'attic', staticKey: own.publicKey, psk, attempt: 1 }
    const devices = [{ ...record, revoked: false, historyFrom: null }]
    this.#master.load({ devices, tokens: [], epochs: [], positions: [] }, this.#mastersNow())
    const device = Uint8Array.fromHex(DEVICE)
    const masterKey = masters.publicKey
    const identity = { staticKey: own.privateKey, attempt: 1, masterKey, psk, device }
    this.#disk.commit({ identity })
    this.#agent = startAgent({
      suite: nodeSuite,
      random: bytes,
      stored: this.#disk.load(),
      token: null,
      meters: [{ meter: 'M-1', everyMs: 1_000, push: true, history: false }],
      wall: unixUs(START),
      mono: monoUs(START),
    })
    this.connect()
  }

  connect(): void {
    if (this.#up) return
    this.#up = true
    this.#tell({ on: 'opened', link: LINK, transport: 'tcp', source: 'attic' })
    this.#give({ on: 'link-up' })
  }

  tick(): void {
    this.#give({ on: 'tick' })
    this.#tell({ on: 'tick' })
  }

  read(): void {
    const readings = this.#meter.now(this.now)
    const said = { on: 'readings', meter: 'M-1', request: 'push', more: false } as const
    this.#give({ ...said, readings, at: monoUs(this.now) })
  }

  #mastersNow(): { at: ReturnType<typeof unixUs>; bound: number } {
    const second = Math.floor((this.now - START) / SECOND)
    let ahead = 0
    for (const [from, by] of this.#drifts) {
      if (second >= from && second < from + this.#lasts) ahead = by
    }
    return { at: unixUs(this.now + ahead * SECOND), bound: 1_000 }
  }

  #give(event: AgentEvent): void {
    for (const action of this.#agent.step(event, monoUs(this.now))) this.#slaveDoes(action)
  }

  #tell(event: MasterEvent): void {
    for (const action of this.#master.step(event, this.#mastersNow())) this.#masterDoes(action)
  }

  #slaveDoes(action: AgentAction): void {
    if (action.do === 'send') {
      if (this.#up) this.#tell({ on: 'body', link: LINK, body: action.body })
    } else if (action.do === 'commit') {
      const verdict = this.#disk.commit(action.commit)
      assert.ok(verdict.ok)
      this.#give({ on: 'committed', backlog: verdict.backlog, trimmed: verdict.trimmed })
    } else if (action.do === 'fetch') {
      const { query } = action
      this.#give({ on: 'fetched', epoch: query.epoch, found: this.#disk.fetch(query) })
    } else if (action.do === 'drop') {
      this.#up = false
      this.#tell({ on: 'closed', link: LINK })
    }
  }

  #masterDoes(action: MasterAction): void {
    if (action.do === 'send') {
      if (this.#up) this.#give({ on: 'body', body: action.body })
    } else if (action.do === 'append') {
      this.frames.push(...action.frames)
      this.#tell({ on: 'appended', device: action.device, durable: true })
    } else if (action.do === 'commit-epoch') {
      this.#tell({ on: 'epoch-committed', link: LINK, stored: true })
    } else if (action.do === 'refused') {
      this.refused += 1
    } else if (action.do === 'drop') {
      this.#up = false
      this.#give({ on: 'link-down' })
    }
  }
}

function deliver(drifts: Drifts, lasts: number): Delivered {
  const line = new Line(drifts, lasts)
  for (let packet = 0; packet < PACKETS; packet += 1) {
    line.now = START + packet * SECOND + SECOND / 2
    line.connect()
    line.read()
    line.tick()
  }
  // What had to wait for a new link comes at once after it.
  for (let more = 0; more < 10; more += 1) {
    line.now += SECOND / 4
    line.connect()
    line.tick()
  }
  const readings = line.frames.filter(({ content }) => content.kind === 'readings')
  const keys = new Set(readings.map(({ position }) => `${position.epoch} ${position.second}`))
  return { packets: readings.length, keys: keys.size, refused: line.refused }
}

const percent = (packets: number): string => `${((packets / PACKETS) * 100).toFixed(1)} %`

test('the published program loses what it says it loses', () => {
  assert.equal(percent(publishedDelivers(30, new Map())), '100.0 %')
  assert.equal(percent(publishedDelivers(10, PUBLISHED_10)), '98.3 %')
  assert.equal(percent(publishedDelivers(5, PUBLISHED_5)), '95.0 %')
})

for (const [name, drifts, lasts] of [
  ['no drift', new Map<number, number>(), 1],
  ['the drifts published for keys of 10 s', PUBLISHED_10, 1],
  ['the drifts published for keys of 5 s', PUBLISHED_5, 1],
  ['the same, each for 5 s', PUBLISHED_5, 5],
  ['the same, the receiver behind', new Map([...PUBLISHED_5].map(([at]) => [at, -1])), 1],
] as const) {
  test(`${name}: all come through, each under the key of its own second`, (context) => {
    const { packets, keys, refused } = deliver(drifts, lasts)
    context.diagnostic(
      `${packets} of ${PACKETS} delivered (${percent(packets)}), ${keys} keys, ${refused} refused`,
    )
    assert.deepEqual({ packets, keys, refused }, { packets: PACKETS, keys: PACKETS, refused: 0 })
  })
}

test('a receiver 15 s behind refuses, and still nothing is lost', (context) => {
  const behind = new Map([...PUBLISHED_5].map(([at]) => [at, -15]))
  const { packets, keys, refused } = deliver(behind, 1)
  context.diagnostic(
    `${packets} of ${PACKETS} delivered (${percent(packets)}), ${keys} keys, ${refused} refused`,
  )
  assert.equal(packets, PACKETS)
  assert.ok(refused > 0, 'beyond the tolerance of 10 s')
})
