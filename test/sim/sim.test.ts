// Five short worlds in every test run, most of them with a week of silence behind; many and long
// ones with `npm run sim`.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Choice, type Outcome, simulate } from './run.ts'
import type { Sometimes } from './sometimes.ts'

const DAYS = 0.25

const lived = new Map<number, Outcome>()

/** A world, lived once, by whichever test asks for it first. */
function world(seed: number, choice: Choice = {}): Outcome {
  const known = lived.get(seed)
  if (known !== undefined) return known
  const outcome = simulate(seed, DAYS, choice)
  lived.set(seed, outcome)
  return outcome
}

/** Every rule held (checkers.ts, book.ts: nothing lost, repeated or forged; clocks within their
 * bounds), and there was something for it to hold of. */
function green({ broken, recent, rows, observer }: Outcome): void {
  assert.equal(broken, null, recent.join('\n'))
  assert.ok(rows > 50, `${rows} rows are no world`)
  assert.ok(observer.compact > 10, `${observer.compact} frames went with the compact header`)
  assert.ok(observer.anchors > 0, 'no slave gave an anchor')
}

function sees({ seen }: Outcome, ...names: readonly Sometimes[]): void {
  for (const name of names) assert.ok((seen.get(name) ?? 0) > 0, `${name}: not in this world`)
}

for (const seed of [2, 7, 16]) {
  test(`world ${seed}: every rule holds under attack, and a thief opens nothing earlier`, () => {
    const outcome = world(seed)
    green(outcome)
    const { attacks, thief, bills, seen } = outcome
    // A world without attacks and thefts proves nothing.
    assert.ok(attacks > 20, `${attacks} attacks`)
    assert.ok(thief.thefts > 3 && thief.shut > 50, `${thief.thefts} thefts, ${thief.shut} tries`)
    assert.ok(thief.opened > 0, `the loot opened ${thief.opened} later frames`)
    assert.ok(bills.right > 0, 'no bill was compared')
    assert.ok((seen.get('resumed after a week') ?? 0) > 0, 'nothing came after the week')
  })
}

for (const seed of [2, 7]) {
  test(`world ${seed}, without rare faults: what was sealed is in the ledger to the last row`, () => {
    const { observer, rows } = world(seed)
    const accounts = observer.book.accounts()
    assert.deepEqual(accounts, { sealed: rows, rows, exceptions: new Map() })
    assert.equal(observer.held, rows)
  })
}

test('world 16: the ledger is set back twice, and rows and named exceptions are all that was sealed', () => {
  const outcome = world(16)
  sees(outcome, 'ledger set back', 'sent again', 'epoch lost', 'disk rotted', 'master key rotated')
  const { sealed, rows, exceptions } = outcome.observer.book.accounts()
  const named = [...exceptions.values()].reduce((sum, count) => sum + count, 0)
  assert.ok(named > 0, 'no exception')
  assert.deepEqual([rows + named, outcome.observer.held], [sealed, rows])
})

test('world 11: a disk is set back, the fork is found, and commands are executed once', () => {
  const outcome = world(11, { short: true })
  green(outcome)
  sees(outcome, 'disk set back', 'fork found', 'command done', 'command expired')
})

test('world 6: frames that nobody can open are skipped, and named in the accounts', () => {
  const outcome = world(6, { short: true })
  green(outcome)
  sees(outcome, 'seal spoilt', 'skip sent', 'run left')
  assert.ok((outcome.observer.book.accounts().exceptions.get('skipped') ?? 0) > 0)
})

test('a good link is left for a new epoch (wire.md 4)', () => {
  assert.ok(world(7).renewals > 0)
})

test('meters are corrected, and the rules of crystals.ts hold: no interval cut, a minute a month', () => {
  const { corrections, broken } = world(7)
  assert.equal(broken, null)
  assert.ok(corrections > 0)
})

test('the same seed is the same world, to the last row and count', () => {
  const again = simulate(11, DAYS, { short: true })
  assert.equal(again.digest, world(11, { short: true }).digest)
  assert.deepEqual(again.seen, world(11).seen)
})

test('without an attacker there are no attacks, and no control message fails to open', () => {
  const { broken, attacks, observer } = simulate(5, DAYS, { peaceful: true, short: true })
  assert.deepEqual([broken, attacks], [null, 0])
  assert.equal(observer.refused.get('SEC-11') ?? 0, 0)
})
