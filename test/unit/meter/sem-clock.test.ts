// A meter's clock on a SEM line: the requests (docs/meters.md 1.6), and the simulated meters that
// obey UNI/TS 11291.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { monthOf } from '../../../shared/clock/meter/civil-month.ts'
import type { MeterClockChange } from '../../../shared/clock/meter/meter-clock-line.ts'
import { encodeSem, type SemFrame } from '../../../shared/meter/sem/sem.ts'
import { semDecoder } from '../../../shared/meter/sem/stream.ts'
import {
  type MonoUs,
  monoUs,
  ppm,
  shiftMono,
  shiftUs,
  spanUs,
  type UnixUs,
  unixUs,
} from '../../../shared/units.ts'
import { simulatedClock } from '../../../services/simulator/meter-clock.ts'
import {
  ANSWER_US_MAX,
  type PollAction,
  semPoll,
} from '../../../services/slave/shell/meters/sem/poll.ts'

const START = monoUs(1_000_000)
const SECOND = 1_000_000
const HOUR = 3_600 * SECOND
const UTC = unixUs(Date.UTC(2026, 2, 17, 10, 7) * 1_000)
/** About 9600 baud. */
const BYTE = spanUs(1_000)

function polling() {
  const options = { meters: ['A', 'B'], allowUnchecked: false, answerUs: spanUs(4 * SECOND) }
  const poll = semPoll({ ...options, byteUs: BYTE })
  poll.lineUp(START)
  return poll
}
function sent(actions: readonly PollAction[]): SemFrame {
  const [action] = actions
  assert.ok(action?.do === 'send', JSON.stringify(actions))
  const [verdict] = semDecoder().push(action.bytes, START)
  assert.ok(verdict?.ok)
  return verdict.frame
}
const eventsOf = (actions: readonly PollAction[]) =>
  actions.flatMap((action) => (action.do === 'emit' ? [action.event] : []))
const tokenOf = (frame: SemFrame): number => ('token' in frame ? frame.token : -1)
const later = (us: number): MonoUs => shiftMono(START, spanUs(us))
const clockOf = (token: number, consumer = 'A'): Uint8Array =>
  encodeSem({ is: 'clock', consumer, token, utc: UTC, status: 1 })

test('a clock is read: stamps at the request and at the first byte, and their line time', () => {
  const poll = polling()
  const frame = sent(poll.readClock('A', START))
  assert.ok(frame.is === 'ask-clock' && frame.address === 'A')
  const bytes = clockOf(frame.token)
  assert.deepEqual(poll.heard(bytes.subarray(0, 5), later(30_000)), [])
  const [event, ...others] = eventsOf(poll.heard(bytes.subarray(5), later(90_000)))
  assert.deepEqual(others, [])
  assert.deepEqual(event, {
    on: 'clock-read',
    meter: 'A',
    found: {
      t1: START,
      t4: later(30_000),
      utc: UTC,
      resolution: 10_000,
      onLine: { request: encodeSem(frame).length * BYTE, answer: BYTE },
      status: 1,
    },
  })
})

test('an answer that arrives after the next request is not taken for its answer', () => {
  const poll = polling()
  const first = tokenOf(sent(poll.readClock('A', START)))
  const given = poll.wake(later(ANSWER_US_MAX))
  assert.deepEqual(eventsOf(given), [{ on: 'clock-read', meter: 'A', found: 'silent' }])
  const second = tokenOf(sent(poll.readClock('A', later(ANSWER_US_MAX))))
  assert.notEqual(first, second)
  const late = eventsOf(poll.heard(clockOf(first), later(ANSWER_US_MAX + 1_000)))
  assert.deepEqual(
    late.map((event) => event.on === 'fault' && event.fault),
    ['MTR-08'],
  )
  assert.equal(eventsOf(poll.heard(clockOf(second), later(ANSWER_US_MAX + 50_000))).length, 1)
})

test('a meter that ignores the request gets one attempt, no MTR-01 and no rest', () => {
  const poll = polling()
  sent(poll.readClock('A', START))
  const end = later(ANSWER_US_MAX)
  assert.deepEqual(eventsOf(poll.wake(end)), [{ on: 'clock-read', meter: 'A', found: 'silent' }])
  assert.equal(sent(poll.read('A', end)).is, 'ask-now', 'its readings go on')
})

test('refusal 1 is "unsupported", refusal 4 means later, for reading and changing', () => {
  const change = { meter: 'A', change: { how: 'shift', by: spanUs(10_000) }, at: START } as const
  for (const [code, found, became] of [
    [1, 'unsupported', 'unsupported'],
    [17, 'unsupported', 'unsupported'],
    [4, 'silent', 'none'],
  ] as const) {
    const poll = polling()
    const refusal = encodeSem({ is: 'refusal', consumer: 'A', code })
    poll.readClock('A', START)
    assert.deepEqual(eventsOf(poll.heard(refusal, START)), [
      { on: 'clock-read', meter: 'A', found },
    ])
    poll.changeClock(change, START)
    const events = eventsOf(poll.heard(refusal, START))
    assert.deepEqual(events, [{ on: 'clock-changed', meter: 'A', became }])
  }
})

