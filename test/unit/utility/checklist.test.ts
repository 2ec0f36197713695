// The checklist: each step's state from what is stored, with what is missing in words.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type ChecklistFacts,
  checklistOf,
  progressOf,
  type StepName,
  STEPS,
} from '../../../services/billing/utility/core/checklist.ts'
import { NEW_PROFILE } from '../../../services/billing/utility/core/profile.ts'
import { admitTest, TESTS_PER_MINUTE } from '../../../services/billing/utility/core/trial.ts'
import { shiftMs, spanMs, type UnixMs, unixMs } from '../../../shared/units.ts'

const EMPTY: ChecklistFacts = {
  profile: NEW_PROFILE,
  mail: false,
  sms: false,
  skipped: [],
  tariffs: 0,
  slaves: { enrolled: 0, awaited: 0, awaitedName: null, awaitedId: null },
  meters: { seen: 0, unassigned: 0, placed: 0 },
  customers: { entered: 0, contracts: 0 },
  periods: { ready: 0, billed: 0, held: 0 },
}
const stepOf = (facts: Partial<ChecklistFacts>, name: StepName) => {
  const found = checklistOf({ ...EMPTY, ...facts }).find((step) => step.name === name)
  assert.ok(found !== undefined)
  return found
}
const saysOf = (facts: Partial<ChecklistFacts>, name: StepName): string => {
  const { state, words } = stepOf(facts, name)
  return `${state}: ${words}`
}

test('an empty database: every step, none of them done', () => {
  const steps = checklistOf(EMPTY)
  assert.deepEqual(
    steps.map(({ name }) => name),
    STEPS,
  )
  assert.deepEqual(progressOf(steps), { done: 0, all: STEPS.length })
  assert.match(saysOf({}, 'profile'), /^open: Missing on bills: its name \(without it no bill/)
})

test('the profile names what is missing, and is done when nothing is', () => {
  const profile = {
    ...NEW_PROFILE,
    name: 'Lakeside',
    address: 'A',
    contact: 'C',
    payment: ['P'],
    currency: 'INR',
  }
  assert.equal(saysOf({ profile }, 'profile'), 'open: Missing on bills: the time zone.')
  assert.equal(stepOf({ profile: { ...profile, zone: 'UTC' } }, 'profile').state, 'done')
})

test('mail that is set waits for the public address, and says so', () => {
  assert.match(saysOf({ mail: true }, 'mail'), /^waiting: .*public address/)
  const profile = { ...NEW_PROFILE, publicUrl: 'https://bills.example' }
  assert.equal(stepOf({ mail: true, profile }, 'mail').state, 'done')
  assert.equal(stepOf({ sms: true, profile }, 'sms').state, 'done')
})

test('a slave: no token, a token that waits, arrived', () => {
  assert.equal(stepOf({}, 'slave').href, '/fleet/new')
  const awaited = { enrolled: 0, awaited: 1, awaitedName: 'Mill Lane', awaitedId: '0a' }
  assert.match(saysOf({ slaves: awaited }, 'slave'), /^waiting: Waiting for Mill Lane/)
  assert.equal(stepOf({ slaves: awaited }, 'slave').href, '/fleet/0a/token')
  assert.equal(
    saysOf({ slaves: { ...awaited, enrolled: 1 } }, 'slave'),
    'done: 1 slave has arrived.',
  )
})

test('meters without a place are named even when others have one', () => {
  assert.equal(stepOf({}, 'meters').state, 'waiting')
  const meters = { seen: 3, unassigned: 2, placed: 1 }
  const step = stepOf({ meters }, 'meters')
  assert.deepEqual([step.state, step.href], ['open', '/meters?state=unassigned'])
  assert.match(step.words, /^2 meters have no place/)
  assert.equal(stepOf({ meters: { ...meters, unassigned: 0 } }, 'meters').state, 'done')
})

test('customers without a contract are billed by nobody', () => {
  assert.match(
    saysOf({ customers: { entered: 1_001, contracts: 0 } }, 'customers'),
    /^open: more than 1,000 customers, and no contract/,
  )
  assert.equal(stepOf({ customers: { entered: 1, contracts: 1 } }, 'customers').state, 'done')
})

test('bills: not yet, held, ready, issued', () => {
  const contracts = { entered: 1, contracts: 1 }
  const periods = { ready: 0, billed: 0, held: 0 }
  assert.match(saysOf({}, 'bills'), /^waiting: They come once there is a contract/)
  assert.match(saysOf({ customers: contracts }, 'bills'), /^waiting: The first month is not over/)
  assert.match(saysOf({ periods: { ...periods, held: 2 } }, 'bills'), /^open: 2 periods are held/)
  assert.match(
    saysOf({ periods: { ...periods, ready: 1 } }, 'bills'),
    /^open: 1 bill is ready\. Issue them there/,
  )
  assert.match(saysOf({ periods: { ...periods, billed: 1 } }, 'bills'), /^done: 1 bill is issued/)
})

test('only what some utilities do without can be put aside, and only while it is not done', () => {
  const all = { skipped: STEPS }
  const skipped = checklistOf({ ...EMPTY, ...all }).filter(({ state }) => state === 'skipped')
  assert.deepEqual(
    skipped.map(({ name }) => name),
    ['address', 'mail', 'sms', 'slave'],
  )
  const profile = { ...NEW_PROFILE, publicUrl: 'https://bills.example' }
  assert.equal(stepOf({ ...all, profile }, 'address').state, 'done')
})

test('six tests a minute, then none until the first is a minute old', () => {
  let began: readonly UnixMs[] = []
  const at = unixMs(1_800_000_000_000)
  const ask = (later: number): boolean => {
    const verdict = admitTest(began, shiftMs(at, spanMs(later)))
    began = verdict.began
    return verdict.ok
  }
  for (let n = 0; n < TESTS_PER_MINUTE; n += 1) assert.equal(ask(n), true)
  assert.equal(ask(59_999), false)
  assert.equal(ask(60_000), true)
  assert.equal(ask(60_000), false)
  assert.equal(ask(-1), true, 'a clock that was set back')
})
