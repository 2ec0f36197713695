// Every rule of the simulator is able to fail: each is given a history with one thing forged, and
// names itself. A rule that never fired in any world is proven here to look at something.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toHex } from '../../shared/bytes.ts'
import { nodeSuite } from '../../shared/node/node-suite.ts'
import { second, spanMs, spanUs, type UnixMs, unixMs, unixUs } from '../../shared/units.ts'
import type { AgentView } from '../../services/slave/core/state/events.ts'
import { billAll } from './bills.ts'
import { Desk } from './desk.ts'
import { DEVICE, History, interval } from './forgeries.ts'
import { Broken } from './hold.ts'
import { modelMeter } from './meters.ts'
import { trusts, unforked } from './robber.ts'
import { bounded } from './slave-rules.ts'

/** A run with an opener and two frames of one interval each, none of them in the ledger. */
function history(): History {
  const made = new History()
  made.store([interval(1)])
  made.store([interval(2)])
  return made
}

/** The same, whole in the ledger. */
function delivered(): History {
  const made = history()
  for (const number of made.frames.keys()) made.take(number)
  return made
}

const breaks = (rule: string, forge: () => void): void =>
  assert.throws(forge, (error) => error instanceof Broken && error.message.startsWith(`${rule}:`))

const nothingHeld = { holds: (): boolean => false, tidiedBefore: 0 }

test('a true history breaks no rule: three frames, two rows', () => {
  const { observer } = delivered()
  observer.book.accounted(DEVICE, nothingHeld)
  observer.audit()
  assert.equal(observer.book.lacking(DEVICE), null)
  assert.deepEqual([observer.frames, observer.rows, observer.held], [3, 2, 2])
})

test('lost: a frame that is in no outbox and no ledger', () => {
  const made = history()
  made.take(0)
  made.take(1)
  breaks('lost', () => made.observer.book.accounted(DEVICE, nothingHeld))
  const holds = (run: number, sequence: number): boolean => run === 1 && sequence === 2
  made.observer.book.accounted(DEVICE, { holds, tidiedBefore: 0 })
  assert.equal(made.observer.book.lacking(DEVICE), `${DEVICE} 1 1 at 2 of 3`)
})

test('interval twice: one interval of a meter in two frames', () => {
  const made = delivered()
  made.store([interval(2)])
  breaks('interval twice', () => made.take(3))
})

test('forged, altered: a frame nobody stored, and one with another hash', () => {
  const made = history()
  breaks('forged', () => made.take(0, { run: 2 }))
  breaks('altered', () => made.take(0, { hash: new Uint8Array(32) }))
})

test('accepted twice: a frame that a master knows to be durable', () => {
  const made = delivered()
  breaks('accepted twice', () => made.take(2))
})

test('gap in the ledger: a frame before the one that comes next', () => {
  const made = history()
  breaks('gap in the ledger', () => made.take(1))
})

test('run left behind: an opener while the run before it is not whole', () => {
  const made = history()
  made.take(0)
  made.leave()
  made.store([interval(3)])
  breaks('run left behind', () => made.take(3))
})

test('not as it was sealed: fewer rows, or none that can be read', () => {
  const made = history()
  made.take(0)
  breaks('not as it was sealed', () => made.take(1, { content: { kind: 'readings', groups: [] } }))
  const unreadable = { kind: 'unreadable', plaintext: new Uint8Array(0) } as const
  breaks('not as it was sealed', () => history().take(0, { content: unreadable }))
})

test('forged reading: a row that no meter said', () => {
  const made = history()
  made.store([interval(3)], { said: false })
  for (const number of [0, 1, 2]) made.take(number)
  breaks('stamp', () => made.take(3))
  const { content } = history().accepted(1)
  assert.ok(content.kind === 'readings' && content.groups.length === 1)
  const groups = content.groups.map((group) => ({ ...group, readings: [interval(1, 999)] }))
  const other = history()
  other.take(0)
  breaks('forged reading', () => other.take(1, { content: { kind: 'readings', groups } }))
})

