// The machine's three clocks. Everything above gets them passed in.

import { uptime } from 'node:os'
import { type MonoUs, monoUs, type SpanUs, spanUs, type UnixUs, unixUs } from '../units.ts'

export interface SystemClock {
  /** Grows evenly; on Linux it stands while the machine sleeps. The same in all threads. */
  mono(): MonoUs
  /** What the operating system believes the time is: a guess, to be checked. */
  wall(): UnixUs
  /** Time since boot, sleep included (shared/clock/sleep). */
  sinceBoot(): SpanUs
}

export const systemClock: SystemClock = {
  // Not performance.now(): that counts from another beginning in each thread.
  mono: () => monoUs(Number(process.hrtime.bigint() / 1_000n)),
  wall: () => unixUs(Date.now() * 1_000),
  sinceBoot: () => spanUs(uptime() * 1_000_000),
}
