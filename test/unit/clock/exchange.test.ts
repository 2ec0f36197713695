import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BOUND_UNKNOWN_US } from '../../../shared/clock/clock-state.ts'
import {
  answer,
  ask,
  type ClockReply,
  DELAY_MAX_US,
  EXCHANGE_ID_BYTES,
  IDLE,
  INFORMATIVE_DELAY_MAX_US,
  measure,
} from '../../../shared/clock/estimate/exchange.ts'
import { monoUs, spanUs, unixUs } from '../../../shared/units.ts'

const UTC = 1_790_000_000_000_000
const ID = new Uint8Array(EXCHANGE_ID_BYTES).fill(7)

const stamps = (t1: number, t2: number, t3: number, t4: number, masterBound = 0) => ({
  t1: monoUs(t1),
  t2: unixUs(UTC + t2),
  t3: unixUs(UTC + t3),
  t4: monoUs(t4),
  masterBound: spanUs(masterBound),
})

const reply = (change: Partial<ClockReply> = {}): ClockReply => ({
  id: ID.slice(),
  t2: unixUs(UTC + 500),
  t3: unixUs(UTC + 700),
  masterBound: spanUs(50),
  ...change,
})

test('ties the midpoints together within delay/2 + drift + master bound (RFC 5905 8)', () => {
  const verdict = measure(stamps(1_000, 5_000, 5_200, 2_200, 40))
  assert.ok(verdict.ok)
  const { mono, utc, roundTripDelay, bound, informative } = verdict.sample
  assert.equal(mono, 1_600)
  assert.equal(utc, UTC + 5_100)
  assert.equal(roundTripDelay, 1_000)
  // 500 half delay, 40 master, 600 us at 250 ppm = 0.15, 3 for rounding.
  assert.equal(bound, 500 + 40 + 0.15 + 3)
  assert.equal(informative, false)
})

test('CLK-02: t4 before t1, t3 before t2, negative delay; equal stamps pass', () => {
  const faultOf = (...of: Parameters<typeof stamps>) => {
    const verdict = measure(stamps(...of))
    return verdict.ok ? null : verdict.fault
  }
  assert.equal(faultOf(10, 5, 5, 9), 'CLK-02')
  assert.equal(faultOf(10, 6, 5, 20), 'CLK-02')
  assert.equal(faultOf(10, 0, 11, 20), 'CLK-02')
  assert.equal(faultOf(10, 0, 10, 20), null)
  assert.equal(faultOf(10, 5, 5, 10), null)
  assert.equal(faultOf(10, 5, 5, 20, -1), 'CLK-02')
  assert.equal(faultOf(10, 5, 5, 20, Number.NaN), 'CLK-02')
  assert.equal(faultOf(10, Number.NaN, 5, 20), 'CLK-02')
  assert.equal(faultOf(10, 5, Number.POSITIVE_INFINITY, 20), 'CLK-02')
})

test('CLK-03: 2 s synchronises, more only informs, more than 16 s not even that', () => {
  const within = (roundTripDelay: number) => measure(stamps(0, 0, 0, roundTripDelay))
  assert.ok(within(DELAY_MAX_US).ok)
  const slow = within(DELAY_MAX_US + 1)
  assert.ok(!slow.ok)
  assert.equal(slow.fault, 'CLK-03')
  assert.equal(slow.sample?.informative, true)
  assert.notEqual(within(INFORMATIVE_DELAY_MAX_US).sample, null)
  assert.equal(within(INFORMATIVE_DELAY_MAX_US + 1).sample, null)
})

test('a long stay at the master is no delay', () => {
  assert.ok(measure(stamps(0, 0, 10_000_000, 10_000_001)).ok)
})

test('CLK-07: a master that knows no bound only informs', () => {
  const verdict = measure(stamps(0, 0, 0, 10, BOUND_UNKNOWN_US))
  assert.ok(!verdict.ok)
  assert.equal(verdict.fault, 'CLK-07')
  assert.equal(verdict.sample?.informative, true)
  assert.ok(measure(stamps(0, 0, 0, 10, BOUND_UNKNOWN_US - 1)).ok)
})

test('CLK-04: no open question, wrong id, a reply used twice', () => {
  const faultOf = (verdict: ReturnType<typeof answer>['verdict']) =>
    verdict.ok ? null : verdict.fault
  assert.equal(faultOf(answer(IDLE, reply(), monoUs(2_000)).verdict), 'CLK-04')
  const open = ask(ID, monoUs(1_000))
  const other = ID.slice()
  other[15] = 8
  for (const id of [other, new Uint8Array(0), ID.subarray(1)]) {
    const wrong = answer(open, reply({ id }), monoUs(2_000))
    assert.equal(faultOf(wrong.verdict), 'CLK-04')
    assert.equal(wrong.exchange, open, 'the question stays open for its own answer')
  }
  const right = answer(open, reply(), monoUs(2_000))
  assert.equal(faultOf(right.verdict), null)
  assert.equal(faultOf(answer(right.exchange, reply(), monoUs(2_100)).verdict), 'CLK-04')
})

test('a bad reply closes its question too; a new question replaces the old one', () => {
  const bad = answer(ask(ID, monoUs(1_000)), reply({ t3: unixUs(UTC) }), monoUs(2_000))
  assert.ok(!bad.verdict.ok)
  assert.equal(bad.verdict.fault, 'CLK-02')
  assert.equal(bad.exchange.open, null)
  const late = answer(
    ask(
      ID.map((byte) => byte + 1),
      monoUs(1_500),
    ),
    reply(),
    monoUs(2_000),
  )
  assert.ok(!late.verdict.ok)
  assert.equal(late.verdict.fault, 'CLK-04')
})

test('a question with an id of 15 or 17 bytes is our own bug', () => {
  assert.throws(() => ask(new Uint8Array(15), monoUs(0)), /broken promise/)
  assert.throws(() => ask(new Uint8Array(17), monoUs(0)), /broken promise/)
})
