// Each seed draws its own mixture of faults (swarm testing: Groce et al., ISSTA 2012): a world in
// which everything fails a little hides bugs that show only when one thing fails all the time.

import type { FaultCode } from '../../shared/faults.ts'
import type { Chance } from './prng.ts'
import { DAY, HOUR, MINUTE, SECOND } from './world.ts'

export interface Faults {
  readonly slaves: number
  readonly metersPerSlave: number
  /** Time between two live readings of a meter. */
  readonly readEveryUs: number
  readonly tickUs: number
  /** Mean duration of a read from the outbox. */
  readonly fetchUs: number
  /** Mean duration of a transaction. */
  readonly commitUs: number
  /** Mean times between faults; Infinity: never. */
  readonly slaveCrashUs: number
  readonly masterCrashUs: number
  readonly sleepUs: number
  readonly linkBreakUs: number
  readonly partitionUs: number
  readonly partitionLengthUs: number
  readonly diskFullUs: number
  readonly diskFullLengthUs: number
  readonly sinkDownUs: number
  readonly sinkDownLengthUs: number
  readonly masterUnsyncedUs: number
  readonly attackUs: number
  readonly theftUs: number
  /** Mean time between thefts of a session's keys. */
  readonly sessionTheftUs: number
  /** Chance per step of a core that the process dies between two of its actions. */
  readonly dieMidStep: number
  readonly sinkFails: number
  readonly rosterFails: number
  readonly upkeepFails: number
  readonly meterFails: number
  /** Chance per message of a spike of up to 20 s. */
  readonly lateMessage: number
  readonly delayUs: number
  readonly asymmetry: number
  readonly wanderPpm: number
  /** Chance at a start that the wall clock is wrong, and how far ahead it may be. */
  readonly wrongWall: number
  readonly wallAheadUs: number
  /** One slave is revoked at some time, and admitted again at the end. */
  readonly revokes: boolean
}

/** Refusals that an honest slave may get without an attacker: its clock was ahead (SEC-04: the
 * frames behind an opener that was ahead), it was revoked, the ledger failed, or it was silent or
 * called again. */
export const EXPECTED: ReadonlySet<FaultCode> = new Set([
  'SEC-02',
  'SEC-04',
  'SEC-14',
  'OPS-08',
  'WIR-06',
])

export function drawFaults(chance: Chance): Faults {
  const mean = (from: number, to: number): number =>
    chance.happens(0.3) ? Number.POSITIVE_INFINITY : chance.magnitude(from, to)
  const rate = (from: number, to: number): number =>
    chance.happens(0.3) ? 0 : chance.magnitude(from, to)
  return {
    slaves: 1 + chance.below(4),
    metersPerSlave: 1 + chance.below(3),
    readEveryUs: chance.between(2 * MINUTE, 10 * MINUTE),
    tickUs: chance.between(SECOND / 4, 4 * SECOND),
    commitUs: chance.pick([SECOND / 100, SECOND / 2]),
    fetchUs: chance.pick([SECOND / 1_000, SECOND / 5]),
    slaveCrashUs: mean(20 * MINUTE, 2 * DAY),
    masterCrashUs: mean(20 * MINUTE, 2 * DAY),
    sleepUs: mean(HOUR, 2 * DAY),
    linkBreakUs: mean(2 * MINUTE, 6 * HOUR),
    partitionUs: mean(HOUR, 2 * DAY),
    partitionLengthUs: chance.magnitude(MINUTE, 8 * HOUR),
    diskFullUs: mean(HOUR, DAY),
    diskFullLengthUs: chance.magnitude(MINUTE, 3 * HOUR),
    sinkDownUs: mean(HOUR, DAY),
    sinkDownLengthUs: chance.magnitude(SECOND, HOUR),
    masterUnsyncedUs: mean(6 * HOUR, 4 * DAY),
    attackUs: chance.magnitude(MINUTE, 3 * HOUR),
    theftUs: chance.magnitude(10 * MINUTE, 4 * HOUR),
    dieMidStep: rate(1e-6, 3e-4),
    sinkFails: rate(1e-3, 0.2),
    rosterFails: rate(1e-2, 0.3),
    upkeepFails: rate(1e-3, 0.1),
    meterFails: rate(1e-3, 0.3),
    lateMessage: rate(1e-4, 3e-2),
    delayUs: chance.magnitude(SECOND / 1_000, SECOND / 2),
    asymmetry: chance.unit(),
    wanderPpm: chance.between(0, 10),
    wrongWall: chance.pick([0, 0.2, 0.8]),
    wallAheadUs: chance.pick([MINUTE, 3 * HOUR, 20 * DAY, 800 * DAY]),
    revokes: chance.happens(0.3),
    // Drawn last: the worlds of earlier seeds stay as they are but for it.
    sessionTheftUs: chance.magnitude(20 * MINUTE, 6 * HOUR),
  }
}
