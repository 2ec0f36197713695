// Time zones as people type them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isZone } from '../../../services/billing/civil/calendar.ts'
import { nearestZones, zoneNames, zoneProblem } from '../../../services/billing/civil/zones.ts'

test('every name that is offered exists, under the name of today', () => {
  const names = zoneNames()
  assert.ok(names.length > 400)
  assert.deepEqual(
    names.filter((name) => !isZone(name)),
    [],
  )
  assert.equal(new Set(names).size, names.length)
  for (const name of ['UTC', 'Asia/Kolkata', 'Europe/Kyiv', 'Asia/Kathmandu']) {
    assert.ok(names.includes(name), name)
  }
})

test('a mistyped zone is refused with the one that was meant', () => {
  const meant = [
    ['asia/kolkatta', 'Asia/Kolkata'],
    ['Kolkata', 'Asia/Kolkata'],
    ['Europe/Berln', 'Europe/Berlin'],
    ['America/New York', 'America/New_York'],
    ['Europe/Kolkata', 'Asia/Kolkata'],
    ['Europe/Zurich ', 'Europe/Zurich'],
  ] as const
  for (const [typed, zone] of meant) {
    assert.equal(nearestZones(typed)[0], zone, typed)
    assert.match(zoneProblem(typed) ?? '', new RegExp(`perhaps ${zone}`), typed)
  }
  assert.equal(zoneProblem('Asia/Kolkata'), null)
})

test('an offset is no zone: PostgreSQL reads its sign the other way round', () => {
  for (const typed of ['+05:30', '-08', '2026-01-01T00:00+05:30', '2026-01-01[Asia/Kolkata]']) {
    assert.match(zoneProblem(typed) ?? '', /^there is no time zone/, typed)
  }
})

test('a name that is like no other gets the rule instead, however long it is', () => {
  for (const typed of ['Asia/Nashik', 'IST/India', '', '/', 'x'.repeat(100_000)]) {
    const said = zoneProblem(typed) ?? ''
    assert.match(said, /large city, such as Asia\/Kolkata for all of India/)
    assert.ok(said.length < 200)
  }
})
