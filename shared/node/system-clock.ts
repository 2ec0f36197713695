// The machine's three clocks. All other code has them passed in.

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
  /** The operating system's idea of the time: a guess that we check. */
  wall(): UnixUs
  /** Time since boot, sleep included (shared/clock/sleep). */
  sinceBoot(): SpanUs
}

/** How long a reading of the time since boot is reused while nothing hints at a sleep. */
const SERVES_US = 1_000_000
/** How far wall clock and monotonic clock may differ when nothing happened: they count
 * milliseconds, and are not read at the same instant. Sleeps count from 0.1 s. */
const PARTED_US = 10_000

/** Reading the time since boot is expensive (4 us, and some callers ask at every message). The wall
 * clock is cheap and shows a sleep too: the time since boot is read again when it does, or after a
 * second. */
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
  // Not performance.now(): it has another origin in each thread.
  mono: () => monoUs(Number(process.hrtime.bigint() / 1_000n)),
  wall: () => unixUs(Date.now() * 1_000),
  sinceBoot: () => spanUs(uptime() * 1_000_000),
}

export const systemClock: SystemClock = { ...machine, sinceBoot: thriftySinceBoot(machine) }

export interface UpsetClock extends SystemClock {
  /** How far it has been pulled ahead of the machine's. */
  ahead(): SpanUs
  pull(by: SpanUs): void
}

/** The machine's clocks until they are pulled: then both counting clocks jump together, as with a
 * broken oscillator or in a virtual machine that was frozen, and only the master's time shows it.
 * For the demo. */
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
