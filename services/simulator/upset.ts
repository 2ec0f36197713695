// `ticklock demo --upset clock`: what a slave with a broken oscillator does to readings: nothing,
// and that is the story. The fleet page tells how it went.

import { spanUs } from '../../shared/units.ts'
import type { SlaveProcess } from './slave-processes.ts'

/** How far the clock is pulled forward: eighteen times what the master tolerates. */
const PULL_US = spanUs(180_000_000)
const LOOK_MS = 1_000

/** Pulls the slave's clock once, when `ready` says so. Returns how to give up. */
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
      // The database is on its way up or down: the next look tells.
      .catch(() => undefined)
      .finally(() => {
        looking = false
      })
  }, LOOK_MS)
  return () => clearInterval(timer)
}
