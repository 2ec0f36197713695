// Worlds in which somebody attacks our clock. THREATS stay within what the bound promises to cover:
// an oscillator within 200 ppm whose rate stays within 100 ppm, a master within its own bound.

import type { Chance } from '../../sim/prng.ts'
import { along, bell, bursts, intermittent, losing, queue } from './delays.ts'
import { both, type Scenario, scenario } from './scenarios.ts'
import { type Attack, PEACE, type Reply, type Tamper } from './world.ts'

export interface Threat {
  readonly scenario: Scenario
  readonly attack: Attack
}

const HOURS = 4
const SECONDS = HOURS * 3_600
/** Attackers wait until the clock is synchronised. */
export const ATTACKED_FROM_S = 1_200
/** Fastest oscillator simulated; the promise reaches to 250 ppm. */
const RATE_PPM = 200
const path = queue(10_000, 3_000)
const world = { pollS: 16, seconds: SECONDS, ratePpm: RATE_PPM, ...both(path) }
const awake = (): boolean => false

/** Extra delay on the way there and on the way back, microseconds. */
const delayed = (reply: Reply, there: number, back: number): Reply => ({
  ...reply,
  t2: reply.t2 + there,
  t3: reply.t3 + there,
  arrivesS: reply.arrivesS + (there + back) / 1e6,
})

const wrong = (reply: Reply, byUs: number, boundUs: number): Reply => ({
  ...reply,
  t2: reply.t2 + byUs,
  t3: reply.t3 + byUs,
  boundUs,
})

const by = (tamper: (chance: Chance) => Tamper): Attack => ({ tamper, asleep: awake })
const each = (change: (reply: Reply, atS: number) => Reply): Attack =>
  by(() => (reply, atS) => [change(reply, atS)])

/** Grows as far as is accepted, and beyond, then begins again. */
const growing = (atS: number): number =>
  atS < ATTACKED_FROM_S ? 0 : ((atS - ATTACKED_FROM_S) % 7_200) * 300
/** Grows so slowly that it could be mistaken for drift, and stays. */
const creeping = (atS: number): number => Math.min(40_000, Math.max(0, atS - ATTACKED_FROM_S) * 10)
const square = (atS: number, periodS: number): number => (atS % periodS < periodS / 2 ? 1 : -1)
const sine = (atS: number, periodS: number): number => Math.sin((2 * Math.PI * atS) / periodS)

const repeated = by((chance) => (reply) => {
  const again = { ...reply, arrivesS: reply.arrivesS + chance.between(0, 1) }
  const late = { ...reply, arrivesS: reply.arrivesS + chance.between(0, 40) }
  return chance.happens(0.1) ? [late] : [reply, again, late]
})

/** Naps of a second to six minutes. */
const naps = (second: number): boolean =>
  second % 1_500 >= 900 && second % 1_500 <= 900 + 40 * Math.floor(second / 1_500)

/** What a master that says "within 50 ms" may do. */
const MASTER_BOUND_US = 50_000
const lying = (error: (atS: number) => number): Attack =>
  each((reply, atS) => wrong(reply, MASTER_BOUND_US * error(atS), MASTER_BOUND_US))

const everything: Attack = {
  tamper: (chance) => (reply, atS) => {
    const error = MASTER_BOUND_US * square(atS, 2_400)
    const slow = delayed(wrong(reply, error, MASTER_BOUND_US), creeping(atS), 0)
    if (chance.happens(0.2)) return []
    return [slow, { ...slow, arrivesS: slow.arrivesS + chance.between(0, 30) }]
  },
  asleep: naps,
}

const threat = (name: string, attack: Attack, most: Partial<Scenario> = {}): Threat => ({
  scenario: scenario(name, { ...world, ...most }),
  attack,
})

