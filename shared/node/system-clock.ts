// The machine's three clocks. Everything above gets them passed in.

import { uptime } from 'node:os'
import { type MonoUs, monoUs, type SpanUs, spanUs, type UnixUs, unixUs } from '../units.ts'

export interface SystemClock {
  /** Grows evenly; on Linux it stands while the machine sleeps. */
  mono(): MonoUs
  /** What the operating system believes the time is: a guess, to be checked. */
  wall(): UnixUs
  /** Time since boot, sleep included (shared/clock/sleep). */
  sinceBoot(): SpanUs
}

export const systemClock: SystemClock = {
  mono: () => monoUs(Math.round(performance.now() * 1_000)),
  wall: () => unixUs(Date.now() * 1_000),
  sinceBoot: () => spanUs(uptime() * 1_000_000),
}
