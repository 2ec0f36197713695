// Rare trouble, drawn from a stream of its own: a world that draws none of it is the same world,
// to the last byte, as it was before there were any. One in three draws none.

import type { Chance } from './prng.ts'
import { DAY, HOUR, MINUTE, SECOND } from './world.ts'

export interface Rarities {
  /** Mean time between two frames that rot on one of the disks; Infinity: never. */
  readonly rotUs: number
  /** Chance per frame that a bit flips while it is sealed. */
  readonly spoilt: number
  /** What is set back to an earlier copy. Never both: their losses could not be told apart. */
  readonly setBack: 'ledger' | 'disk' | null
  /** When the copy is made, and how much later it is restored, after the start. */
  readonly copyAfterUs: number
  readonly copyAgeUs: number
  /** The ledger is set back once more after the week without power. */
  readonly setBackLate: boolean
  /** To a copy of when the trouble was over. */
  readonly copiesLate: boolean
  /** Mean time between two commands to a device; Infinity: never. */
  readonly commandUs: number
  /** Chance that a slave dies right after it stored that it begins a command. */
  readonly diesBegun: number
  /** When a leap second is inserted, the master's key is replaced, and an attacker tries a burnt
   * token, after the start; Infinity: never. */
  readonly leapAfterUs: number
  readonly newKeyAfterUs: number
  readonly copiedTokenUs: number
  /** Mean time between visits of who copied a slave's disk; Infinity: never. */
  readonly doubleUs: number
  /** Every outbox is this small, frames; null: as drawn for each slave. */
  readonly framesMax: number | null
}

/** Frames: less than an hour of readings. */
const SMALL_OUTBOX = 15

const NEVER = Number.POSITIVE_INFINITY

const NONE: Rarities = {
  rotUs: NEVER,
  spoilt: 0,
  setBack: null,
  copyAfterUs: NEVER,
  copyAgeUs: NEVER,
  setBackLate: false,
  copiesLate: false,
  commandUs: NEVER,
  diesBegun: 0,
  leapAfterUs: NEVER,
  newKeyAfterUs: NEVER,
  copiedTokenUs: NEVER,
  doubleUs: NEVER,
  framesMax: null,
}

export function drawRarities(chance: Chance): Rarities {
  if (chance.happens(1 / 3)) return NONE
  const perhaps = (p: number, from: number, to: number): number => {
    const drawn = chance.magnitude(from, to)
    return chance.happens(p) ? drawn : NEVER
  }
  const setBack = chance.pick([null, 'ledger', 'ledger', 'disk'] as const)
  const rotUs = perhaps(0.5, 10 * MINUTE, 6 * HOUR)
  const spoilt = chance.magnitude(1e-4, 1e-2)
  const newKeyAfterUs = perhaps(0.5, 10 * MINUTE, 12 * HOUR)
  return {
    rotUs,
    spoilt: chance.happens(0.4) ? spoilt : 0,
    setBack,
    copyAfterUs: chance.magnitude(10 * MINUTE, 12 * HOUR),
    copyAgeUs: chance.magnitude(MINUTE, 10 * HOUR),
    setBackLate: setBack === 'ledger' && chance.happens(0.6),
    commandUs: perhaps(0.6, 10 * MINUTE, 4 * HOUR),
    diesBegun: chance.pick([0, 0.3]),
    leapAfterUs: perhaps(0.4, HOUR, DAY),
    // A disk from before the new key knows only the old one, which is given up.
    newKeyAfterUs: setBack === 'disk' ? NEVER : newKeyAfterUs,
    copiedTokenUs: perhaps(0.5, 10 * MINUTE, 12 * HOUR),
    copiesLate: chance.happens(0.6),
    // Frames of an epoch that a restored ledger does not know, and of a run that is a fork, stay in
    // the outbox until they are too old (wire.md 6). They alone would fill one as small as this:
    // nothing more could be stored.
    framesMax: chance.happens(0.2) && setBack === null ? SMALL_OUTBOX : null,
    // Drawn last: the worlds of earlier seeds stay as they are but for it.
    doubleUs: perhaps(0.4, 20 * MINUTE, 8 * HOUR),
  }
}

/** Short worlds live their rarities sooner: within the days that they have. */
export function within(rarities: Rarities, us: number): Rarities {
  const share = Math.min(1, us / DAY)
  const sooner = (at: number): number => Math.max(SECOND, at * share)
  return {
    ...rarities,
    copyAfterUs: sooner(rarities.copyAfterUs),
    copyAgeUs: sooner(rarities.copyAgeUs),
    leapAfterUs: sooner(rarities.leapAfterUs),
    newKeyAfterUs: sooner(rarities.newKeyAfterUs),
    copiedTokenUs: sooner(rarities.copiedTokenUs),
  }
}

/** What the master may refuse an honest slave for, beyond EXPECTED, in a world with these. */
export function alsoExpected(rarities: Rarities): readonly string[] {
  return [
    ...(rarities.rotUs < NEVER ? ['SEC-15'] : []),
    ...(rarities.spoilt > 0 ? ['SEC-03', 'SEC-05', 'SEC-06', 'SEC-15'] : []),
    ...(rarities.setBack === null ? [] : ['SEC-05', 'SEC-06', 'SEC-12', 'SEC-15']),
    // What a restored disk lists contradicts what was durable since (wire.md 6.5).
    ...(rarities.setBack === 'disk' ? ['SEC-FORK'] : ['OPS-19']),
    ...(rarities.newKeyAfterUs < NEVER ? ['SEC-09'] : []),
    ...(rarities.commandUs < NEVER ? ['WIR-04'] : []),
    ...(rarities.doubleUs < NEVER ? ['SEC-18', 'SEC-19'] : []),
  ]
}
