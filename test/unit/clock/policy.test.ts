import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type ClockClient,
  type ClockDecision,
  type ClockDevice,
  closedBefore,
  decideClock,
  DRIFT_STRONG_MAX,
  residualOf,
  SYNCH_ALGORITHM_DEFAULT,
} from '../../../shared/clock/meter/policy.ts'
import { type SpanUs, spanUs, type UnixUs, unixUs } from '../../../shared/units.ts'

const SECOND = 1_000_000
const MS = 1_000
const HOUR = 3_600 * SECOND
const DAY = 24 * HOUR
const seconds = (value: number): SpanUs => spanUs(Math.round(value * SECOND))
/** 2026-03-17 10:00 UTC: no day or month ends near it. */
const CALM = unixUs(Date.UTC(2026, 2, 17, 10) * MS)
const MARCH = '2026-03'

const METER: ClockDevice = {
  configured: true,
  window: 'outside',
  finely: true,
  algorithm: SYNCH_ALGORITHM_DEFAULT,
  closedUntil: null,
  register: { month: MARCH, sum: spanUs(0) },
  month: MARCH,
}
const decide = (
  client: ClockClient,
  drift: SpanUs,
  device: Partial<ClockDevice> = {},
  utc: UnixUs = CALM,
): ClockDecision => decideClock({ client, utc, drift }, { ...METER, ...device })

/** Action, event, B0, answer; `!` when the head-end is notified, `+` when the register counts
 * it. */
const word = (drift: SpanUs, sum: number, decision: ClockDecision): string => {
  const { action, event, invalid, answer, tellHeadEnd, register } = decision
  const counted = register.sum === sum + drift && drift !== 0 ? ' +' : ''
  if (counted === '') assert.equal(register.sum, sum, 'what is not executed leaves the register')
  return `${action} ${event ?? '-'} ${invalid} ${answer}${tellHeadEnd ? ' !' : ''}${counted}`
}

const SMALL = [0.000001, 0.001, 1, 59.999, 59.999999]
const MIDDLE = [60, 60.000001, 60.001, 75, 3_600, 4 * 3_600]
const BEYOND = [4 * 3_600 + 0.000001, 4 * 3_600 + 0.001, 5 * 3_600, 86_400 * 365]
const CLOSED_AFTER = unixUs(CALM + 1)
const CLOSED_AT = CALM

/** Facts A4, row by row: client, configured, finely, drifts (s), reopens -> what comes out. */
const TABLE: readonly (readonly [
  client: ClockClient,
  device: Partial<ClockDevice>,
  drifts: readonly number[],
  expected: string,
])[] = [
  // Light: row 1, and the refusals of a gateway that would reopen (choice 7).
  ['gateway', {}, SMALL, 'synchronise - cleared ack +'],
  ['gateway', { configured: false }, SMALL, 'synchronise - cleared ack +'],
  ['gateway', { finely: false }, SMALL, 'synchronise - cleared ack +'],
  ['gateway', { closedUntil: CLOSED_AT }, SMALL, 'synchronise - cleared ack +'],
  ['gateway', { closedUntil: CLOSED_AFTER }, SMALL, 'reject - as is nak !'],
  // Light: rows 3 and 4.
  ['gateway', {}, MIDDLE, 'reject - as is nak !'],
  ['gateway', { configured: false }, MIDDLE, 'reject - as is nak !'],
  ['gateway', { closedUntil: CLOSED_AFTER }, MIDDLE, 'reject - as is nak !'],
  ['gateway', {}, BEYOND, 'reject 10 set nak !'],
  ['gateway', { configured: false }, BEYOND, 'reject 10 set nak !'],
  // Clock setting: any drift, at once.
  ...(['management', 'installer'] as const).flatMap((client) =>
    [SMALL, MIDDLE, BEYOND].flatMap((drifts) =>
      [null, CLOSED_AFTER].map((closedUntil) => {
        const device = { configured: false, finely: false, closedUntil }
        return [client, device, drifts, 'set 11 cleared ack'] as const
      }),
    ),
  ),
  // Strong, the three bands.
  ...(['management', 'installer'] as const).flatMap(
    (client) =>
      [
        [client, {}, SMALL, 'synchronise 12 cleared ack +'],
        [client, { finely: false }, SMALL, 'nothing - as is ack'],
        [client, { finely: false, closedUntil: CLOSED_AFTER }, SMALL, 'nothing - as is ack'],
        [client, {}, MIDDLE, 'synchronise 12 cleared ack +'],
        [client, { finely: false }, MIDDLE, 'synchronise 12 cleared ack +'],
        [client, { closedUntil: CLOSED_AT }, MIDDLE, 'synchronise 12 cleared ack +'],
        [client, {}, BEYOND, 'reject 10 set nak !'],
        [client, { closedUntil: CLOSED_AFTER }, BEYOND, 'reject 10 set nak !'],
      ] as const,
  ),
  ['management', { closedUntil: CLOSED_AFTER }, [...SMALL, ...MIDDLE], 'defer - as is ack'],
  ['installer', { closedUntil: CLOSED_AFTER }, [...SMALL, ...MIDDLE], 'reject 10 as is nak !'],
]

