// `ticklock demo --upset clock` shows that a slave with a broken oscillator does no harm to
// readings. The fleet page tells the story.

import { spanUs } from '../../shared/units.ts'
import type { SlaveProcess } from './slave-processes.ts'

/** How far the clock is pulled forward: eighteen times what the master tolerates. */
const PULL_US = spanUs(180_000_000)
const LOOK_MS = 1_000

/** Pulls the slave's clock once, as soon as `ready` says so. Returns a function that gives up. */
export function upsetWhen(
  ready: () => Promise<boolean>,
  slave: SlaveProcess,
  done: () => void,
): () => void {
  let looking = false
  const timer = setInterval(() => {
    if (looking) return
    looking = true
    void ready()
      .then((now) => {
        if (!now || !slave.pullClock(PULL_US)) return
        clearInterval(timer)
        done()
      })
      // The database is starting or stopping: the next look will tell.
      .catch(() => undefined)
      .finally(() => {
        looking = false
      })
  }, LOOK_MS)
  return () => clearInterval(timer)
}
