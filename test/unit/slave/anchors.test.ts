// Slave and master core against each other, on a slave whose battery is empty: it reads without
// knowing the time, and its readings get their time afterwards.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isUntimed, retime } from '../../../services/billing/readings/core/retiming.ts'
import { startMaster } from '../../../services/master/core/master.ts'
import type { MasterAction, MasterEvent } from '../../../services/master/core/state.ts'
import { startAgent } from '../../../services/slave/core/agent.ts'
import type { AgentAction, AgentEvent } from '../../../services/slave/core/state/events.ts'
import type { OutboxCommit } from '../../../services/slave/core/state/stored.ts'
import { toHex } from '../../../shared/bytes.ts'
import type { AcceptedFrame, ProcessAnchor } from '../../../shared/handover/sink.ts'
import { ACTIVE_IMPORT_TOTAL } from '../../../shared/meter/obis.ts'
import { nodeSuite as suite } from '../../../shared/node/node-suite.ts'
import { Secret } from '../../../shared/secret.ts'
import { fingerprint } from '../../../shared/tves/token.ts'
import { monoUs, unixMs, unixUs } from '../../../shared/units.ts'
import { Disk } from '../../sim/disk.ts'
import { chanceOf } from '../../sim/prng.ts'

const SECOND = 1_000_000
const HOUR = 3_600 * SECOND
/** What the slave's oscillator gains, ppm: a bad crystal, inside the tolerance. */
const DRIFT_PPM = 180
const BEGIN = 1_800_000_000 * SECOND
const random = chanceOf(1, 'anchors').bytes

/** One slave and its master; time moves when told. */
function world() {
  const privateKey = random(32)
  const staticKey = { privateKey, publicKey: suite.publicKey(privateKey) }
  const setup = { suite, random, toleranceSeconds: 10 }
  const master = startMaster({ ...setup, staticKeys: [staticKey], unwrap: (wrapped) => wrapped })
  const mark = fingerprint(suite, staticKey.publicKey)
  const token = { id: random(8), secret: new Secret(random(16)), fingerprint: mark }
  const id = '00112233aabbccdd'
  const unused: { staticKey: Uint8Array | null; psk: Uint8Array | null } = {
    staticKey: null,
    psk: null,
  }
  let record = { id, name: 'attic', ...unused, attempt: 0, revoked: false, historyFrom: null }
  const disk = new Disk(100_000)
  const frames: AcceptedFrame[] = []
  const anchors: ProcessAnchor[] = []
  const refused: string[] = []
  const truth = new Map<number, number>()
  let now = BEGIN
  let agent: ReturnType<typeof startAgent> | null = null
  let link = 0
  let linked = false

  const mono = () => monoUs(Math.floor((now - BEGIN) * (1 + DRIFT_PPM * 1e-6)) - asleep)
  let asleep = 0
  const masterNow = () => ({ at: unixUs(now), bound: 20_000 })
  const load = () => {
    const secret = token.secret.reveal()
    const open = { id: toHex(token.id), device: id, secret, expiresAt: unixMs(9e12) }
    const tokens = [{ ...open, burntBy: record.staticKey }]
    master.load({ devices: [record], tokens, epochs: [], positions: [] }, masterNow())
  }
  /** In the order in which it was asked for, as sockets and disks do. */
  const queue: (() => void)[] = []
  let busy = false
  const inTurn = (happen: () => void): void => {
    queue.push(happen)
    if (busy) return
    busy = true
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) next()
    busy = false
  }
  const toMaster = (event: MasterEvent): void =>
    inTurn(() => follow(master.step(event, masterNow())))
  const follow = (actions: readonly MasterAction[]): void => {
    for (const action of actions) {
      // Nothing comes over a link that the slave has left.
      if (action.do === 'send' && !renewing) step({ on: 'body', body: action.body })
      if (action.do === 'refused') refused.push(action.code)
      if (action.do === 'anchor') anchors.push(action.anchor)
      if (action.do === 'enrol') {
        const { staticKey, psk, attempt } = action
        record = { ...record, staticKey, psk, attempt }
        load()
        toMaster({ on: 'enrolled', link, result: 'stored' })
      }
      if (action.do === 'commit-epoch') toMaster({ on: 'epoch-committed', link, stored: true })
      if (action.do === 'append') {
        frames.push(...action.frames)
        toMaster({ on: 'appended', device: action.device, durable: true })
      }
    }
  }
  const commit = (wanted: OutboxCommit): void => {
    const verdict = disk.commit(wanted)
    assert.ok(verdict.ok)
    step({ on: 'committed', backlog: verdict.backlog, trimmed: verdict.trimmed })
  }
  const step = (event: AgentEvent): void => inTurn(() => perform(agent?.step(event, mono()) ?? []))
  const perform = (actions: readonly AgentAction[]): void => {
    for (const action of actions) {
      if (action.do === 'send' && linked) toMaster({ on: 'body', link, body: action.body })
      if (action.do === 'commit') commit(action.commit)
      if (action.do === 'fetch') {
        const found = disk.fetch(action.query)
        step({ on: 'fetched', epoch: action.query.epoch, found })
      }
      if (action.do === 'read') answer(mono())
      if (action.do !== 'drop') continue
      if (action.fault === null) renewing = true
      else refused.push(`${action.fault} ${action.detail}`)
    }
  }
  /** The slave left its session for one with a new epoch: the shell calls again at once. */
  let renewing = false
  let value = 0
  const answer = (at: ReturnType<typeof mono>): void => {
    value += 1
    truth.set(value, now)
    const register = { meter: 'M-1', register: ACTIVE_IMPORT_TOTAL, exponent: 0, unit: 30 } as const
    const reading = { ...register, value, source: 'live', meterTime: null, checked: true } as const
    step({ on: 'readings', meter: 'M-1', request: 'now', more: false, at, readings: [reading] })
  }
  const setLink = (up: boolean): void => {
    if (linked) step({ on: 'link-down' })
    if (linked) toMaster({ on: 'closed', link })
    linked = up
    if (!up) return
    link += 1
    toMaster({ on: 'opened', link, transport: 'tcp', source: '' })
    step({ on: 'link-up' })
  }
  load()
  return {
    frames,
    anchors,
    refused,
    truth,
    toMaster,
    answer,
    mono,
    start(wall: number) {
      const meters = [{ meter: 'M-1', everyMs: 60_000, push: false, history: false }]
      const stored = disk.load()
      const own = stored.identity?.psk ? null : token
      agent = startAgent({
        suite,
        random,
        stored,
        token: own,
        meters,
        wall: unixUs(wall),
        mono: mono(),
      })
    },
    link: setLink,
    run(us: number) {
      for (const end = now + us; now < end; now += SECOND) {
        step({ on: 'tick' })
        if (!renewing) continue
        renewing = false
        setLink(true)
      }
    },
    /** The power fails for so long. */
    off(us: number) {
      agent = null
      now += us
    },
    sleep(us: number) {
      now += us
      asleep += Math.floor(us * (1 + DRIFT_PPM * 1e-6))
      step({ on: 'slept' })
    },
  }
}