test('every row x client x window x algorithm x sign, both sides of each edge (facts A4)', () => {
  let looked = 0
  for (const [client, device, drifts, expected] of TABLE) {
    for (const drift of drifts.flatMap((size) => [seconds(size), seconds(-size)])) {
      for (const algorithm of [0, 1, 2, 3] as const) {
        for (const window of ['inside', 'outside'] as const) {
          const decision = decide(client, drift, { ...device, algorithm, window })
          const unanswered = client === 'gateway' && window === 'inside'
          const wanted = unanswered ? expected.replace(/ack|nak/, 'none') : expected
          const where = `${client} ${drift} us ${JSON.stringify(device)} ${algorithm} ${window}`
          assert.equal(word(drift, 0, decision), wanted, where)
          assert.equal(decision.until, decision.action === 'defer' ? CLOSED_AFTER : null, where)
          looked += 1
        }
      }
    }
  }
  assert.ok(looked > 2_000, String(looked))
})

test('light: 59.999 s is taken and 60.000 s refused, either sign (11291-1, 4.3.1)', () => {
  for (const sign of [1, -1]) {
    assert.equal(decide('gateway', seconds(sign * 59.999)).action, 'synchronise')
    assert.equal(decide('gateway', seconds(sign * 60)).action, 'reject')
    assert.equal(decide('gateway', seconds(sign * 60)).event, null)
  }
})

test('4 h exactly belongs below, 4 h and 1 ms is invalid, either sign (11291-6, 7.5.2)', () => {
  for (const sign of [1, -1]) {
    const edge = spanUs(sign * DRIFT_STRONG_MAX)
    const over = spanUs(sign * (DRIFT_STRONG_MAX + MS))
    for (const client of ['gateway', 'management', 'installer'] as const) {
      assert.equal(decide(client, edge).invalid, client === 'gateway' ? 'as is' : 'cleared')
      assert.equal(decide(client, over).invalid, 'set', client)
      assert.equal(decide(client, over).event, 10, client)
    }
  }
})

test('the monthly limit: exactly 60 s is taken, 1 us more is not and counts nothing', () => {
  for (const sign of [1, -1]) {
    const register = { month: MARCH, sum: seconds(sign * 40) }
    const full = decide('gateway', seconds(sign * 20), { register })
    assert.equal(full.action, 'synchronise')
    assert.equal(full.register.sum, seconds(sign * 60))
    const over = decide('gateway', spanUs(sign * (20 * SECOND + 1)), { register })
    assert.equal(word(spanUs(0), register.sum, over), 'reject - as is nak !')
    assert.deepEqual(over.register, register)
  }
})

test('+40 s then -40 s leave 0 (the sum has signs), and then 59 s fit again', () => {
  const first = decide('gateway', seconds(40))
  const second = decide('gateway', seconds(-40), { register: first.register })
  assert.equal(second.action, 'synchronise')
  assert.equal(second.register.sum, 0)
  assert.equal(decide('gateway', seconds(59), { register: second.register }).action, 'synchronise')
  const same = decide('gateway', seconds(40), { register: first.register })
  assert.equal(same.action, 'reject', '+40 s twice is 80 s')
})

test('a correction that empties the register is taken, though each was near the limit', () => {
  const register = { month: MARCH, sum: seconds(75) }
  assert.equal(decide('gateway', seconds(-20), { register }).action, 'synchronise', '55 s')
  assert.equal(decide('gateway', seconds(-14.999), { register }).action, 'reject', '60.001 s')
})

test('a strong synchronisation is not held to the month, and counts in it', () => {
  const register = { month: MARCH, sum: seconds(59) }
  const strong = decide('management', seconds(75), { register })
  assert.equal(strong.action, 'synchronise')
  assert.equal(strong.register.sum, seconds(134))
})

/** The month of an instant where the meter hangs. */
const monthAt = (at: number, zone: string): string =>
  Temporal.Instant.fromEpochMilliseconds(at / MS)
    .toZonedDateTimeISO(zone)
    .toString()
    .slice(0, 7)

test('the register restarts with the civil month of the meter, not with UTC’s', () => {
  const zones = { 'Asia/Kolkata': -5.5, 'Europe/Rome': -1, 'America/New_York': 5, UTC: 0 }
  for (const [zone, hours] of Object.entries(zones)) {
    // 1 February 2026, 00:00 there: winter time in both zones that have a summer.
    const midnight = Date.UTC(2026, 1, 1) * MS + hours * HOUR
    const register = { month: monthAt(midnight - SECOND, zone), sum: seconds(60) }
    assert.equal(register.month, '2026-01', zone)
    for (const [at, action, sum] of [
      [midnight - MS, 'reject', 60],
      [midnight, 'synchronise', 30],
      [midnight + MS, 'synchronise', 30],
    ] as const) {
      const decided = decide('gateway', seconds(30), { register, month: monthAt(at, zone) })
      assert.equal(decided.action, action, `${zone} ${at - midnight}`)
      assert.equal(decided.register.sum, seconds(sum), `${zone} ${at - midnight}`)
    }
  }
})