test('a time to be set is right when the meter has the request; it is sent once', () => {
  const poll = polling()
  poll.read('B', START)
  const change: MeterClockChange = { how: 'light', utc: UTC }
  assert.deepEqual(poll.changeClock({ meter: 'A', change, at: START }, START), [])
  const answer = { is: 'now', consumer: 'B', value: 1, exponent: 0, unit: 'Wh' } as const
  const spoken = encodeSem({ ...answer, meterTime: null, checked: true })
  const frame = sent(poll.heard(spoken, later(2_000_000)).filter(({ do: what }) => what === 'send'))
  assert.ok(frame.is === 'ask-change' && frame.change.how === 'light')
  const onLine = encodeSem(frame).length * BYTE
  const error = frame.change.utc - (UTC + 2_000_000 + onLine)
  assert.ok(Math.abs(error) <= 5_000, `${error} us`)
  const lost = poll.wake(later(2_000_000 + ANSWER_US_MAX))
  assert.deepEqual(lost, [
    { do: 'emit', event: { on: 'clock-changed', meter: 'A', became: 'none' } },
  ])
})

test('another meter, or an answer of another kind, ends nothing', () => {
  const poll = polling()
  const token = tokenOf(sent(poll.readClock('A', START)))
  const changed = encodeSem({ is: 'changed', consumer: 'A', token, answer: 'ack' })
  const codes = [clockOf(token, 'B'), changed].flatMap((bytes) =>
    eventsOf(poll.heard(bytes, START)).map((event) => event.on === 'fault' && event.fault),
  )
  assert.deepEqual(codes, ['MTR-05', 'MTR-08'])
  assert.equal(eventsOf(poll.heard(clockOf(token), START)).length, 1)
})

/** What a simulated clock did, and how far it is off afterwards. */
function meter(offset: number, rate = 0, configured = true) {
  const clock = simulatedClock({
    offset: spanUs(offset * SECOND),
    rate: ppm(rate),
    startedAt: UTC,
    configured,
  })
  const off = (at: UnixUs): number => (clock.at(at) - at) / SECOND
  return { clock, off }
}
const at = (seconds: number): UnixUs => shiftUs(UTC, spanUs(seconds * SECOND))

test('a simulated crystal drifts at its rate, and goes on from where it was set', () => {
  const { clock, off } = meter(0, 40)
  assert.ok(Math.abs(off(at(100_000)) - 4) < 0.001)
  assert.equal(clock.change({ how: 'light', utc: at(100_000) }, at(100_000)), 'ack')
  assert.ok(Math.abs(off(at(200_000)) - 4) < 0.001)
})

test('a simulated meter obeys the table as a device: light, strong, setting, 4 h', () => {
  const late = meter(20)
  assert.equal(late.clock.change({ how: 'light', utc: UTC }, UTC), 'ack')
  assert.equal(late.off(UTC), 0)
  assert.equal(late.clock.register.sum, 20 * SECOND)

  const far = meter(75)
  assert.equal(far.clock.change({ how: 'light', utc: UTC }, UTC), 'nak')
  assert.equal(far.off(UTC), 75)
  assert.equal(far.clock.change({ how: 'shift', by: spanUs(-75 * SECOND) }, UTC), 'ack')
  assert.deepEqual([far.off(UTC), far.clock.events], [0, [12]])

  const lost = meter(5 * 3_600)
  assert.equal(lost.clock.change({ how: 'write', utc: UTC }, UTC), 'nak')
  assert.deepEqual([lost.clock.status(), lost.clock.events], [1, [10]])
  assert.equal(lost.off(UTC), 5 * 3_600)

  const fresh = meter(5 * 3_600, 0, false)
  assert.equal(fresh.clock.change({ how: 'write', utc: UTC }, UTC), 'ack')
  assert.deepEqual([fresh.off(UTC), fresh.clock.events], [0, [11]])
})

test('a simulated meter defers a change over midnight and makes it once the day is over', () => {
  const midnight = unixUs(Date.UTC(2026, 2, 18) * 1_000)
  const before = unixUs(midnight - 30 * SECOND)
  const clock = simulatedClock({ offset: spanUs(75 * SECOND), rate: ppm(0), startedAt: before })
  assert.equal(clock.change({ how: 'shift', by: spanUs(-75 * SECOND) }, before), 'ack')
  assert.equal(clock.at(unixUs(midnight - 1)) - midnight + 1, 75 * SECOND, 'not yet')
  assert.deepEqual(clock.events, [])
  assert.equal(clock.at(midnight), midnight)
  assert.deepEqual([clock.events, clock.decisions], [[12], ['defer', 'synchronise']])
})

test('the civil month of an instant is that of the calendar, in any zone', () => {
  const day = 86_400
  for (
    let at = Date.UTC(1969, 0, 1) / 1_000;
    at < Date.UTC(2101, 0, 1) / 1_000;
    at += 13 * day + 1
  ) {
    for (const hours of [0, 5.5, -8, 14]) {
      const wanted = new Date((at + hours * 3_600) * 1_000).toISOString().slice(0, 7)
      assert.equal(monthOf(unixUs(at * SECOND), spanUs(hours * HOUR)), wanted)
    }
  }
  for (const year of [2_000, 2_024, 2_100]) {
    for (let month = 0; month < 12; month += 1) {
      const first = Date.UTC(year, month, 1) * 1_000
      const name = new Date(first / 1_000).toISOString().slice(0, 7)
      assert.equal(monthOf(unixUs(first), spanUs(0)), name)
      assert.notEqual(monthOf(unixUs(first - 1), spanUs(0)), name)
    }
  }
})
