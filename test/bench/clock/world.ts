// A simulated world for one clock: true time, an oscillator, a path to the master, and somebody who
// tampers with it. Everything that happens is drawn beforehand from the scenario and a seed, so
// that each clock under comparison lives through the very same events.

import {
  answer,
  ask,
  EXCHANGE_ID_BYTES,
  IDLE,
  type Sample,
} from '../../../shared/clock/estimate/exchange.ts'
import { type MonoUs, monoUs, spanUs, unixUs } from '../../../shared/units.ts'
import { type Chance, chanceOf } from '../../sim/prng.ts'
import { normal } from './delays.ts'
import type { Scenario } from './scenarios.ts'

/** UTC at the beginning of every world, microseconds. */
export const ORIGIN_US = 1_790_000_000_000_000
/** The monotonic clock starts anywhere. */
const MONO_START_US = 77_000
/** Time the master needs to answer, microseconds. */
const RESIDENCE_US = 100

/** An answer on its way; t2 and t3 in microseconds since the origin, on the master's clock. */
export interface Reply {
  readonly arrivesS: number
  readonly t2: number
  readonly t3: number
  readonly boundUs: number
}

/** What the attacker makes of a reply: nothing, itself, another, several. */
export type Tamper = (reply: Reply, askedS: number) => readonly Reply[]

export interface Attack {
  readonly tamper: (chance: Chance) => Tamper
  /** Is the machine suspended in this second? */
  readonly asleep: (second: number) => boolean
}

export const PEACE: Attack = { tamper: () => (reply) => [reply], asleep: () => false }

type Event = { readonly atS: number; readonly n: number; readonly reply: Reply | null }

export interface World {
  readonly scenario: Scenario
  /** Our monotonic clock at a true instant, in seconds since the origin. */
  readonly monoAt: (atS: number) => MonoUs
  readonly asleep: (second: number) => boolean
  /** Questions (no reply) and replies, in order. */
  readonly events: readonly Event[]
}

/** How far our clock is ahead of true time at each full second, microseconds. */
function phasesOf(scenario: Scenario, chance: Chance, attack: Attack): Float64Array {
  const { seconds, swingPpm, wander } = scenario
  const phases = new Float64Array(seconds + 2)
  let ppm = scenario.ratePpm * (chance.happens(0.5) ? 1 : -1)
  for (let second = 0; second <= seconds; second += 1) {
    const drifted = attack.asleep(second) ? -1_000_000 : ppm + swingPpm(second)
    phases[second + 1] = (phases[second] ?? 0) + drifted
    ppm += wander * 1e6 * normal(chance)
  }
  return phases
}

function eventsOf(scenario: Scenario, seed: number, attack: Attack): Event[] {
  const { seconds, pollS } = scenario
  const out = scenario.out(chanceOf(seed, 'out'))
  const back = scenario.back(chanceOf(seed, 'back'))
  const tamper = attack.tamper(chanceOf(seed, 'attack'))
  const phaseS = chanceOf(seed, 'phase').between(0, Math.min(pollS, 16))
  const events: Event[] = []
  for (let n = 0; phaseS + n * pollS < seconds; n += 1) {
    const atS = phaseS + n * pollS
    if (attack.asleep(Math.floor(atS))) continue
    events.push({ atS, n, reply: null })
    const there = out(atS)
    const returned = back(atS)
    if (there === null || returned === null) continue
    const t2 = atS * 1e6 + there
    const t3 = t2 + RESIDENCE_US
    const arrivesS = (t3 + returned) / 1e6
    for (const reply of tamper({ arrivesS, t2, t3, boundUs: 0 }, atS)) {
      if (attack.asleep(Math.floor(reply.arrivesS)) || reply.arrivesS >= seconds) continue
      events.push({ atS: reply.arrivesS, n, reply })
    }
  }
  return events.toSorted((a, b) => a.atS - b.atS)
}

export function buildWorld(scenario: Scenario, seed: number, attack: Attack = PEACE): World {
  const phases = phasesOf(scenario, chanceOf(seed, 'oscillator'), attack)
  const monoAt = (atS: number): MonoUs => {
    const second = Math.floor(atS)
    const phase = phases[second] ?? 0
    const moved = (phases[second + 1] ?? phase) - phase
    return monoUs(MONO_START_US + atS * 1e6 + phase + moved * (atS - second))
  }
  return { scenario, monoAt, asleep: attack.asleep, events: eventsOf(scenario, seed, attack) }
}

/** A clock that follows the samples of a world. */
export interface Servo {
  /** A sample, at the arrival of its reply. */
  readonly take: (sample: Sample, mono: MonoUs) => void
  /** UTC as shown at `mono`, microseconds; called only after a first sample. */
  readonly at: (mono: MonoUs) => number
  /** The machine slept, and the monotonic clock missed it. */
  readonly slept: (mono: MonoUs) => void
}

const idOf = (n: number): Uint8Array => {
  const id = new Uint8Array(EXCHANGE_ID_BYTES)
  new DataView(id.buffer).setUint32(0, n)
  return id
}

/** Runs a clock through a world. `look` sees it at every full second in which the machine is awake
 * and after every sample, from the first sample on. */
export function live(
  { scenario, monoAt, asleep, events }: World,
  servo: Servo,
  look: (atS: number, mono: MonoUs) => void,
): void {
  let exchange = IDLE
  let started = false
  let at = 0
  for (let second = 0; second <= scenario.seconds; second += 1) {
    const woke = second > 0 && asleep(second - 1) && !asleep(second)
    if (woke) {
      servo.slept(monoAt(second))
      exchange = IDLE
      started = false
    }
    if (started && !asleep(second)) look(second, monoAt(second))
    for (let event = events[at]; event !== undefined && event.atS < second + 1; ) {
      const mono = monoAt(event.atS)
      if (event.reply === null) exchange = ask(idOf(event.n), mono)
      else {
        const { t2, t3, boundUs } = event.reply
        const stamps = { t2: unixUs(ORIGIN_US + t2), t3: unixUs(ORIGIN_US + t3) }
        const reply = { id: idOf(event.n), ...stamps, masterBound: spanUs(boundUs) }
        const taken = answer(exchange, reply, mono)
        exchange = taken.exchange
        if (taken.verdict.sample !== null) {
          servo.take(taken.verdict.sample, mono)
          started = true
          look(event.atS, mono)
        }
      }
      at += 1
      event = events[at]
    }
  }
}

/** Root mean square of the error shown at full seconds from `fromS` on, microseconds. */
export function rmsUs(world: World, servo: Servo): number {
  let [sum, count] = [0, 0]
  live(world, servo, (atS, mono) => {
    if (atS < world.scenario.fromS || !Number.isInteger(atS)) return
    sum += (servo.at(mono) - (ORIGIN_US + atS * 1e6)) ** 2
    count += 1
  })
  return Math.sqrt(sum / count)
}
