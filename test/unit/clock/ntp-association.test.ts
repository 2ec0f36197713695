// One source of time, driven by hand: which answer counts, and what the client does when there is
// none or when the server sends it away.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Association,
  type AssociationAction,
  type AssociationEvent,
  type Envelope,
  PLAIN,
  POLL_MAX,
  POLL_MIN,
  startAssociation,
  stepAssociation,
} from '../../../shared/clock/ntp/association.ts'
import { estimateAt } from '../../../shared/clock/estimate/estimator.ts'
import {
  type NtpHeader,
  readPacket,
  refidOf,
  toStamp,
  writePacket,
} from '../../../shared/clock/ntp/packet.ts'
import { monoUs, spanUs, unixUs } from '../../../shared/units.ts'

const UTC = 1_790_000_000_000_000
const SECOND = 1_000_000

/** A client and what its shell would do: it sends when asked and stamps t1. */
class Client {
  association: Association
  at = 0
  sent: NtpHeader[] = []
  readonly faults: string[] = []
  establish = 0
  #drawn = 0

  constructor(envelope: Envelope = PLAIN) {
    this.association = startAssociation(monoUs(0), envelope)
  }

  step(event: AssociationEvent): readonly AssociationAction[] {
    const random = (length: number) =>
      Uint8Array.from({ length }, () => (this.#drawn = (this.#drawn * 137 + 41) % 251))
    const step = stepAssociation(this.association, event, { random, ours: new Set([0x0a000001]) })
    this.association = step.association
    for (const action of step.actions) {
      if (action.do === 'report') this.faults.push(action.fault)
      if (action.do === 'establish') this.establish += 1
      if (action.do !== 'send') continue
      const read = readPacket(action.datagram)
      assert.ok(read.ok)
      this.sent.push(read.packet)
      this.step({ on: 'sent', at: monoUs(this.at) })
    }
    return step.actions
  }

  /** Runs until the next question is asked. */
  ask(): NtpHeader {
    const before = this.sent.length
    for (let i = 0; i < 10_000 && this.sent.length === before; i += 1) {
      this.at += SECOND / 4
      this.step({ on: 'tick', at: monoUs(this.at) })
    }
    const question = this.sent.at(-1)
    assert.ok(question !== undefined && this.sent.length === before + 1)
    return question
  }

  /** A datagram arrives 10 ms after the question; returns the faults it caused. */
  hear(datagram: Uint8Array): string {
    const before = this.faults.length
    this.step({ on: 'datagram', datagram, at: monoUs(this.at + 10_000) })
    return this.faults.slice(before).join()
  }
}

/** The true server's answer to a question asked at `at`: 5 ms there, 5 ms back. */
const reply = (question: NtpHeader, at: number, other: Partial<NtpHeader> = {}): Uint8Array =>
  writePacket({
    leap: 0,
    version: 4,
    mode: 4,
    stratum: 2,
    poll: 6,
    precision: -20,
    rootDelay: spanUs(2_000),
    rootDispersion: spanUs(500),
    refid: 0x01020304,
    reference: toStamp(unixUs(UTC + at - 20 * SECOND)),
    origin: question.transmit,
    receive: toStamp(unixUs(UTC + at + 5_000)),
    transmit: toStamp(unixUs(UTC + at + 5_000)),
    ...other,
  })

test('an answer becomes a sample whose bound includes all of the server’s stated error', () => {
  const client = new Client()
  assert.equal(client.hear(reply(client.ask(), client.at)), '')
  const estimate = estimateAt(client.association.estimator, monoUs(client.at + 10_000))
  assert.ok(estimate !== null && client.association.sample !== null)
  const { sample, reach } = client.association
  assert.equal(reach, 1)
  assert.equal(sample.utc - sample.mono, UTC)
  assert.equal(sample.roundTripDelay, 10_000)
  // Half of 10 ms, half of the root delay, the root dispersion; drift, precision and rounding.
  assert.ok(sample.bound >= 5_000 + 1_000 + 500 && sample.bound < 6_500 + 32, `${sample.bound}`)
})

test('a question reveals nothing about us: random bits, new each time', () => {
  const client = new Client()
  const questions = Array.from({ length: 8 }, () => client.ask())
  assert.equal(new Set(questions.map(({ transmit }) => transmit)).size, 8)
  for (const question of questions) {
    const { leap, version, mode, stratum, refid, reference, origin, receive } = question
    assert.deepEqual([leap, version, mode, stratum, refid], [0, 4, 3, 0, 0])
    assert.deepEqual([reference, origin, receive], [0n, 0n, 0n])
  }
})

test('one answer per question: bogus, repeated and late ones are CLK-04 and change nothing', () => {
  const client = new Client()
  const first = client.ask()
  const bogus = reply(first, client.at, { origin: first.transmit ^ 1n })
  assert.equal(client.hear(bogus), 'CLK-04')
  assert.equal(client.hear(reply(first, client.at, { origin: 0n })), 'CLK-04')
  assert.equal(client.hear(reply(first, client.at, { mode: 5 })), 'CLK-04')
  assert.equal(client.association.reach, 0)
  // Bogus ones do not close the question.
  const good = reply(first, client.at)
  assert.equal(client.hear(good), '')
  const after = client.association
  assert.equal(client.hear(good), 'CLK-04')
  assert.equal(client.association, after)
  const asked = client.at
  client.ask()
  assert.equal(client.hear(reply(first, asked)), 'CLK-04')
})

test('an answer that cannot be believed is refused by code, and the source stays unreached', () => {
  const cases: readonly [Partial<NtpHeader>, string][] = [
    [{ leap: 3 }, 'CLK-07'],
    [{ stratum: 16 }, 'CLK-07'],
    [{ refid: 0x0a000001 }, 'CLK-07'],
    [{ rootDispersion: spanUs(1_500_001) }, 'CLK-07'],
    [{ rootDelay: spanUs(3_000_001) }, 'CLK-07'],
    [{ precision: 1 }, 'CLK-07'],
    [{ transmit: 0n }, 'CLK-02'],
    [{ receive: 0n }, 'CLK-02'],
    [{ reference: toStamp(unixUs(UTC + 1e15)) }, 'CLK-02'],
    [{ transmit: toStamp(unixUs(UTC)) }, 'CLK-02'],
    [{ transmit: toStamp(unixUs(UTC + 30 * SECOND)) }, 'CLK-02'],
  ]
  for (const [wrong, fault] of cases) {
    const client = new Client()
    const [name = ''] = Object.keys(wrong)
    assert.equal(client.hear(reply(client.ask(), client.at, wrong)), fault, name)
    assert.equal(client.association.reach, 0)
    assert.equal(client.association.sample, null)
    assert.match(client.association.note, new RegExp(fault))
  }
  // The other side of each edge.
  const fine: readonly Partial<NtpHeader>[] = [
    { stratum: 15 },
    { stratum: 1, refid: 0x0a000001 },
    { rootDispersion: spanUs(490_000), rootDelay: spanUs(2_000_000) },
    { leap: 2 },
    { version: 3 },
    { reference: 0n },
  ]
  for (const other of fine) {
    const client = new Client()
    assert.equal(client.hear(reply(client.ask(), client.at, other)), '')
    assert.equal(client.association.reach, 1)
  }
})

test('what is not a packet is refused with its own code', () => {
  const client = new Client()
  client.ask()
  assert.equal(client.hear(new Uint8Array(47)), 'WIR-03')
  assert.equal(client.hear(new Uint8Array(48)), 'WIR-01')
  assert.equal(client.hear(new Uint8Array(2_000)), 'WIR-02')
})

test("kiss-o'-death: DENY and RSTR end the asking, RATE doubles the interval for good", () => {
  for (const letters of ['DENY', 'RSTR']) {
    const client = new Client()
    const kiss = reply(client.ask(), client.at, { stratum: 0, refid: refidOf(letters) })
    assert.equal(client.hear(kiss), 'CLK-12')
    client.at += 100_000 * SECOND
    client.step({ on: 'tick', at: monoUs(client.at) })
    client.step({ on: 'slept', at: monoUs(client.at) })
    client.step({ on: 'tick', at: monoUs(client.at) })
    assert.equal(client.sent.length, 1)
    // Even then its name is looked up again, and operators see why it is not asked.
    assert.equal(client.association.silent, true)
    assert.match(client.association.note, new RegExp(letters))
  }
  const client = new Client()
  const rate = { stratum: 0, refid: refidOf('RATE') }
  assert.equal(client.hear(reply(client.ask(), client.at, rate)), 'CLK-12')
  const before = client.at
  client.hear(reply(client.ask(), client.at))
  assert.ok(client.at - before >= 2 ** (POLL_MIN + 1) * SECOND, 'no burst, and slower')
  for (let i = 0; i < 20; i += 1) client.ask()
  assert.ok(client.association.poll > POLL_MIN)
  // No server can drive it beyond the longest interval.
  for (let i = 0; i < 20; i += 1) client.hear(reply(client.ask(), client.at, rate))
  assert.equal(client.association.poll, 10)
  // One forged without our random bits has no effect.
  const forged = reply(client.ask(), client.at, { stratum: 0, refid: refidOf('DENY'), origin: 7n })
  assert.equal(client.hear(forged), 'CLK-04')
  assert.equal(client.association.stopped, false)
})

test('asks four times in a row, then every 64 s, up to 256 s while answers are good', () => {
  const client = new Client()
  const times = Array.from({ length: 40 }, () => {
    client.hear(reply(client.ask(), client.at))
    return client.at / SECOND
  })
  const waits = times.slice(1).map((time, index) => time - (times[index] ?? 0))
  assert.deepEqual(waits.slice(0, 3), [2.5, 2.5, 2.5])
  for (const [index, wait] of waits.slice(3).entries()) {
    const poll = Math.min(POLL_MAX, POLL_MIN + Math.floor((index + 1) / 4))
    assert.ok(wait > 2 ** poll * 0.9 - 1 && wait < 2 ** (poll + 1), `${index}: ${wait}`)
  }
  assert.equal(client.association.poll, POLL_MAX)
  assert.equal(client.association.reach, 0xff)
})

test('silence is reported once, probed more and more rarely, and ended by the first answer', () => {
  const client = new Client()
  for (let i = 0; i < 30; i += 1) client.ask()
  assert.deepEqual(client.faults, ['CLK-12'])
  assert.equal(client.association.poll, POLL_MAX)
  client.hear(reply(client.ask(), client.at))
  assert.equal(client.association.reach, 1)
  // It answered once, so it is lost only after eight polls without an answer.
  for (let i = 0; i < 8; i += 1) client.ask()
  assert.deepEqual(client.faults, ['CLK-12'])
  for (let i = 0; i < 2; i += 1) client.ask()
  assert.deepEqual(client.faults, ['CLK-12', 'CLK-12'])
})

test('after a sleep the samples are void and the answer on its way does not count', () => {
  const client = new Client()
  const question = client.ask()
  client.step({ on: 'slept', at: monoUs(client.at) })
  assert.equal(client.hear(reply(question, client.at)), 'CLK-04')
  client.hear(reply(client.ask(), client.at))
  assert.ok(client.association.sample !== null)
  client.step({ on: 'slept', at: monoUs(client.at) })
  assert.equal(estimateAt(client.association.estimator, monoUs(client.at)), null)
})

test('without keys it asks for them at each poll; a forged "renew" costs one poll, not a loop', () => {
  const keyless: Envelope = {
    seal: () => null,
    open: () => ({ envelope: keyless, verdict: 'CLK-14' }),
  }
  const keyed: Envelope = {
    seal: (datagram) => ({ envelope: keyed, datagram }),
    open: (_, packet) =>
      packet.stratum === 0
        ? { envelope: keyless, verdict: 'renew' }
        : { envelope: keyed, verdict: packet.poll === 6 ? 'authentic' : 'CLK-14' },
  }
  const client = new Client(keyless)
  client.step({ on: 'tick', at: monoUs(0) })
  assert.equal(client.establish, 1)
  client.step({ on: 'envelope', envelope: keyed, at: monoUs(0) })
  const question = client.ask()
  assert.equal(client.hear(reply(question, client.at, { poll: 7 })), 'CLK-14')
  assert.equal(client.association.reach, 0)
  assert.equal(client.hear(reply(question, client.at)), '', 'the true answer still counts')
  let asked = 0
  const until = client.at + 600 * SECOND
  while (client.at < until) {
    client.at += SECOND / 4
    for (const action of client.step({ on: 'tick', at: monoUs(client.at) })) {
      if (action.do === 'establish') {
        client.step({ on: 'envelope', envelope: keyed, at: monoUs(client.at) })
      }
      const last = client.sent.at(-1)
      if (action.do !== 'send' || last === undefined) continue
      asked += 1
      client.hear(reply(last, client.at, { stratum: 0, refid: refidOf('NTSN') }))
    }
  }
  assert.ok(client.establish <= 14 && asked <= 14, `${client.establish} ${asked}`)
})

test('a source that steps is not followed at once, and is asked again soon', () => {
  const client = new Client()
  for (let i = 0; i < 12; i += 1) client.hear(reply(client.ask(), client.at))
  const step = 3 * SECOND
  const stepped = (question: NtpHeader) => reply(question, client.at + step)
  assert.equal(client.hear(stepped(client.ask())), 'CLK-08')
  const estimate = estimateAt(client.association.estimator, monoUs(client.at))
  assert.ok(estimate !== null)
  assert.ok(Math.abs(estimate.utc - estimate.mono - UTC) < 10_000)
  assert.ok(estimate.bound > step, 'the bound covers both stories')
  const before = client.at
  for (let i = 0; i < 3; i += 1) client.hear(stepped(client.ask()))
  assert.ok(client.at - before < 12 * SECOND)
  const after = estimateAt(client.association.estimator, monoUs(client.at + 10_000))
  assert.ok(after !== null && Math.abs(after.utc - after.mono - UTC - step) < 10_000)
})