test('clock bound: a stamp further from the truth than it states', () => {
  const made = new History()
  made.store([interval(1)], { clockErrorMs: 60 })
  made.take(0)
  breaks('clock bound', () => made.take(1))
})

test('anchor: an anchor dates a reading outside its own bound', () => {
  const made = delivered()
  const anchor = { process: '00', processMs: 1_000, utc: unixMs(1_800_000_001_000) }
  made.observer.anchored(DEVICE, { ...anchor, bound: spanMs(5) })
  const off = unixMs(anchor.utc + 60)
  breaks('anchor', () => made.observer.anchored(DEVICE, { ...anchor, utc: off, bound: spanMs(5) }))
})

test('given up though whole: a tombstone for a frame that did not rot', () => {
  const made = history()
  made.take(0)
  const tombstone = { kind: 'given-up', first: 1, reason: 'damaged' } as const
  breaks('given up though whole', () => made.take(1, { content: tombstone }))
  const rotten = history()
  rotten.take(0)
  rotten.observer.book.rots(DEVICE, { epoch: 1, run: 1, sequence: 1 }, false)
  rotten.take(1, { content: tombstone })
  rotten.take(2)
  rotten.observer.audit()
  const { sealed, rows, exceptions } = rotten.observer.book.accounts()
  assert.deepEqual([sealed, rows, exceptions.get('given up')], [2, 1, 1])
  assert.deepEqual([...rotten.observer.book.excepted()].length, 1)
})

test('a tombstone over a frame that is in the ledger, unknown to the master: its rows stay', () => {
  const made = history()
  made.take(0)
  made.observer.takes(made.accepted(1), false)
  for (const sequence of [1, 2])
    made.observer.book.rots(DEVICE, { epoch: 1, run: 1, sequence }, false)
  made.take(2, { content: { kind: 'given-up', first: 1, reason: 'damaged' } })
  made.observer.audit()
  const { rows, exceptions } = made.observer.book.accounts()
  assert.deepEqual([rows, exceptions.get('given up')], [1, 1])
})

test('given up though whole: "forgotten", where no ledger was set back', () => {
  const made = history()
  const forgotten = { kind: 'given-up', first: 0, reason: 'forgotten' } as const
  breaks('given up though whole', () => made.take(1, { content: forgotten }))
})

test('skipped though it opens: a frame that is whole', () => {
  const made = history()
  made.take(0)
  const sealed = { kind: 'sealed', body: new Uint8Array(0) } as const
  breaks('skipped though it opens', () => made.take(1, { content: sealed }))
})

test('accounts: a row in the ledger beyond what was sealed', () => {
  const { observer } = delivered()
  observer.held += 1
  breaks('accounts', () => observer.audit())
})

test('a ledger that was set back takes again what it lost, and nothing else twice', () => {
  const made = history()
  made.take(0)
  const restore = made.observer.backup()
  made.take(1)
  restore()
  assert.equal(made.observer.book.lacking(DEVICE), `${DEVICE} 1 1 at 1 of 3`)
  breaks('accepted twice', () => made.take(0))
  made.take(1)
  made.take(2)
  made.observer.audit()
  assert.equal(made.observer.held, 2)
  assert.ok(made.seen.includes('sent again'))
})

test('lost in an unknown epoch is excused where a ledger was set back, and named', () => {
  const made = history()
  made.take(0)
  made.observer.book.knows = () => false
  breaks('lost', () => made.observer.book.accounted(DEVICE, nothingHeld))
  made.observer.backup()()
  made.observer.book.accounted(DEVICE, nothingHeld)
  assert.equal(made.observer.book.accounts().exceptions.get('epoch lost'), 2)
})

