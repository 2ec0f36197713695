// Several sources of time, some of which lie. True time is known, so the promise can be checked:
// while more than half are honest, UTC lies within the bound we publish.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Estimate } from '../../shared/clock/estimate/estimator.ts'
import {
  type Agreement,
  type Candidate,
  type Selection,
  select,
} from '../../shared/clock/estimate/select.ts'
import { monoUs, ppm, spanUs, unixUs } from '../../shared/units.ts'

const UTC = 1_790_000_000_000_000
const SECOND = 1_000_000
/** Longer than the patience after the start. */
const LATER = 3_600 * SECOND

interface Said {
  /** From UTC, microseconds. */
  readonly off: number
  readonly bound: number
  readonly reachable?: boolean
  readonly ageUs?: number
  readonly frequency?: number
  readonly growth?: number
}

/** A source whose estimate is `off` from UTC now; UTC runs at the rate of our oscillator. */
const source = (said: Said | null, index: number, now = LATER): Candidate => {
  const name = `source ${index}`
  if (said === null) return { name, estimate: null, reach: 0 }
  const { off, bound, reachable = true, ageUs = 0, frequency = 0, growth = 0 } = said
  const estimate: Estimate = {
    mono: monoUs(now - ageUs),
    utc: unixUs(UTC + now - ageUs + off - ageUs * frequency * 1e-6),
    bound: spanUs(bound - ageUs * growth * 1e-6),
    frequency: ppm(frequency),
    growth: ppm(growth),
    informative: false,
  }
  return { name, estimate, reach: reachable ? 1 : 0 }
}

const ask = (
  said: readonly (Said | null)[],
  {
    agreement = null,
    now = LATER,
    followed = null,
  }: {
    readonly agreement?: Agreement | null
    readonly now?: number
    readonly followed?: string | null
  } = {},
): Selection =>
  select(
    said.map((each, index) => source(each, index, now)),
    { mono: monoUs(now), startedAt: monoUs(0), followed, agreement },
  )

const marks = (selection: Selection): string => selection.marks.join('')
const agreedAt = (off: number, bound: number, backing: number, now = LATER): Agreement => {
  const { estimate } = source({ off, bound }, 0, now)
  assert.ok(estimate !== null)
  return { estimate, backing }
}

/** An honest source: UTC is anywhere inside its interval. */
const honest: fc.Arbitrary<Said> = fc
  .record({
    bound: fc.integer({ min: 10, max: 400_000 }),
    where: fc.double({ min: -1, max: 1, noNaN: true }),
    ageUs: fc.integer({ min: 0, max: 1_000 * SECOND }),
    frequency: fc.double({ min: -200, max: 200, noNaN: true }),
    reachable: fc.boolean(),
  })
  .map(({ bound, where, ...rest }) => ({ off: Math.trunc(bound * where), bound, ...rest }))

const liar: fc.Arbitrary<Said | null> = fc.oneof(
  fc.constant(null),
  fc.record({
    off: fc.integer({ min: -5 * SECOND, max: 5 * SECOND }),
    bound: fc.constantFrom(1, 1_000, 900_000),
  }),
  // Liars who overlap with somebody's edge pull hardest.
  fc.record({
    off: fc.integer({ min: -500_000, max: 500_000 }),
    bound: fc.integer({ min: 1, max: 500_000 }),
  }),
)

test('UTC lies within the published bound while more than half of the sources heard are honest', () => {
  let believed = 0
  const worlds = fc
    .integer({ min: 1, max: 9 })
    .chain((n) =>
      fc.tuple(
        fc.array(honest, { minLength: n, maxLength: n }),
        fc.array(liar, { maxLength: n - 1 }),
      ),
    )
    .chain(([good, bad]) =>
      fc.shuffledSubarray([...good, ...bad], { minLength: good.length + bad.length }),
    )
  fc.assert(
    fc.property(worlds, (said) => {
      const { estimate, is } = ask(said)
      assert.notEqual(is, 'no majority')
      if (estimate === null) return
      believed += 1
      const off = estimate.utc - estimate.mono - UTC
      // The test's sources lose fractions of a microsecond.
      assert.ok(Math.abs(off) <= estimate.bound + 2, `${off} +- ${estimate.bound}`)
    }),
    { numRuns: 5_000 },
  )
  assert.ok(believed > 3_000, `${believed}`)
})

test('1 liar of 3 and 2 of 5 are out-voted, marked x; the best honest one is followed', () => {
  const fine = { off: 100, bound: 2_000 }
  const finer = { off: -50, bound: 1_500 }
  const vague = { off: 3_000, bound: 9_000 }
  const lie = { off: 5 * SECOND, bound: 10 }
  const three = ask([fine, lie, finer])
  assert.equal(marks(three), '+x*')
  assert.ok(Math.abs((three.estimate?.utc ?? 0) - UTC - LATER) < 100)
  assert.ok((three.estimate?.bound ?? 0) < 2_200)
  assert.equal(marks(ask([lie, fine, { off: -9 * SECOND, bound: 10 }, vague, finer])), 'x+x-*')
  // Also when both tell the same lie.
  assert.equal(marks(ask([lie, fine, lie, vague, finer])), 'x+x-*')
})

