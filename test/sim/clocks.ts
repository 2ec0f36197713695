// The clocks of this world. Only the oscillator is modelled; a wall clock is true time plus an
// error.

import { FREQUENCY_CHANGE_PPM } from '../../shared/clock/estimate/estimator.ts'
import { type MonoUs, monoUs, type UnixUs, unixUs } from '../../shared/units.ts'
import type { Chance } from './prng.ts'
import { DAY, HOUR, MINUTE, SECOND, type TrueUs, type World } from './world.ts'

/** Rate error of the machines simulated when they start, ppm. */
const RATE_PPM_MAX = 75
/** How far the rate may wander from there, either way: as far as shared/clock allows. */
const WANDER_PPM_MAX = FREQUENCY_CHANGE_PPM / 2
/** The rate wanders in steps of this length. */
const WANDER_EVERY = 10 * MINUTE

/** A slave's monotonic clock: runs fast or slow, and stands while the machine sleeps. */
export class Oscillator {
  readonly #chance: Chance
  readonly #wanderPpm: number
  readonly #middle: number
  #ppm: number
  #true: TrueUs
  #mono: number
  #wanderAt: TrueUs

  constructor(chance: Chance, wanderPpm: number, now: TrueUs) {
    this.#chance = chance
    this.#wanderPpm = wanderPpm
    this.#middle = chance.between(-RATE_PPM_MAX, RATE_PPM_MAX)
    this.#ppm = this.#middle
    this.#true = now
    this.#mono = Math.floor(chance.between(0, DAY))
    this.#wanderAt = now + WANDER_EVERY
  }

  /** `now` must not precede an instant already asked for. */
  at(now: TrueUs): MonoUs {
    while (this.#wanderAt <= now) {
      this.#advance(this.#wanderAt)
      const step = this.#chance.between(-this.#wanderPpm, this.#wanderPpm)
      const [low, high] = [this.#middle - WANDER_PPM_MAX, this.#middle + WANDER_PPM_MAX]
      this.#ppm = Math.max(low, Math.min(high, this.#ppm + step))
      this.#wanderAt += WANDER_EVERY
    }
    this.#advance(now)
    return monoUs(Math.floor(this.#mono))
  }

  /** The machine was suspended from the last instant asked for until `now`. */
  wake(now: TrueUs): void {
    this.#true = now
  }

  #advance(to: TrueUs): void {
    this.#mono += (to - this.#true) * (1 + this.#ppm * 1e-6)
    this.#true = to
  }
}

/** What the operating system believes at a start: right within a second, or wrong by minutes,
 * hours or years, or 1970 because the battery is dead. */
export function wallAtStart(
  chance: Chance,
  now: TrueUs,
  faults: { readonly wrongWall: number; readonly wallAheadUs: number },
): UnixUs {
  if (!chance.happens(faults.wrongWall)) return unixUs(now + chance.between(-SECOND, SECOND))
  const uptime = chance.between(SECOND, MINUTE)
  switch (chance.below(4)) {
    case 0:
      return unixUs(uptime)
    case 1:
      return unixUs(now - chance.magnitude(DAY, 3_000 * DAY))
    case 2:
      return unixUs(now - chance.magnitude(MINUTE, 12 * HOUR))
    default:
      return unixUs(now + chance.magnitude(SECOND, faults.wallAheadUs))
  }
}

/** The master's clock: wrong by a slow wave inside the bound that it states. */
export class MasterClock {
  readonly #boundUs: number
  readonly #phase: number
  synchronised = true

  constructor(chance: Chance) {
    this.#boundUs = Math.floor(chance.magnitude(100, 200_000))
    this.#phase = chance.unit()
  }

  read(world: Pick<World, 'now' | 'leapAt' | 'utc'>): {
    readonly at: UnixUs
    readonly bound: number | null
  } {
    const { now, leapAt } = world
    const wave = Math.sin(2 * Math.PI * (now / HOUR + this.#phase))
    const at = unixUs(world.utc() + Math.round(wave * (this.#boundUs - 1)))
    const leaps = now >= leapAt && now < leapAt + SECOND
    return { at, bound: this.synchronised ? this.#boundUs + (leaps ? SECOND : 0) : null }
  }
}
