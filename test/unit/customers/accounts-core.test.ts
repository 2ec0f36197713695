// What accounts are on a day, changes in words, and typed registers (services/billing/customers).

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changeLines, changeVerb } from '../../../services/billing/customers/core/change-words.ts'
import { stateOn } from '../../../services/billing/customers/core/lists.ts'
import {
  registerFields,
  typedRegisters,
} from '../../../services/billing/customers/core/register-fields.ts'

test('an account runs from its first day to the day before its end, both sides of each edge', () => {
  const account = { from: '2026-10-15', to: '2026-11-01' }
  assert.deepEqual(
    ['2026-10-14', '2026-10-15', '2026-10-31', '2026-11-01'].map((day) => stateOn(account, day)),
    ['future', 'running', 'running', 'ended'],
  )
  assert.equal(stateOn({ from: '2026-10-15', to: null }, '2099-01-01'), 'running')
})

test('changes are told by the fields that differ, in words and local time', () => {
  const before = { name: 'Asha', to_date: null, from_ts: '2026-10-14T18:30:00.000Z' }
  const change = { before, after: { ...before, to_date: '2026-11-01', name: 'Asha K.' } }
  assert.deepEqual(changeLines(change, 'Asia/Kolkata'), [
    { field: 'Name', before: 'Asha', after: 'Asha K.' },
    { field: 'First day after it', before: '—', after: '1 November 2026' },
  ])
  const made = { before: null, after: { from_ts: '2026-10-14T18:30:00.000Z' } }
  assert.deepEqual(changeLines(made, 'Asia/Kolkata'), [
    { field: 'From', before: '—', after: '15 October 2026, 00:00' },
  ])
  assert.deepEqual([change, made, { before, after: null }].map(changeVerb), [
    'changed',
    'entered',
    'taken back',
  ])
})

test('registers are read in the unit of the display, every digit kept; a wrong one is named', () => {
  const fields = registerFields({ medium: 'water', registers: [] })
  assert.deepEqual(fields, [{ obis: '8-0:1.0.0*255', unit: 'm3' }])
  const energy = registerFields({ medium: 'electricity', registers: ['1-0:1.8.0*255'] })
  const typed = typedRegisters('opening', energy, { 'opening_1-0:1.8.0*255': '0012.50' })
  assert.deepEqual(typed.registers, [{ obis: '1-0:1.8.0*255', unit: 30, value: 1250, exponent: 1 }])
  const wrong = typedRegisters('opening', energy, { 'opening_1-0:1.8.0*255': '12,5' })
  assert.deepEqual(wrong.registers, [])
  assert.match(wrong.errors['opening_1-0:1.8.0*255'] ?? '', /is not what a register shows/)
})
