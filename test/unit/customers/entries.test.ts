// What somebody enters is checked field by field, with a remedy (services/billing/customers/core).

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import {
  type Checked,
  contractEntry,
  customerEntry,
  errorTexts,
  installationEntry,
  manualReadingEntry,
  meterEntry,
  registerEntry,
  servicePointEntry,
} from '../../../services/billing/customers/core/entries.ts'
import { zoneNamed } from '../../../services/billing/customers/core/zones.ts'
import { registerUnit } from '../../../services/billing/readings/core/typed-register.ts'

const CUSTOMER = { number: 'C-1', name: 'Asha Kulkarni', address: '12 Lake Road' }

/** `phone has no country: begin it with + ...`, one for each field. */
const said = (checked: Checked<unknown>): readonly string[] =>
  checked.ok
    ? []
    : Object.entries(errorTexts(checked.errors)).map(([name, text]) => `${name} ${text}`)

const entryOf = <Entry>(checked: Checked<Entry>): Entry => {
  if (!checked.ok) throw new Error(said(checked).join('; '))
  return checked.entry
}

test('each wrong field of a customer is named with its remedy, and all of them at once', () => {
  const errors = said(
    customerEntry({ number: ' ', name: 'A\u0007', address: '', email: 'a@b@c', phone: '0171 12' }),
  )
  assert.deepEqual(errors, [
    'number is blank: fill it in',
    'name holds a character that nobody can see: type it anew',
    'address is blank: fill it in',
    'email holds more than one @: one address is allowed: write one address as name@domain',
    'phone has no country: begin it with + and the code of the country (+91 for India)',
  ])
})

test('a phone number may be written for people; it is kept as E.164', () => {
  for (const phone of ['+49 171 123-4567', '+49 (171) 123/4567', '+49.171.1234567']) {
    assert.equal(entryOf(customerEntry({ ...CUSTOMER, phone })).phone, '+491711234567')
  }
  assert.equal(entryOf(customerEntry(CUSTOMER)).phone, null)
  assert.match(said(customerEntry({ ...CUSTOMER, phone: '+1' }))[0] ?? '', /7 to 15 digits/)
})

test('names are kept trimmed and composed; a name of 80 characters fits, one of 81 does not', () => {
  const name = ' Ju\u0308rgen '
  assert.equal(entryOf(customerEntry({ ...CUSTOMER, name })).name, 'J\u00fcrgen')
  entryOf(customerEntry({ ...CUSTOMER, name: 'x'.repeat(80) }))
  const long = said(customerEntry({ ...CUSTOMER, name: 'x'.repeat(81) }))
  assert.deepEqual(long, ['name is 81 characters long: shorten it to 80'])
})

test('a zone that does not exist is answered with the nearest that do', () => {
  const point = { code: 'P-1', address: 'here' }
  assert.equal(
    entryOf(servicePointEntry({ ...point, zone: 'europe/berlin' })).zone,
    'Europe/Berlin',
  )
  assert.match(
    said(servicePointEntry({ ...point, zone: 'Europe/Berln' }))[0] ?? '',
    /Europe\/Berlin/,
  )
  for (const offset of ['+05:30', 'Europe/Berlin ', '']) assert.equal(zoneNamed(offset), null)
})

test('digits 3 to 15, a multiplier from 1, registers by their codes', () => {
  const meter = (typed: object) => meterEntry({ number: 'M-1', ...typed })
  for (const digits of ['3', '15']) assert.equal(entryOf(meter({ digits })).digits, Number(digits))
  for (const digits of ['2', '16', '6.0', '-6', 'six'])
    assert.equal(said(meter({ digits })).length, 1)
  assert.equal(entryOf(meter({})).multiplier, 1)
  for (const multiplier of ['40', '40,0', '40.00'])
    assert.equal(entryOf(meter({ multiplier })).multiplier, 40, multiplier)
  for (const multiplier of ['0', '1.5', '1000001', '1.000', '0,0'])
    assert.equal(said(meter({ multiplier })).length, 1)
  const billedBy = '1.8.1 + 1.8.2'
  assert.deepEqual(entryOf(meter({ billedBy })).billedBy, ['1-0:1.8.1*255', '1-0:1.8.2*255'])
  for (const wrong of ['1.8.1, 1.8.1', '1.8.300', '1.8.1 x']) {
    assert.equal(said(meter({ billedBy: wrong })).length, 1, wrong)
  }
  assert.match(said(meterEntry({ number: '1EMH 0012' }))[0] ?? '', /leave out blanks/)
})

