// Runs the retimer in the background.

import type { Pool } from 'pg'
import { errorText } from '../../../../shared/node/fault-error.ts'
import { unixMs } from '../../../../shared/units.ts'
import { retimeDue } from '../db/retimer.ts'

/** How often to look for processes that are due, ms. */
const LOOK_MS = 15_000

export interface Retimer {
  stop(): Promise<void>
}

/** Looks every few seconds until stopped. It retries a database that is away. */
export function startRetimer(pool: Pool, log: (line: string) => void): Retimer {
  let running: Promise<void> | null = null
  const look = async (): Promise<void> => {
    try {
      const dated = await retimeDue(pool, unixMs(Date.now()))
      if (dated > 0) log(`${dated} readings of an unsure clock are dated now`)
    } catch (error) {
      log(`OPS-08 readings not re-timed: ${errorText(error)}`)
    }
    running = null
  }
  const timer = setInterval(() => {
    running ??= look()
  }, LOOK_MS)
  return {
    stop: async () => {
      clearInterval(timer)
      await running
    },
  }
}
