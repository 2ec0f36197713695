// What may be entered about the utility, and what the environment says above it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  effectiveProfile,
  fixedErrors,
} from '../../../services/billing/utility/core/environment.ts'
import {
  checkProfile,
  NEW_PROFILE,
  type ProfileValues,
  profileValues,
} from '../../../services/billing/utility/core/profile.ts'
import { issuerOf } from '../../../services/billing/bills/core/issuer.ts'

const EMPTY = profileValues(NEW_PROFILE)
const errorsOf = (typed: Partial<ProfileValues>): Readonly<Record<string, string>> => {
  const verdict = checkProfile({ ...EMPTY, ...typed })
  return verdict.ok ? {} : verdict.errors
}

test('an empty profile may be stored: what is not known yet is null, not made up', () => {
  const verdict = checkProfile(EMPTY)
  const { logo: _logo, ...entry } = NEW_PROFILE
  assert.deepEqual(verdict, { ok: true, profile: entry })
  assert.equal(issuerOf(NEW_PROFILE), null, 'no bill is issued for it (BIL-19)')
})

test('what was typed is kept as it will be printed, and reads back the same', () => {
  const verdict = checkProfile({
    ...EMPTY,
    name: '  Stadtwerke Kü ',
    address: 'Am Markt 1\r\n12345 Kü',
    payment: 'By transfer.\r\n\r\n In cash.  ',
    currency: 'eur',
    zone: 'Europe/Berlin',
    billedFrom: '2026-12-01',
    publicUrl: 'HTTPS://Bills.Example:443/',
  })
  assert.ok(verdict.ok)
  const { profile } = verdict
  assert.equal(profile.name, 'Stadtwerke Kü')
  assert.equal(profile.address, 'Am Markt 1\n12345 Kü')
  assert.deepEqual(profile.payment, ['By transfer.', 'In cash.'])
  assert.deepEqual([profile.currency, profile.publicUrl], ['EUR', 'https://bills.example'])
  assert.deepEqual(checkProfile(profileValues(profile)), { ok: true, profile })
})

test('each mistake is named at its field, with what would be right', () => {
  const wrong: readonly (readonly [Partial<ProfileValues>, string, RegExp])[] = [
    [{ name: 'x'.repeat(81) }, 'name', /80 characters/],
    [{ name: 'two\nlines' }, 'name', /one line/],
    [{ address: 'x'.repeat(161) }, 'address', /160/],
    [{ contact: 'x'.repeat(61) }, 'contact', /60/],
    [{ legal: 'x'.repeat(501) }, 'legal', /500 characters in a paragraph/],
    [{ legal: 'x\n'.repeat(451) }, 'legal', /900/],
    [{ payment: 'x\n'.repeat(5) }, 'payment', /four|4 lines of 60 characters: these are 5/],
    [{ payment: 'x'.repeat(241) }, 'payment', /these are 5/],
    [{ currency: 'Rs' }, 'currency', /INR/],
    [{ currency: 'XXQ' }, 'currency', /no currency "XXQ"/],
    [{ zone: 'Asia/Kolkatta' }, 'zone', /perhaps Asia\/Kolkata/],
    [{ zone: 'Asia/Nashik' }, 'zone', /Asia\/Kolkata for all of India/],
    [{ billedFrom: '2026-02-30' }, 'billedFrom', /2026-12-01/],
    [{ issuing: 'soon' }, 'issuing', /one of the two/],
    [{ publicUrl: 'bills.example' }, 'publicUrl', /https:\/\/host/],
    [{ publicUrl: 'https://user:word@bills.example' }, 'publicUrl', /without/],
  ]
  for (const [typed, field, said] of wrong) {
    const errors = errorsOf(typed)
    assert.deepEqual(Object.keys(errors), [field], JSON.stringify(typed))
    assert.match(errors[field] ?? '', said)
  }
  const both = errorsOf({ zone: 'MEZ', issuing: 'never' })
  assert.deepEqual(Object.keys(both).toSorted(), ['issuing', 'zone'])
})

test('what the environment sets stands above what is stored, field by field', () => {
  const stored = { ...NEW_PROFILE, name: 'Typed', contact: 'Typed too', zone: 'UTC' }
  const by = 'TICKLOCK_UTILITY'
  const profile = effectiveProfile(stored, { profile: { name: { value: 'Set', by } } })
  assert.deepEqual([profile.name, profile.contact, profile.zone], ['Set', 'Typed too', 'UTC'])
})

test('a field that the environment sets is refused with the variable that sets it (OPS-37)', () => {
  const environment = { profile: { zone: { value: 'UTC', by: 'TICKLOCK_ZONE' } } }
  assert.match(
    fixedErrors({ zone: 'Asia/Kolkata' }, environment).zone ?? '',
    /OPS-37 .*TICKLOCK_ZONE/,
  )
  assert.deepEqual(fixedErrors({ name: 'Lakeside', zone: '' }, environment), {})
})
