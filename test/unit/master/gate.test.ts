// Every check of the gate refuses for its own reason, in the order of wire.md 9, and moves nothing.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Check, judge } from '../../../services/master/core/gate.ts'
import type { DeviceState, EpochState, Owned } from '../../../services/master/core/state.ts'
import { install, putPosition } from '../../../services/master/core/streams.ts'
import { nodeSuite as suite } from '../../../shared/node/node-suite.ts'
import { unixMs } from '../../../shared/units.ts'
import { encodeOpener } from '../../../shared/wire/content.ts'
import {
  context,
  device,
  EPOCH,
  frame,
  NOW_SECOND,
  OPENER,
  ORIGIN,
  RUN,
  running,
  TOLERANCE_SECONDS,
} from './gate-world.ts'

/** Refused by exactly this check, with nothing moved: the next honest frame still opens. */
function refusedBy(check: Check, fault: string, body: Uint8Array): void {
  const made = running()
  const verdict = judge(context(made), body)
  assert.ok(!verdict.ok)
  assert.equal(verdict.fault, fault)
  assert.equal(verdict.check, check)
  assert.ok(judge(context(made), frame({ sequence: 2 })).ok)
}

void describe('the gate (wire.md 9)', () => {
  test('takes the next frame of the run and hands on what it carries', () => {
    const verdict = judge(context(running()), frame({ sequence: 2 }))
    assert.ok(verdict.ok && verdict.frame.content.kind === 'readings')
    assert.equal(verdict.frame.content.groups[0]?.readings[0]?.value, 42)
    assert.equal(verdict.frame.late, false)
  })

  test('frames are read against the run’s opener, also after a restart (wire.md 8.2)', () => {
    const before = judge(context(running()), frame({ sequence: 2 }))
    assert.ok(before.ok)
    const { position } = before.frame
    assert.deepEqual(position.opener, encodeOpener(OPENER))
    const restarted = device()
    putPosition(suite, restarted, position)
    const after = judge(context(restarted), frame({ sequence: 3 }))
    assert.ok(after.ok)
    assert.deepEqual(after.frame.content, before.frame.content)
    assert.deepEqual(after.frame.position.opener, position.opener)
    const lost = device()
    putPosition(suite, lost, { ...position, opener: null })
    const unread = judge(context(lost), frame({ sequence: 3 }))
    assert.ok(unread.ok && unread.frame.content.kind === 'unreadable')
  })

  test('an opener that cannot be read makes its run unreadable, not refused (BIL-06)', () => {
    const made = device()
    const [first, next] = [
      frame({ sequence: 0, plaintext: Uint8Array.of(1) }),
      frame({ sequence: 1 }),
    ].map((body) => {
      const verdict = judge(context(made), body)
      assert.ok(verdict.ok)
      install(verdict.moved)
      return verdict.frame
    })
    assert.equal(first?.content.kind, 'unreadable')
    assert.equal(first.position.opener, null)
    assert.equal(next?.content.kind, 'unreadable')
  })

  test('an opener’s content in a later frame is unreadable and changes nothing', () => {
    const made = running()
    const other = encodeOpener({ ...OPENER, heads: [], processStart: unixMs(1) })
    const verdict = judge(context(made), frame({ sequence: 2, plaintext: other, count: 0 }))
    assert.ok(verdict.ok && verdict.frame.content.kind === 'unreadable')
    assert.deepEqual(verdict.frame.position.opener, encodeOpener(OPENER))
  })

  test('a body too short for a header is WIR-03', () => {
    refusedBy('shape', 'WIR-03', frame({ sequence: 2 }).slice(0, 19))
  })

  test('a revoked device is SEC-14 before any key is touched', () => {
    const made: Owned<DeviceState> = running()
    made.record = { ...made.record, revoked: true }
    const verdict = judge(context(made), frame({ sequence: 2 }))
    assert.ok(!verdict.ok && verdict.check === 'not revoked')
    assert.equal(verdict.fault, 'SEC-14')
  })

  test('an unknown epoch, or a higher run that does not open, is SEC-04', () => {
    refusedBy('epoch and run known', 'SEC-04', frame({ sequence: 2, epoch: 8 }))
    refusedBy('epoch and run known', 'SEC-04', frame({ sequence: 2, run: RUN + 1 }))
  })

  test('a spent sequence is SEC-05, in an earlier run too', () => {
    refusedBy('not spent', 'SEC-05', frame({ sequence: 1 }))
    refusedBy('not spent', 'SEC-05', frame({ sequence: 0 }))
    refusedBy('not spent', 'SEC-05', frame({ sequence: 9, run: RUN - 1 }))
  })

  test('a sequence beyond the next is SEC-06', () => {
    refusedBy('next in order', 'SEC-06', frame({ sequence: 3 }))
  })

  test('takes a tag 10 s ahead and refuses 11 s with SEC-02 (wire.md 6.2)', () => {
    const edge = NOW_SECOND + TOLERANCE_SECONDS
    assert.ok(judge(context(running()), frame({ sequence: 2, at: edge })).ok)
    refusedBy('not ahead', 'SEC-02', frame({ sequence: 2, at: edge + 1 }))
  })

  test('a closed epoch, or a master without the time, refuses nothing for its time', () => {
    const far = frame({ sequence: 2, at: NOW_SECOND + 10_000 })
    const closed = running()
    const newest: Owned<EpochState> | undefined = closed.epochs.get(EPOCH)
    assert.ok(newest)
    newest.closed = true
    assert.ok(judge(context(closed), far).ok)
    assert.ok(judge({ ...context(running()), timed: false }, far).ok)
  })

  test('a frame says when it was sealed, and how late its readings can be, in every epoch', () => {
    const now = ORIGIN + NOW_SECOND * 1_000
    const times = (made: DeviceState, at: number, timed = true): unknown => {
      const verdict = judge({ ...context(made), timed }, frame({ sequence: 2, at }))
      assert.ok(verdict.ok)
      const { sealedAt, latest } = verdict.frame
      return [sealedAt - now, latest - now]
    }
    assert.deepEqual(times(running(), NOW_SECOND), [0, 10_000])
    // Sealed ahead of its arrival.
    assert.deepEqual(times(running(), NOW_SECOND + 7), [0, 10_000])
    const closed = running()
    const newest: Owned<EpochState> | undefined = closed.epochs.get(EPOCH)
    assert.ok(newest)
    newest.closed = true
    assert.deepEqual(times(closed, NOW_SECOND + 86_400), [0, 10_000])
    assert.deepEqual(times(running(), NOW_SECOND, false), [0, 86_400_000])
    const later = { ...context(running()), now: unixMs(now + 5_000) }
    const verdict = judge(later, frame({ sequence: 2 }))
    assert.ok(verdict.ok && verdict.frame.sealedAt === now)
  })

  test('a second below the last accepted is SEC-12', () => {
    refusedBy('key not destroyed', 'SEC-12', frame({ sequence: 2, at: NOW_SECOND - 1 }))
  })

  test('every flipped bit of a frame is refused and nothing moves (wire.md 8)', () => {
    const honest = frame({ sequence: 2 })
    const made = running()
    for (let bit = 0; bit < honest.length * 8; bit += 1) {
      const bent = honest.slice()
      bent[bit >> 3] = (bent[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      assert.ok(!judge(context(made), bent).ok, `bit ${bit}`)
    }
    const last = honest.slice()
    last[last.length - 1] = (last.at(-1) ?? 0) ^ 1
    refusedBy('opens', 'SEC-03', last)
    assert.ok(judge(context(made), honest).ok)
  })

  test('a frame from the past is taken and marked late', () => {
    const made = running()
    const later = { ...context(made), now: unixMs(ORIGIN + (NOW_SECOND + 11) * 1_000) }
    const verdict = judge(later, frame({ sequence: 2 }))
    assert.ok(verdict.ok && verdict.frame.late)
  })

  test('an opener that names more of the run before than came says what is lost (wire.md 6.3)', () => {
    const said = (sequence: number, run = RUN) => {
      const previous = { epoch: EPOCH, run, sequence, hash: new Uint8Array(32) }
      const plaintext = encodeOpener({ ...OPENER, previous })
      const verdict = judge(context(running()), frame({ sequence: 0, run: RUN + 1, plaintext }))
      assert.ok(verdict.ok)
      return verdict.behind
    }
    assert.deepEqual(said(5), { epoch: EPOCH, run: RUN, first: 2, last: 5 })
    assert.equal(said(1), null, 'all of it came')
    assert.equal(said(5, RUN - 1), null, 'a run that we do not have as the newest')
  })
})
