// Who may connect, and who gives way (wire.md 10).

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import {
  Admission,
  type AdmissionLimits,
  countedAddress,
  type Place,
  siteOf,
} from '../../../shared/node/admission.ts'
import { monoUs } from '../../../shared/units.ts'

const SECOND = 1_000_000

/** A door: who came in, who was cut, by address and number. */
class House {
  readonly admission: Admission
  readonly cut: string[] = []
  at = 0

  constructor(limits: AdmissionLimits) {
    this.admission = new Admission(limits)
  }

  come(address: string, name = address): Place | null {
    const place = this.admission.admit(address, monoUs(this.at), () => this.cut.push(name))
    return place
  }

  /** How many of these come in. */
  crowd(count: number, addressOf: (at: number) => string): number {
    let admitted = 0
    for (let at = 0; at < count; at += 1) if (this.come(addressOf(at)) !== null) admitted += 1
    return admitted
  }
}

test('IPv4 counts as it is, also mapped; IPv6 by its /64 and its /48 (RFC 4291 2.5.4)', () => {
  const counted: readonly (readonly [string, string, string])[] = [
    ['192.0.2.1', '192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64', '2001:db8:1::/48'],
    ['2001:db8::6', '2001:db8:0:0::/64', '2001:db8:0::/48'],
    ['::1', '0:0:0:0::/64', '0:0:0::/48'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64', 'fe80:0:0::/48'],
  ]
  for (const [address, by64, by48] of counted) {
    assert.equal(countedAddress(address), by64)
    assert.equal(siteOf(by64), by48)
  }
})

test('1,000 silent connections of one address hold 64 places; everybody else gets in', () => {
  const house = new House({ connections: 15_000, waiting: 7_500, perAddress: 64 })
  assert.equal(
    house.crowd(1_000, () => '192.0.2.1'),
    64,
  )
  assert.equal(house.admission.connections, 64)
  assert.equal(
    house.crowd(1_000, (at) => `198.51.100.${at % 250}`),
    1_000,
  )
})

test('who shares an address with silent connections gets in: the oldest of them gives way', () => {
  const house = new House({ connections: 100, perAddress: 4 })
  for (const name of ['a', 'b', 'c', 'd']) house.come('192.0.2.1', name)
  assert.equal(house.come('192.0.2.1', 'slave'), null, 'within a second they may be slaves too')
  house.at = SECOND
  assert.notEqual(house.come('192.0.2.1', 'slave'), null)
  assert.deepEqual(house.cut, ['a'])
  assert.equal(house.admission.connections, 4)
})

test('one /48 of IPv6 has the places of four addresses, however many /64 it uses', () => {
  const house = new House({ connections: 15_000, perAddress: 64 })
  assert.equal(
    house.crowd(5_000, (at) => `2001:db8:7:${at.toString(16)}::1`),
    256,
  )
  assert.equal(house.admission.connections, 256)
  assert.notEqual(house.come('2001:db8:8::1'), null)
})

test('whoever proved itself waits no more: a site has as many links as it has devices', () => {
  const house = new House({ connections: 15_000, waiting: 100, perAddress: 2 })
  for (let at = 0; at < 5_000; at += 1) house.come('192.0.2.1')?.settle()
  assert.equal(house.admission.connections, 5_000)
  assert.deepEqual(house.cut, [])
})

test('a full house: the most crowded address gives way, those seen before never to a stranger', () => {
  const house = new House({ connections: 40, waiting: 16, perAddress: 8 })
  house.come('192.0.2.1')?.settle()
  for (const name of ['known 1', 'known 2']) house.come('192.0.2.1', name)
  for (let at = 0; at < 8; at += 1) house.come('203.0.113.1', `crowd ${at}`)
  for (let at = 0; at < 4; at += 1) house.come(`198.51.100.${at}`, `single ${at}`)
  assert.deepEqual(house.cut, [], '12 strangers: three quarters of the places')
  assert.notEqual(house.come('198.51.100.9', 'stranger'), null)
  assert.deepEqual(house.cut, ['crowd 0'])
  for (let at = 0; at < 2; at += 1) assert.notEqual(house.come('192.0.2.1'), null, 'kept places')
  assert.deepEqual(house.cut, ['crowd 0'])
})

test('a flood of singles refuses newcomers for a second, then the idle ones give way in turn', () => {
  const house = new House({ connections: 1_000, waiting: 100, perAddress: 8 })
  assert.equal(
    house.crowd(500, (at) => `198.51.${at >> 8}.${at & 255}`),
    75,
  )
  house.at = SECOND
  assert.equal(house.come('192.0.2.1') !== null, true)
  assert.deepEqual(house.cut, ['198.51.0.0'])
})

test('WIR-05: all places taken by links that proved themselves; one that leaves makes room', () => {
  const house = new House({ connections: 3, perAddress: 2 })
  const places = ['192.0.2.1', '192.0.2.2', '192.0.2.3'].map((address) => house.come(address))
  for (const place of places) place?.settle()
  assert.equal(house.come('192.0.2.4'), null)
  places[0]?.leave()
  places[0]?.leave()
  assert.notEqual(house.come('192.0.2.4'), null)
  assert.equal(house.admission.connections, 3)
})

test('one that is being served is not cut, and waits again afterwards', () => {
  const house = new House({ connections: 100, perAddress: 1 })
  const served = house.come('192.0.2.1', 'served')
  served?.serve(true)
  house.at = SECOND
  assert.notEqual(house.come('192.0.2.1', 'idle'), null)
  house.at = 2 * SECOND
  assert.notEqual(house.come('192.0.2.1', 'next'), null)
  assert.deepEqual(house.cut, ['idle'])
  served?.serve(false)
  served?.leave()
  served?.serve(false)
  assert.equal(house.admission.connections, 1)
})

test('no order of coming, proving, serving and leaving breaks a limit or the count', () => {
  const limits = { connections: 12, waiting: 8, perAddress: 3 }
  const address = fc.nat(6).map((at) => (at < 4 ? `192.0.2.${at}` : `2001:db8:0:${at}::1`))
  const act = fc.tuple(
    fc.constantFrom('come', 'settle', 'serve', 'rest', 'leave'),
    address,
    fc.nat(50),
  )
  fc.assert(
    fc.property(fc.array(act, { maxLength: 200 }), (acts) => {
      const admission = new Admission(limits)
      const open = new Map<Place, { address: string; waits: boolean }>()
      let now = 0
      for (const [what, from, pick] of acts) {
        now += SECOND / 3
        const [place, own] = [...open][pick % Math.max(open.size, 1)] ?? []
        if (what === 'come') {
          let mine: Place | null = null
          mine = admission.admit(from, monoUs(now), () => {
            if (mine !== null) open.delete(mine)
          })
          if (mine !== null) open.set(mine, { address: from, waits: true })
        } else if (place !== undefined && own !== undefined) {
          if (what === 'leave') open.delete(place)
          if (what === 'leave') place.leave()
          else if (what === 'settle') place.settle()
          else place.serve(what === 'serve')
          own.waits = what === 'rest'
        }
        assert.equal(admission.connections, open.size)
        assert.ok(open.size <= limits.connections)
      }
      for (const place of open.keys()) place.leave()
      assert.equal(admission.connections, 0)
    }),
    { numRuns: 300 },
  )
})