test('without a majority no source is believed: two that disagree, half or more liars', () => {
  const fine = { off: 0, bound: 1_000 }
  for (const said of [
    [fine, { off: 5_000, bound: 1_000 }],
    [fine, fine, { off: 5_000, bound: 10 }, { off: 9_000, bound: 10 }],
    [fine, { off: 5_000, bound: 10 }, { off: 9_000, bound: 10 }],
    [fine, fine, ...[5_000, 6_000, 7_000].map((off) => ({ off, bound: 10 }))],
  ]) {
    const { is, estimate, followed } = ask(said)
    assert.deepEqual([is, estimate, followed], ['no majority', null, null])
  }
  // Two that touch agree, in the point where they do.
  const touching = ask([fine, { off: 2_000, bound: 1_000 }])
  assert.equal(touching.is, 'agreed')
  assert.ok((touching.estimate?.bound ?? 9) <= 2)
  assert.equal(ask([fine, { off: 2_003, bound: 1_000 }]).is, 'no majority')
})

test('a majority that turns against our clock is refused while a source supports it', () => {
  const fine = { off: 0, bound: 1_000 }
  const lie = { off: 5 * SECOND, bound: 1_000 }
  const agreement = agreedAt(0, 500, 5)
  assert.equal(ask([fine, lie, lie, lie, fine], { agreement }).is, 'no majority')
  assert.equal(ask([fine, lie, lie], { agreement }).is, 'no majority')
  // All contradict it: our oscillator stood still.
  assert.equal(ask([lie, lie, lie], { agreement }).is, 'agreed')
  // Fewer agreed when the clock was set than agree now: the first to answer was the liar.
  const set = agreedAt(5 * SECOND, 500, 1)
  assert.equal(marks(ask([fine, lie, fine], { agreement: set })), '*x+')
  // Our clock is no longer synchronised.
  assert.equal(ask([fine, lie, lie], { agreement: agreedAt(0, SECOND + 1, 5) }).is, 'agreed')
  assert.equal(ask([fine, lie, lie], { agreement: agreedAt(0, SECOND, 5) }).is, 'no majority')
})

test('silencing the honest sources does not leave the liar to decide alone', () => {
  const lie = { off: 300_000, bound: 10 }
  const silent = { off: 0, bound: 20_000, reachable: false }
  // Their votes count as long as their bounds are useful.
  assert.equal(marks(ask([silent, lie, silent])), '???')
  assert.equal(ask([silent, lie, silent]).is, 'silent')
  const lapsed = { ...silent, bound: SECOND + 1 }
  const agreement = agreedAt(0, 200_000, 3)
  assert.equal(ask([lapsed, lie, lapsed], { agreement }).is, 'no majority')
  assert.equal(marks(ask([lapsed, { ...lie, off: 190_000 }, lapsed], { agreement })), '~*~')
})

test('a liar that creeps never breaks the bound, and is caught in the end', () => {
  let agreement: Agreement | null = null
  let followed: string | null = null
  let caught = 0
  for (let step = 0; step < 3_000; step += 1) {
    const now = LATER + step * 16 * SECOND
    const wobble = (seed: number) => Math.round(400 * Math.sin(step * seed))
    const said = [
      { off: wobble(0.7), bound: 1_000 },
      { off: step * 2, bound: 50 },
      { off: wobble(1.3) + 300, bound: 1_200 },
    ]
    const selection = ask(said, { agreement, now, followed })
    const { estimate, backing } = selection
    assert.equal(selection.is, 'agreed', `step ${step}`)
    assert.ok(estimate !== null)
    const off = estimate.utc - estimate.mono - UTC
    assert.ok(Math.abs(off) <= estimate.bound, `step ${step}: ${off} +- ${estimate.bound}`)
    // No farther than the honest intervals reach.
    assert.ok(Math.abs(off) <= 1_900, `step ${step}: pulled to ${off}`)
    if (selection.marks[1] === 'x') caught += 1
    agreement = { estimate, backing }
    followed = selection.followed
  }
  assert.ok(caught > 2_000, `${caught}`)
})

test('does not hop between sources about as good as each other', () => {
  let followed: string | null = 'source 0'
  for (let step = 0; step < 100; step += 1) {
    const [a, b] = step % 2 === 0 ? [1_000, 1_900] : [1_900, 1_000]
    followed = ask(
      [
        { off: 0, bound: a },
        { off: 0, bound: b },
      ],
      { followed },
    ).followed
    assert.equal(followed, 'source 0')
  }
  const better = [
    { off: 0, bound: 2_001 },
    { off: 0, bound: 1_000 },
  ]
  assert.equal(ask(better, { followed }).followed, 'source 1')
})

test('at the start it waits until more than half have answered, but not for ever', () => {
  const fine = { off: 0, bound: 1_000 }
  const at = (seconds: number) => ({ now: seconds * SECOND })
  assert.equal(ask([fine, null, null], at(11)).is, 'waiting')
  assert.equal(ask([fine, fine, null], at(1)).is, 'agreed')
  assert.equal(ask([fine, null, null], at(12)).is, 'agreed')
  assert.equal(ask([fine], at(0)).is, 'agreed')
  // Two of three that disagree: the third decides. Two liars that answer first: the others do.
  const other = { off: 9_000, bound: 1_000 }
  assert.equal(ask([fine, other, null], at(11)).is, 'waiting')
  assert.equal(ask([fine, other, null], at(12)).is, 'no majority')
  assert.equal(ask([other, fine, other, null, null], at(11)).is, 'waiting')
  assert.equal(marks(ask([other, fine, other, fine, null], at(11))), '?'.repeat(5))
  assert.equal(marks(ask([other, fine, other, fine, fine], at(11))), 'x*x++')
  assert.equal(ask([null, null], at(100)).is, 'waiting')
  assert.equal(ask([], at(100)).is, 'waiting')
})

test('a source too vague to synchronise has no vote', () => {
  const vague = { off: 0, bound: SECOND + 1 }
  assert.equal(marks(ask([{ off: 0, bound: SECOND }, vague])), '*~')
  assert.equal(ask([vague]).is, 'waiting')
})