/** Between 104 and 200 ppm: all that the promise lets an oscillator do. */
const WAY_PPM = 48
const swinging = {
  ratePpm: RATE_PPM - WAY_PPM,
  swingPpm: (atS: number) => WAY_PPM * sine(atS, 1_200),
}
const shocked = {
  ratePpm: RATE_PPM - WAY_PPM,
  swingPpm: (atS: number) => WAY_PPM * square(atS, 4_000),
}
/** Between -200 and 200 ppm. */
const wild = { ratePpm: 0, swingPpm: (atS: number) => RATE_PPM * square(atS, 4_000) }

export const THREATS: readonly Threat[] = [
  threat(
    'delay-back',
    each((reply, atS) => delayed(reply, 0, growing(atS))),
  ),
  threat(
    'delay-out',
    each((reply, atS) => delayed(reply, growing(atS), 0)),
  ),
  threat(
    'delay-both',
    each((reply, atS) => delayed(reply, growing(atS), growing(atS))),
  ),
  threat(
    'delay-creeping',
    each((reply, atS) => delayed(reply, creeping(atS), 0)),
  ),
  threat(
    'delay-in-turns',
    each((reply, atS) =>
      square(atS, 1_200) > 0 ? delayed(reply, 300_000, 0) : delayed(reply, 0, 300_000),
    ),
  ),
  threat('repeated', repeated),
  threat(
    'master-square',
    lying((atS) => square(atS, 2_400)),
  ),
  threat(
    'master-sine',
    lying((atS) => sine(atS, 3_600)),
  ),
  threat(
    'master-bound-jumps',
    each((reply, atS) =>
      square(atS, 1_800) > 0 ? reply : wrong(reply, 500_000 * sine(atS, 700), 500_000),
    ),
  ),
  threat('loss', PEACE, both(along(losing(0.6), bursts(600, 900), path))),
  threat('naps', { ...PEACE, asleep: naps }),
  threat('no-answer', PEACE, both(along(intermittent(3_600, 2 * SECONDS), path))),
  threat('wandering', PEACE, { wander: 1e-7, ratePpm: 150, ...both(bell(1_000, 100)) }),
  threat('swinging', PEACE, swinging),
  threat('swinging-lan', PEACE, { ...swinging, pollS: 64, ...both(queue(100, 20)) }),
  threat('shocked', PEACE, shocked),
  threat('shocked-lan', PEACE, { ...shocked, pollS: 64, ...both(queue(100, 20)) }),
  threat('shocked-alone', PEACE, {
    ...shocked,
    ...both(along(intermittent(3_600, 2 * SECONDS), queue(100, 20))),
  }),
  threat('everything', everything, shocked),
]

/** An oscillator that breaks its promise: each rate is allowed, the jumps between them are not. */
export const BROKEN: readonly Threat[] = [
  threat('wild', PEACE, wild),
  threat('wild-lan', PEACE, { ...wild, pollS: 64, ...both(queue(100, 20)) }),
  threat('wild-swing', PEACE, {
    ratePpm: 0,
    swingPpm: (atS: number) => RATE_PPM * sine(atS, 1_200),
  }),
]

/** A single master that lies beyond its own bound: no bound can hold against it, so what counts is
 * how far it drags the clock. */
const liar = (name: string, error: (sinceS: number) => number): Threat =>
  threat(
    name,
    each((reply, atS) =>
      atS < ATTACKED_FROM_S ? reply : wrong(reply, error(atS - ATTACKED_FROM_S), 1_000),
    ),
    { ratePpm: 10 },
  )

export const LIARS: readonly Threat[] = [
  liar('jump-5s', () => 5_000_000),
  liar('jump-100ms', () => 100_000),
  liar('ramp-50ppm', (sinceS) => 50 * sinceS),
  liar('ramp-400ppm', (sinceS) => 400 * sinceS),
  // Just below a step, at every question.
  liar('stairs-900ms', (sinceS) => 900_000 * (1 + Math.floor(sinceS / 16))),
  // More than a process may follow in its life, in pieces, to either side.
  liar('jumps-300s', (sinceS) => 300_000_000 * square(sinceS, 1_800)),
  // One hour forwards, one backwards: the sum of signed steps is zero.
  liar('to-and-fro', (sinceS) => 1_000_000 * sine(sinceS, 7_200)),
]
