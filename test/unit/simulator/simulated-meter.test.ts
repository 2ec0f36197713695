import assert from 'node:assert/strict'
import { test } from 'node:test'
import { semDecoder } from '../../../shared/meter/sem/stream.ts'
import { encodeSem, SEM_ROWS_MAX } from '../../../shared/meter/sem/sem.ts'
import { PROFILE_MINUTES, profileInterval } from '../../../shared/meter/profile.ts'
import { monoUs, unixMs } from '../../../shared/units.ts'
import { meterAnswer } from '../../../services/simulator/sem-bus.ts'
import { PROFILE_INTERVAL_MS, simulatedMeter } from '../../../services/simulator/simulated-meter.ts'

const NOW = unixMs(Date.UTC(2026, 4, 17, 12, 7, 30))
const DAY_MS = 86_400_000

test('a register never falls and 30 days cost 100 to 450 kWh, in 40 households', () => {
  for (let seed = 0; seed < 40; seed += 1) {
    const meter = simulatedMeter('1', seed)
    let before = 0
    let greatest = 0
    for (let at = NOW - 5 * DAY_MS; at <= NOW; at += 300_000) {
      const value = meter.registerWh(unixMs(at))
      assert.ok(Number.isSafeInteger(value) && value >= before, `seed ${seed} at ${at}`)
      if (before > 0) greatest = Math.max(greatest, value - before)
      before = value
    }
    const month = meter.registerWh(NOW) - meter.registerWh(unixMs(NOW - 30 * DAY_MS))
    assert.ok(month > 95_000 && month < 460_000, `seed ${seed}: ${month} Wh`)
    // 300 s at the steepest: no household draws more than 11 kW here.
    assert.ok(greatest < 917, `seed ${seed}: ${greatest} Wh in 5 minutes`)
  }
})

test('the same seed tells the same story, another seed another', () => {
  const [one, same, other] = [
    simulatedMeter('a', 9),
    simulatedMeter('b', 9),
    simulatedMeter('a', 8),
  ]
  assert.equal(one?.registerWh(NOW), same?.registerWh(NOW))
  assert.notEqual(one?.registerWh(NOW), other?.registerWh(NOW))
})

test('the profile holds every quarter hour of 62 days and agrees with the register', () => {
  const meter = simulatedMeter('1', 3)
  const from = unixMs(NOW - 62 * DAY_MS)
  let next = from
  let count = 0
  for (let asked = 0; asked < 20; asked += 1) {
    const { rows, more } = meter.profile({ from: next, to: NOW, rowsMax: SEM_ROWS_MAX, now: NOW })
    for (const { intervalEnd, value } of rows) {
      assert.equal(intervalEnd % PROFILE_INTERVAL_MS, 0)
      assert.equal(value, meter.registerWh(intervalEnd))
      count += 1
    }
    next = unixMs((rows.at(-1)?.intervalEnd ?? 0) + 1_000)
    if (!more) break
  }
  assert.equal(count, 62 * 96)
  const ahead = unixMs(NOW + DAY_MS)
  assert.deepEqual(meter.profile({ from: NOW, to: ahead, rowsMax: 9, now: NOW }).rows, [])
})

test('a week of quarter hours fits one answer (docs/meters.md 1.4)', () => {
  for (let seed = 0; seed < 20; seed += 1) {
    const from = unixMs(NOW - 7 * DAY_MS)
    const request = { is: 'ask-history', address: '1', from, to: NOW, rowsMax: 672 } as const
    const answer = meterAnswer(simulatedMeter('1', seed), request, NOW)
    assert.ok(answer.is === 'history')
    assert.equal(answer.rows.length, 672)
    assert.equal(answer.more, false)
    const [verdict] = semDecoder().push(encodeSem(answer), monoUs(1))
    assert.deepEqual(verdict, { ok: true, frame: answer, at: 1 })
  }
})

test('one household, profiles of 1 to 60 min: each samples the same register', () => {
  for (const minutes of PROFILE_MINUTES) {
    const meter = simulatedMeter('1', 3, minutes)
    assert.equal(meter.interval, profileInterval(minutes))
    const from = unixMs(NOW - 6 * 3_600_000)
    const request = { is: 'ask-history', address: '1', from, to: NOW, rowsMax: 672 } as const
    const answer = meterAnswer(meter, request, NOW)
    assert.ok(answer.is === 'history')
    assert.equal(answer.interval, profileInterval(minutes))
    assert.equal(answer.rows.length, 360 / minutes)
    for (const { intervalEnd, value } of answer.rows) {
      assert.equal(intervalEnd % profileInterval(minutes), 0)
      assert.equal(value, simulatedMeter('1', 3).registerWh(intervalEnd))
    }
    const [verdict] = semDecoder().push(encodeSem(answer), monoUs(1))
    assert.deepEqual(verdict, { ok: true, frame: answer, at: 1 })
  }
})
