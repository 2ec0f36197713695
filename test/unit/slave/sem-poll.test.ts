import assert from 'node:assert/strict'
import { test } from 'node:test'
import { concat, fromText } from '../../../shared/bytes.ts'
import { encodeSem, type SemAnswer } from '../../../shared/meter/sem/sem.ts'
import { encodePlainLine, semDecoder } from '../../../shared/meter/sem/stream.ts'
import { monoUs, shiftMono, spanMs, spanUs, unixMs, type MonoUs } from '../../../shared/units.ts'
import {
  ANSWER_US_MAX,
  ATTEMPTS_MAX,
  GAP_US_MAX,
  QUIET_US,
  REST_US_MAX,
  REST_US_MIN,
  semPoll,
  type PollAction,
} from '../../../services/slave/shell/meters/sem/poll.ts'

const START = monoUs(1_000_000)
const METERS = ['A', 'B', 'C']
const ANSWER_US = spanUs(4_000_000)
/** 9600 8N1 is 1,042 us; a round number is easier to add. */
const BYTE_US = spanUs(1_000)

const answerOf = (consumer: string, value = 7): SemAnswer => ({
  is: 'now',
  consumer,
  value,
  exponent: 0,
  unit: 'Wh',
  meterTime: null,
  checked: true,
})
const bytesOf = (consumer: string) => encodeSem(answerOf(consumer))

/** Actions as one word each: `>A` asked, `readings A`, `failed A now`, `MTR-01 A`. */
function words(actions: readonly PollAction[]): readonly string[] {
  return actions.map((action) => {
    if (action.do === 'send') {
      const [verdict] = semDecoder().push(action.bytes, START)
      assert.ok(verdict?.ok)
      const { frame } = verdict
      if (frame.is === 'ask-now') return `>${frame.address}`
      assert.ok(frame.is === 'ask-history')
      return `>${frame.address} ${frame.from / 1_000}..${frame.to / 1_000} ${frame.rowsMax}`
    }
    const { event } = action
    if (event.on === 'readings') return `${event.request} ${event.meter} x${event.readings.length}`
    if (event.on === 'failed') return `failed ${event.meter} ${event.request}`
    if (event.on === 'clock-changed') return `clock ${event.meter} ${event.became}`
    if (event.on === 'clock-read') {
      const { found } = event
      return `clock ${event.meter} ${typeof found === 'string' ? found : 'read'}`
    }
    return `${event.fault} ${event.meter}`
  })
}

function polling(allowUnchecked = false) {
  const poll = semPoll({ meters: METERS, allowUnchecked, answerUs: ANSWER_US, byteUs: BYTE_US })
  poll.lineUp(START)
  return poll
}
/** Lets time pass until the deadline. */
function expire(poll: ReturnType<typeof polling>): { now: MonoUs; said: readonly string[] } {
  const now = poll.wakeAt()
  assert.ok(now !== null)
  return { now, said: words(poll.wake(now)) }
}

test('one request at a time: the next meter is asked when the first has answered', () => {
  const poll = polling()
  assert.deepEqual(words(poll.read('A', START)), ['>A'])
  assert.deepEqual(words(poll.read('B', START)), [])
  assert.deepEqual(words(poll.read('A', START)), [], 'A is under way already')
  assert.deepEqual(words(poll.heard(bytesOf('A'), START)), ['now A x1', '>B'])
  assert.deepEqual(words(poll.heard(bytesOf('B'), START)), ['now B x1'])
  assert.equal(poll.wakeAt(), null)
})

test('wake does nothing a microsecond before the deadline, and acts at it', () => {
  const poll = polling()
  poll.read('A', START)
  const due = shiftMono(START, ANSWER_US_MAX)
  assert.equal(poll.wakeAt(), due)
  assert.deepEqual(words(poll.wake(shiftMono(due, spanUs(-1)))), [])
  assert.deepEqual(words(poll.wake(due)), ['>A'])
})

test('a silent meter: three attempts, MTR-01, then no line time until rested', () => {
  const poll = polling()
  poll.read('A', START)
  for (let attempt = 2; attempt <= ATTEMPTS_MAX; attempt += 1) {
    assert.deepEqual(expire(poll).said, ['>A'])
  }
  const { now, said } = expire(poll)
  assert.deepEqual(said, ['MTR-01 A', 'failed A now'])
  const rested = shiftMono(now, REST_US_MIN)
  assert.deepEqual(words(poll.read('A', shiftMono(rested, spanUs(-1)))), ['failed A now'])
  assert.deepEqual(words(poll.read('B', now)), ['>B'], 'others are not delayed')
  poll.heard(bytesOf('B'), now)
  assert.deepEqual(words(poll.read('A', rested)), ['>A'], 'the rest is over')
  assert.deepEqual(expire(poll).said, ['MTR-01 A', 'failed A now'], 'a single attempt now')
})

test('rests double up to their limit and end with the first answer', () => {
  const poll = polling()
  let now = START
  let rest = REST_US_MIN
  for (let round = 0; round < 12; round += 1) {
    assert.deepEqual(words(poll.read('A', now)), ['>A'], `round ${round}`)
    while (poll.wakeAt() !== null) now = expire(poll).now
    const early = shiftMono(now, spanUs(rest - 1))
    assert.deepEqual(words(poll.read('A', early)), ['failed A now'], `round ${round}`)
    now = shiftMono(now, rest)
    rest = spanUs(Math.min(rest * 2, REST_US_MAX))
  }
  poll.read('A', now)
  poll.heard(bytesOf('A'), now)
  poll.read('A', now)
  assert.deepEqual(expire(poll).said, ['>A'], 'healthy again: it gets its retries')
})