/** Every unsure reading of the frames, with its true time and the one the anchors give. */
function datings({ frames, anchors, truth }: ReturnType<typeof world>) {
  const found: { truth: number; at: number; bound: number; off: number }[] = []
  let process = ''
  for (const { content } of frames) {
    if (content.kind === 'opener') process = content.process
    if (content.kind !== 'readings') continue
    for (const { stamp, readings } of content.groups) {
      if (!isUntimed(stamp, 'live')) continue
      const [reading] = readings
      assert.ok(reading !== undefined)
      const true_ = (truth.get(reading.value) ?? 0) / 1_000
      const own = anchors.filter((anchor) => anchor.process === process)
      const time = retime(stamp.processMs, null, own)
      assert.ok(time !== null, 'an anchor of its own process')
      const { at, bound } = time
      found.push({ truth: true_, at, bound, off: Math.abs(stamp.agentTime - true_) })
    }
  }
  return found
}

test('a dead clock, an hour without a link: every reading gets its time within its bound', () => {
  const slave = world()
  slave.start(BEGIN)
  slave.link(true)
  slave.run(60 * SECOND)
  slave.link(false)
  slave.run(3 * HOUR)
  slave.off(2 * HOUR)
  // The next process believes it is 1970, and knows it is not before what it used last.
  slave.start(0)
  slave.run(HOUR)
  slave.link(true)
  slave.run(120 * SECOND)
  const found = datings(slave)
  assert.ok(found.length >= 58, `${found.length} readings`)
  for (const { truth, at, bound, off } of found) {
    assert.ok(off > 1_000_000, 'the guess was hours off')
    assert.ok(Math.abs(truth - at) <= bound, `${Math.abs(truth - at)} ms off, within ${bound}`)
    assert.ok(bound < 1_000, `an hour at 250 ppm is 0.9 s, not ${bound} ms`)
  }
  assert.deepEqual(slave.refused, [])
})

test('answers of before and after a sleep count in different processes, and so do doubtful ones', () => {
  const slave = world()
  slave.start(BEGIN)
  slave.link(true)
  slave.run(60 * SECOND)
  const before = slave.mono()
  slave.run(SECOND)
  slave.sleep(HOUR)
  const after = slave.mono()
  const tied = slave.anchors.length
  slave.answer(before)
  slave.answer(monoUs(after - 1))
  slave.answer(after)
  slave.answer(before)
  slave.run(60 * SECOND)
  const last = slave.frames.slice(slave.frames.findIndex(isUnknown))
  const kinds = last.map(({ content }) => (content.kind === 'opener' ? content.process : 'reading'))
  const [old, fresh] = [slave.anchors[0]?.process, slave.anchors[tied]?.process]
  // The first goes on in the run of the old process; the second is dated by nobody's anchor, and
  // so is the last: what came before the sleep, when the old process is over.
  const [one, doubtful, two, named, three, again, four] = kinds
  assert.deepEqual(
    [one, two, named, three, four],
    ['reading', 'reading', fresh, 'reading', 'reading'],
  )
  const ids = [old, fresh, doubtful, again]
  assert.equal(new Set(ids).size, ids.length, 'no id comes back')
  const dated = slave.anchors.map(({ process }) => process)
  assert.ok(!dated.includes(doubtful ?? '') && !dated.includes(again ?? ''))
})

const isUnknown = ({ content }: AcceptedFrame): boolean =>
  content.kind === 'readings' && content.groups.some(({ stamp }) => stamp.clockState === 'U')

test('an idle link gives one anchor for each hourly session (wire.md 5.3)', () => {
  const slave = world()
  slave.start(BEGIN)
  slave.link(true)
  slave.run(60 * SECOND)
  const early = slave.anchors.length
  assert.ok(early >= 1 && early <= 4, `${early} anchors in the first minute`)
  slave.run(24 * HOUR)
  const day = slave.anchors.length - early
  assert.deepEqual(slave.refused, [])
  assert.ok(day >= 20 && day <= 30, `${day} anchors in a day`)
  slave.link(false)
  slave.link(true)
  slave.run(5 * SECOND)
  assert.equal(slave.anchors.length, early + day + 1, 'one for the new session')
})
