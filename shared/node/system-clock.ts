// The machine's three clocks. Everything above gets them passed in.

import { uptime } from 'node:os'
import {
  type MonoUs,
  monoUs,
  type SpanUs,
  shiftMono,
  spanUs,
  type UnixUs,
  unixUs,
} from '../units.ts'

export interface SystemClock {
  /** Grows evenly; on Linux it stands while the machine sleeps. The same in all threads. */
  mono(): MonoUs
  /** What the operating system believes the time is: a guess, to be checked. */
  wall(): UnixUs
  /** Time since boot, sleep included (shared/clock/sleep). */
  sinceBoot(): SpanUs
}

/** How long a reading of the time since boot serves, while nothing hints at a sleep. */
const SERVES_US = 1_000_000
/** How far wall clock and monotonic clock part when nothing happened: milliseconds are counted, and
 * the two are not read in one instant. A sleep counts from 0.1 s on. */
const PARTED_US = 10_000

/** The time since boot is dear to read (4 us, and some ask at every message), the wall clock is
 * not, and a sleep shows in it too: only when it does, or after a second, the dear one is read
 * again. */
export function thriftySinceBoot(
  clocks: Pick<SystemClock, 'mono' | 'wall' | 'sinceBoot'>,
): () => SpanUs {
  const look = () => ({ mono: clocks.mono(), wall: clocks.wall(), boot: clocks.sinceBoot() })
  let seen = look()
  return () => {
    const passed = clocks.mono() - seen.mono
    const parted = Math.abs(clocks.wall() - seen.wall - passed)
    if (passed <= SERVES_US && parted <= PARTED_US) return spanUs(seen.boot + passed)
    seen = look()
    return seen.boot
  }
}

const machine: SystemClock = {
  // Not performance.now(): that counts from another beginning in each thread.
  mono: () => monoUs(Number(process.hrtime.bigint() / 1_000n)),
  wall: () => unixUs(Date.now() * 1_000),
  sinceBoot: () => spanUs(uptime() * 1_000_000),
}

export const systemClock: SystemClock = { ...machine, sinceBoot: thriftySinceBoot(machine) }

export interface UpsetClock extends SystemClock {
  /** How far it was pulled ahead of the machine's. */
  ahead(): SpanUs
  pull(by: SpanUs): void
}

/** The machine's clocks until somebody pulls them: then both that count jump together, as they do
 * with a broken oscillator or in a virtual machine that was frozen, and nothing shows but what the
 * master says. For the demo. */
export function upsetClock(): UpsetClock {
  let ahead = spanUs(0)
  return {
    mono: () => shiftMono(systemClock.mono(), ahead),
    wall: () => systemClock.wall(),
    sinceBoot: () => spanUs(systemClock.sinceBoot() + ahead),
    ahead: () => ahead,
    pull: (by) => {
      ahead = spanUs(ahead + by)
    },
  }
}