test('an answer of another meter is MTR-05 and not taken; the right one still is', () => {
  const poll = polling()
  poll.read('A', START)
  assert.deepEqual(words(poll.heard(bytesOf('B'), START)), ['MTR-05 A'])
  assert.deepEqual(words(poll.heard(bytesOf('A'), START)), ['now A x1'])
})

test('a damaged answer is asked for again as soon as the line is quiet', () => {
  const poll = polling()
  poll.read('A', START)
  const damaged = bytesOf('A')
  damaged[6] = 0x39
  assert.deepEqual(words(poll.heard(damaged, START)), ['MTR-02 A'])
  assert.equal(poll.wakeAt(), shiftMono(START, QUIET_US))
  assert.deepEqual(expire(poll).said, ['>A'])
  expire(poll)
  assert.deepEqual(expire(poll).said, ['failed A now'], 'MTR-02 was reported: no MTR-01 as well')
})

test('an answer under way may take its time, noise without end may not', () => {
  const poll = polling()
  poll.read('A', START)
  const slow = shiftMono(START, spanUs(1_400_000))
  poll.heard(bytesOf('A').slice(0, 4), slow)
  assert.equal(poll.wakeAt(), shiftMono(slow, GAP_US_MAX))
  let now = slow
  for (let burst = 0; burst < 40; burst += 1) {
    now = shiftMono(now, spanUs(300_000))
    poll.heard(fromText('x'), now)
  }
  const latest = shiftMono(shiftMono(START, ANSWER_US_MAX), ANSWER_US)
  assert.equal(poll.wakeAt(), latest)
})

test('a refusal is MTR-09, ends the request, and is no reason to rest', () => {
  const poll = polling()
  poll.read('A', START)
  const refusal = encodeSem({ is: 'refusal', consumer: 'A', code: 2 })
  assert.deepEqual(words(poll.heard(refusal, START)), ['MTR-09 A', 'failed A now'])
  assert.deepEqual(words(poll.read('A', START)), ['>A'])
})

test('a plain line is MTR-04 unless allowed (docs/meters.md 1.7)', () => {
  for (const [allowed, expected] of [
    [false, ['MTR-04 A', 'failed A now']],
    [true, ['now A x1']],
  ] as const) {
    const poll = polling(allowed)
    poll.read('A', START)
    assert.deepEqual(words(poll.heard(encodePlainLine('A', '1.5'), START)), expected)
  }
})

test('history asks for (from, to] in whole seconds and takes only rows of that range', () => {
  const poll = polling()
  const from = unixMs(900_000)
  const to = unixMs(1_800_999)
  const ask = { meter: 'A', from, to, rowsMax: 9_999 }
  assert.deepEqual(words(poll.readHistory(ask, START)), ['>A 901..1800 672'])
  const history = (seconds: number): SemAnswer => ({
    is: 'history',
    consumer: 'A',
    exponent: 0,
    unit: 'Wh',
    interval: spanMs(900_000),
    rows: [{ intervalEnd: unixMs(seconds * 1_000), value: 5 }],
    more: true,
  })
  assert.deepEqual(words(poll.heard(encodeSem(history(900)), START)), ['MTR-08 A'])
  assert.deepEqual(words(poll.heard(encodeSem(history(2_700)), START)), ['MTR-08 A'])
  assert.deepEqual(words(poll.heard(bytesOf('A'), START)), ['MTR-08 A'], 'no profile')
  const [action] = poll.heard(encodeSem(history(1_800)), START)
  assert.ok(action?.do === 'emit' && action.event.on === 'readings')
  assert.equal(action.event.more, true)
  assert.equal(action.event.request, 'history')
  const empty = { meter: 'A', from: to, to, rowsMax: 5 }
  assert.deepEqual(words(poll.readHistory(empty, START)), ['history A x0'])
})

test('readings and history take turns, so that neither starves', () => {
  const poll = polling()
  const range = { from: unixMs(0), to: unixMs(900_000), rowsMax: 5 }
  poll.read('A', START)
  poll.read('B', START)
  poll.read('C', START)
  poll.readHistory({ meter: 'A', ...range }, START)
  assert.deepEqual(words(poll.heard(bytesOf('A'), START)), ['now A x1', '>A 1..900 5'])
})

test('when a line goes down all its requests fail, and so does each new one at once', () => {
  const poll = polling()
  poll.read('A', START)
  poll.read('B', START)
  assert.deepEqual(words(poll.lineDown()), ['failed A now', 'failed B now'])
  assert.equal(poll.wakeAt(), null)
  assert.deepEqual(words(poll.read('C', START)), ['failed C now'])
  poll.lineUp(START)
  assert.deepEqual(words(poll.read('C', START)), ['>C'])
})

test('not asked for: a configured meter pushes, a stranger is MTR-05, an echo is ignored', () => {
  const poll = polling()
  const [action] = poll.heard(bytesOf('B'), START)
  assert.ok(action?.do === 'emit' && action.event.on === 'readings')
  assert.equal(action.event.request, 'push')
  assert.equal(action.event.readings[0]?.source, 'push')
  assert.deepEqual(words(poll.heard(bytesOf('X'), START)), ['MTR-05 null'])
  const echo = encodeSem({ is: 'ask-now', address: 'A' })
  poll.read('A', START)
  assert.deepEqual(words(poll.heard(concat(echo, bytesOf('A')), START)), ['now A x1'])
})

test('the queue holds each kind of request once per meter, however often it is asked', () => {
  const poll = polling()
  for (let round = 0; round < 1_000; round += 1) {
    for (const meter of METERS) poll.read(meter, START)
  }
  const failures = words(poll.lineDown())
  assert.deepEqual(failures, ['failed A now', 'failed B now', 'failed C now'])
})