test('forgotten: a week after it was durable, where a ledger was set back; not a day earlier', () => {
  const made = history()
  const restore = made.observer.backup()
  for (const number of made.frames.keys()) made.take(number)
  restore()
  breaks('lost', () => made.observer.book.accounted(DEVICE, nothingHeld))
  const tidiedBefore = unixMs(1_800_000_100_000)
  made.observer.book.accounted(DEVICE, { ...nothingHeld, tidiedBefore })
  assert.equal(made.observer.book.lacking(DEVICE), null)
  assert.equal(made.observer.book.accounts().exceptions.get('forgotten'), 2)
})

test('fork: reported by a slave whose disk was never set back', () => {
  const { observer } = delivered()
  breaks('fork', () => observer.report(DEVICE, 'SEC-FORK'))
  observer.diskSetBack(DEVICE, () => 0)
  observer.report(DEVICE, 'SEC-FORK')
  assert.equal(observer.reported.get('SEC-FORK'), 1)
})

test('revoked: a frame of a device that is out', () => {
  const made = history()
  made.observer.banned.add(DEVICE)
  breaks('revoked', () => made.take(0))
})

test('outbox gap, index went back, sealed elsewhere, nonce reused: what a disk may not take', () => {
  const made = history()
  const { observer } = made
  const origin = (): UnixMs => unixMs(1_800_000_000_000)
  const opener = made.frames[0]?.stored
  const [next] = made.store([interval(3)], { commits: false })
  assert.ok(opener !== undefined && next !== undefined)
  breaks('outbox gap', () => observer.committed(DEVICE, 1, [opener], origin))
  const earlier = { ...next, second: second(0) }
  breaks('index went back', () => observer.committed(DEVICE, 1, [earlier], origin))
  const elsewhere = new History().observer
  breaks('sealed elsewhere', () => elsewhere.committed(DEVICE, 1, [opener], origin))
  const aead = observer.watch(nodeSuite).aead(new Uint8Array(32))
  const [nonce, aad] = [new Uint8Array(12), new Uint8Array(64)]
  aead.seal(nonce, aad, new Uint8Array(4))
  breaks('nonce reused', () => aead.seal(nonce, aad, new Uint8Array(5)))
})

test('sent before it was stored, sent other bytes: what goes out on a line', () => {
  const { frames, observer } = history()
  const body = frames[0]?.stored.body
  assert.ok(body !== undefined)
  observer.sends(DEVICE, {}, body)
  const other = body.slice()
  other[body.length - 1] = (body[body.length - 1] ?? 0) ^ 1
  breaks('sent other bytes', () => observer.sends(DEVICE, {}, other))
  breaks('sent before it was stored', () => new History().observer.sends(DEVICE, {}, body))
})

const now = unixMs(1_800_000_000_000)
const HOURLY = { task: 'schedule', meter: 'M-1', seconds: 3_600 } as const

test('command twice: begun again, or ended again', () => {
  const desk = new Desk(() => undefined)
  desk.give(DEVICE, HOURLY, { now, expires: now })
  desk.stored(DEVICE, { number: now, outcome: 'begun', detail: '' })
  breaks('command twice', () => desk.stored(DEVICE, { number: now, outcome: 'begun', detail: '' }))
  desk.stored(DEVICE, { number: now, outcome: 'done', detail: '' })
  const ends = { number: now, outcome: 'unknown', detail: '' } as const
  breaks('command twice', () => desk.stored(DEVICE, ends))
})

test('command of a stranger: a slave stores a number that nobody ever gave', () => {
  const desk = new Desk(() => undefined)
  const back = desk.backup()
  desk.give(DEVICE, HOURLY, { now, expires: now })
  back()
  desk.stored(DEVICE, { number: now, outcome: 'begun', detail: '' })
  breaks('command of a stranger', () =>
    desk.stored(DEVICE, { number: 2 ** 48 - 1, outcome: 'begun', detail: '' }),
  )
})