test('a contract ends after it begins, and is not billed before it begins', () => {
  const contract = (typed: object) =>
    contractEntry({ customer: 'C-1', servicePoint: 'P-1', from: '2026-05-01', ...typed })
  const whole = entryOf(contract({}))
  assert.deepEqual([whole.to, whole.billedFrom, whole.tariff], [null, '2026-05-01', null])
  assert.equal(entryOf(contract({ to: '2026-05-02' })).to, '2026-05-02')
  assert.match(said(contract({ to: '2026-05-01' }))[0] ?? '', /^to is not after from/)
  assert.match(said(contract({ billedFrom: '2026-04-30' }))[0] ?? '', /^billedFrom is before/)
  for (const from of ['2026-02-30', '31.05.2026', '0026-05-31']) {
    assert.equal(said(contract({ from })).length, 1, from)
  }
})

test('an installation is by the clocks of its place; a meter is not its own main meter', () => {
  const typed = { meter: 'M-1', servicePoint: 'P-1', from: '2026-05-01 10:30' }
  assert.equal(entryOf(installationEntry(typed)).from, '2026-05-01T10:30:00')
  assert.deepEqual(said(installationEntry({ ...typed, mainMeter: 'M-1' })), [
    'mainMeter is the meter itself: name the meter before it, or leave it blank',
  ])
  assert.equal(said(installationEntry({ ...typed, to: '2026-05-01 10:30' })).length, 1)
  assert.equal(entryOf(installationEntry({ ...typed, to: '2026-05-01 10:31' })).mainMeter, null)
})

test('a register keeps every digit that was typed, whatever its unit', () => {
  const register = (value: string, unit: string) => entryOf(registerEntry({ value, unit }))
  for (const [typed, unit, value, exponent] of [
    ['012345.60', 'kWh', 1_234_560, 1],
    ['7', 'MWh', 7, 6],
    ['0.001', 'Wh', 1, -3],
    ['12.5', 'm³', 125, -1],
    ['3', 'l', 3, -3],
  ] as const) {
    const { value: held, exponent: power } = register(typed, unit)
    assert.deepEqual([held, power], [value, exponent], `${typed} ${unit}`)
  }
  for (const value of ['', '-1', '1,5', '1.', '1e3', '9'.repeat(16), '0.0000000001']) {
    assert.equal(said(registerEntry({ value })).length, 1, value)
  }
  assert.match(said(registerEntry({ value: '1', unit: 'kW' }))[0] ?? '', /no unit/)
})

test('no text that anybody types makes a check throw, and what it accepts is exact', () => {
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc.constantFrom('1', '2026-01-01'),
  )
  const names = 'number name address email phone language code zone make medium digits multiplier'
  const more =
    'billedBy customer servicePoint from to billedFrom tariff cycle missing meter at value'
  const fields = `${names} ${more} unit obis kind mainMeter photo note`.split(' ')
  const typed = fc.record(Object.fromEntries(fields.map((name) => [name, text])))
  const checks = [customerEntry, servicePointEntry, meterEntry, contractEntry, installationEntry]
  fc.assert(
    fc.property(typed, (given) => {
      for (const check of [...checks, registerEntry, manualReadingEntry]) check(given)
    }),
  )
  fc.assert(
    fc.property(fc.nat(999_999_999), fc.nat(999_999), (whole, part) => {
      const value = `${whole}.${String(part).padStart(6, '0')}`
      const entry = entryOf(registerEntry({ value }))
      assert.equal(BigInt(entry.value), BigInt(whole) * 1_000_000n + BigInt(part))
      assert.equal(entry.exponent, (registerUnit('kWh')?.power ?? 0) - 6)
    }),
  )
})
