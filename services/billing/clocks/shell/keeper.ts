// Sweeps the clocks' history in the background.

import type { Pool } from 'pg'
import { errorText } from '../../../../shared/node/fault-error.ts'
import { unixMs } from '../../../../shared/units.ts'
import { sweepClocks } from '../db/keeper.ts'

/** How often to look at some of the clocks, ms. */
const LOOK_MS = 10_000

/** Sweeps until stopped. It retries a database that is away. */
export function startClockKeeper(
  pool: Pool,
  log: (line: string) => void,
): { stop(): Promise<void> } {
  let cursor = 0
  let running: Promise<void> | null = null
  const sweep = async (): Promise<void> => {
    try {
      cursor = await sweepClocks(pool, cursor, unixMs(Date.now()))
    } catch (error) {
      log(`OPS-08 history of clocks not thinned: ${errorText(error)}`)
    }
    running = null
  }
  const timer = setInterval(() => {
    running ??= sweep()
  }, LOOK_MS)
  return {
    stop: async () => {
      clearInterval(timer)
      await running
    },
  }
}