test('trusts a stranger: a slave stores a key that was never the master’s, as next or as the one', () => {
  const { observer } = new History()
  const [own, strange] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)]
  observer.masterKeys.add(toHex(own))
  const identity = { staticKey: own, attempt: 1, masterKey: own, psk: null, device: null }
  trusts(observer, null)
  trusts(observer, { ...identity, nextMasterKey: null })
  trusts(observer, { ...identity, nextMasterKey: own })
  breaks('trusts a stranger', () => trusts(observer, { ...identity, nextMasterKey: strange }))
  breaks('trusts a stranger', () => trusts(observer, { ...identity, masterKey: strange }))
})

test('fork: a run is given up that no disk explains, also where a thief spoke', () => {
  const { observer } = new History()
  observer.robbed.add(DEVICE)
  observer.report(DEVICE, 'SEC-FORK')
  unforked(observer, DEVICE, [{ run: 1, forked: false }])
  breaks('fork', () => unforked(observer, DEVICE, [{ run: 1, forked: true }]))
  observer.diskSetBack(DEVICE, () => -1)
  unforked(observer, DEVICE, [{ run: 1, forked: true }])
})

test('receipt: another outcome than the slave stored; the first receipt stands', () => {
  const seen: string[] = []
  const desk = new Desk((name) => seen.push(name))
  desk.give(DEVICE, HOURLY, { now, expires: now })
  assert.equal(desk.open().length, 1)
  breaks('receipt', () => desk.take(DEVICE, { number: now, outcome: 'done', detail: '' }))
  desk.stored(DEVICE, { number: now, outcome: 'refused', detail: 'OPS-17' })
  desk.take(DEVICE, { number: now, outcome: 'refused', detail: 'OPS-17' })
  assert.deepEqual([desk.open(), seen], [[], ['command expired']])
})

const DAYS_FROM = unixMs(Date.UTC(2027, 0, 15, 8))
const DAYS_TO = unixMs(Date.UTC(2027, 0, 18, 8))

test('bill: a register that is off by a kilowatt-hour, or a bill without a reading it needs', () => {
  const meter = modelMeter('M-1', 7)
  const span = { from: DAYS_FROM, to: DAYS_TO }
  const never = (): boolean => false
  const truth = (_: string, at: number): number => meter.counted(unixMs(at))
  const right = billAll([meter], span, { registered: truth, excepted: never })
  assert.deepEqual(right, { right: 4, withheld: 0 }, 'three days, and all of them')
  const off = (_: string, at: number): number =>
    truth(_, at) + (at > DAYS_TO - 86_400_000 ? 1_000 : 0)
  breaks('bill', () => billAll([meter], span, { registered: off, excepted: never }))
  const none = (): null => null
  breaks('bill', () => billAll([meter], span, { registered: none, excepted: never }))
  const withheld = billAll([meter], span, { registered: none, excepted: () => true })
  assert.deepEqual(withheld, { right: 0, withheld: 4 })
  const hours = { from: DAYS_FROM, to: unixMs(DAYS_FROM + 3_600_000) }
  const early = billAll([meter], hours, { registered: none, excepted: never })
  assert.deepEqual(early, { right: 0, withheld: 0 })
})

test('memory and clock of a slave: 257 answers, 9 transactions, 1 ms too far off', () => {
  const utc = 1_800_000_000_000_000
  const view: AgentView = {
    device: DEVICE,
    linked: true,
    clock: unixUs(utc),
    clockState: 'S',
    clockBoundMs: 5,
    backlog: { frames: 0, bytes: 0 },
    answersWaiting: 256,
    transactionsWaiting: 8,
    faults: new Map(),
  }
  const truth = { utc, unawareMs: 0 }
  bounded(view, truth)
  breaks('memory', () => bounded({ ...view, answersWaiting: 257 }, truth))
  breaks('memory', () => bounded({ ...view, transactionsWaiting: 9 }, truth))
  const late = { ...view, clock: unixUs(utc - spanUs(5_001)) }
  breaks('clock bound', () => bounded(late, truth))
  bounded(late, { utc, unawareMs: 1 })
})
