// Looks at what needs attention, again and again in the background.

import type { Kysely } from 'kysely'
import { errorText } from '../../../../shared/node/fault-error.ts'
import type { UnixMs } from '../../../../shared/units.ts'
import type { Database } from '../../store/schema.ts'
import { look } from '../db/board.ts'

/** How often, ms: who mends something sees it go within half a minute. */
const LOOK_MS = 20_000

export interface AttentionWatch {
  stop(): Promise<void>
}

/** Looks until stopped. It retries a database that is away. */
export function startAttention(task: {
  readonly db: Kysely<Database>
  readonly now: () => UnixMs
  readonly log: (line: string) => void
}): AttentionWatch {
  let running: Promise<void> | null = null
  const once = async (): Promise<void> => {
    try {
      await look(task.db, task.now())
    } catch (error) {
      task.log(`OPS-08 what needs attention was not looked at: ${errorText(error)}`)
    }
    running = null
  }
  running = once()
  const timer = setInterval(() => {
    running ??= once()
  }, LOOK_MS)
  return {
    stop: async () => {
      clearInterval(timer)
      await running
    },
  }
}