test('the change to and from summer time moves neither drift nor month', () => {
  // Rome: 2026-03-29 01:00 UTC and 2026-10-25 01:00 UTC; the day after each month end as well.
  for (const change of [Date.UTC(2026, 2, 29, 1), Date.UTC(2026, 9, 25, 1)]) {
    const month = monthAt(change * MS, 'Europe/Rome')
    for (const at of [change - 1, change, change + 1, change + 3_600_000]) {
      assert.equal(monthAt(at * MS, 'Europe/Rome'), month)
      const register = { month, sum: seconds(20) }
      const decided = decide('gateway', seconds(20), { register, month }, unixUs(at * MS))
      assert.equal(decided.register.sum, seconds(40))
    }
  }
  // In summer the month of Rome ends at 22:00 UTC, in winter at 23:00.
  for (const [utc, month] of [
    [Date.UTC(2026, 5, 30, 21, 59, 59), '2026-06'],
    [Date.UTC(2026, 5, 30, 22), '2026-07'],
    [Date.UTC(2026, 11, 31, 22, 59, 59), '2026-12'],
    [Date.UTC(2026, 11, 31, 23), '2027-01'],
  ] as const) {
    assert.equal(monthAt(utc * MS, 'Europe/Rome'), month)
  }
})

test('midnight: a clock that is ahead is not set back across it, one that is behind is set', () => {
  const midnight = unixUs(Date.UTC(2026, 2, 18) * MS)
  for (const [before, drift, reopens] of [
    // True time before midnight; the meter's is beyond it where the drift is larger.
    [1, 2, true],
    [1, 1, true],
    [1, 0.999, false],
    [30, 75, true],
    [0, 75, false],
    [-1, 75, false],
    [30, -75, false],
  ] as const) {
    const utc = unixUs(midnight - before * SECOND)
    const meter = unixUs(utc + seconds(drift))
    const closedUntil = closedBefore(meter, spanUs(DAY), spanUs(0))
    const actions = (['gateway', 'management', 'installer'] as const).map(
      (client) => decide(client, seconds(drift), { closedUntil }, utc).action,
    )
    const small = Math.abs(drift) < 60
    const free = [small ? 'synchronise' : 'reject', 'synchronise', 'synchronise']
    const wanted = reopens ? ['reject', 'defer', 'reject'] : free
    assert.deepEqual(actions, wanted, `${before} s before, ${drift} s ahead`)
    if (!reopens) continue
    const { until } = decide('management', seconds(drift), { closedUntil }, utc)
    assert.equal(until, midnight)
    const then = decide('management', seconds(drift), { closedUntil: midnight }, midnight)
    assert.equal(then.action, 'synchronise', 'and there it can be done')
    assert.equal(then.event, 12)
  }
})

test('the newest closed day and month end by the calendar of the meter', () => {
  const zone = spanUs(5.5 * HOUR)
  const at = (hours: number): UnixUs => unixUs(Date.UTC(2026, 2, 17) * MS + hours * HOUR)
  assert.equal(closedBefore(at(0), spanUs(DAY), spanUs(0)), at(0))
  assert.equal(closedBefore(unixUs(at(0) - 1), spanUs(DAY), spanUs(0)), at(-24))
  assert.equal(closedBefore(at(0), spanUs(DAY), zone), at(-5.5))
  assert.equal(closedBefore(at(18.5), spanUs(DAY), zone), at(18.5))
  assert.equal(closedBefore(unixUs(at(18.5) - 1), spanUs(DAY), zone), at(-5.5))
  assert.equal(closedBefore(at(0), spanUs(DAY), spanUs(-HOUR)), at(-23))
})

test("the head-end's 2 s, its bound and the 0.8 s of a push included (11291-1, 11-4)", () => {
  const of = (offset: number, bound: number, pushed = false) =>
    residualOf({ offset: seconds(offset), bound: seconds(bound) }, pushed)
  assert.equal(of(2, 0), 'kept')
  assert.equal(of(-2, 0), 'kept')
  assert.equal(of(2.000001, 0), 'broken')
  assert.equal(of(-2.000001, 0), 'broken')
  assert.equal(of(1.5, 0.5), 'kept')
  assert.equal(of(1.5, 0.500001), 'unsure')
  assert.equal(of(2.5, 0.5), 'unsure')
  assert.equal(of(2.500001, 0.5), 'broken')
  assert.equal(of(1.2, 0, true), 'kept')
  assert.equal(of(1.200001, 0, true), 'unsure')
  assert.equal(of(2.8, 0, true), 'unsure')
  assert.equal(of(2.800001, 0, true), 'broken')
})
