// Tombstones and skips pass checks of the same names as frames do (wire.md 6.4), and move no key.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Check, Verdict } from '../../../services/master/core/gate.ts'
import { judgeSkip, judgeTombstone } from '../../../services/master/core/given-up.ts'
import type { DeviceState, Owned } from '../../../services/master/core/state.ts'
import { nodeSuite as suite } from '../../../shared/node/node-suite.ts'
import type { Skip, Tombstone } from '../../../shared/wire/recovery.ts'
import { context, EPOCH, frame, RUN, running } from './gate-world.ts'

/** The next sequence after the opener and frame 1. */
const NEXT = 2
const HASH = new Uint8Array(32).fill(7)
const BODY = frame({ sequence: NEXT })

const tombstone = (changed: Partial<Tombstone> = {}): Tombstone => ({
  epoch: EPOCH,
  run: RUN,
  first: NEXT,
  last: NEXT + 3,
  reason: 'damaged',
  hash: HASH,
  ...changed,
})
const skip = (changed: Partial<Skip> = {}): Skip => ({
  epoch: EPOCH,
  run: RUN,
  sequence: NEXT,
  bodyHash: suite.sha256(BODY),
  ...changed,
})

const checkOf = (verdict: Verdict): Check | 'taken' => (verdict.ok ? 'taken' : verdict.check)
const revoked = (): DeviceState => {
  const made: Owned<DeviceState> = running()
  made.record = { ...made.record, revoked: true }
  return made
}

test('a tombstone is refused by the check that a frame in its place would fail (wire.md 6.4)', () => {
  const judged = (changed: Partial<Tombstone>, made = running()) =>
    checkOf(judgeTombstone(context(made), tombstone(changed)))
  assert.equal(judged({}), 'taken')
  assert.equal(judged({}, revoked()), 'not revoked')
  assert.equal(judged({ epoch: EPOCH + 1 }), 'epoch and run known')
  assert.equal(judged({ run: RUN + 1 }), 'epoch and run known')
  assert.equal(judged({ run: RUN + 1, first: 0 }), 'taken', 'the opener of a higher run')
  assert.equal(judged({ run: RUN - 1 }), 'not spent')
  assert.equal(judged({ first: 0, last: NEXT - 1 }), 'not spent')
  assert.equal(judged({ first: NEXT + 1 }), 'next in order')
})

test('a skip is taken for the very body that did not open, and for no other (wire.md 6.4)', () => {
  const judged = (changed: Partial<Skip>, suspect: Uint8Array | null = BODY, made = running()) =>
    checkOf(judgeSkip(context(made), skip(changed), suspect))
  assert.equal(judged({}), 'taken')
  assert.equal(judged({}, BODY, revoked()), 'not revoked')
  assert.equal(judged({ epoch: EPOCH + 1 }), 'epoch and run known')
  assert.equal(judged({ run: RUN - 1 }), 'not spent')
  assert.equal(judged({ sequence: NEXT - 1 }), 'not spent')
  assert.equal(judged({ sequence: NEXT + 1 }), 'next in order')
  assert.equal(judged({}, null), 'opens', 'no frame was refused')
  assert.equal(judged({ bodyHash: HASH }), 'opens', 'another body')
})

test('a tombstone or a skip moves the run and no key', () => {
  for (const verdict of [
    judgeTombstone(context(running()), tombstone()),
    judgeSkip(context(running()), skip(), BODY),
  ]) {
    assert.ok(verdict.ok)
    assert.equal(verdict.moved.key, null)
  }
})
