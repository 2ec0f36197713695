// A frame that is neither acknowledged nor refused: the master calls it spent and holds none of
// it. So it is when somebody else, with a copy of our keys, went on in this epoch (the master has
// that as SEC-FORK). What was sent of it would fill the window for good, and nothing else would
// ever be sent. After a while the lane gives its window to the others, until the next session;
// nothing of it is forgotten. Of the newest epoch, a new one is asked for.

import { elapsedUs } from '../../../../shared/units.ts'
import { own } from '../state/own.ts'
import type { Waited } from '../state/outgoing.ts'
import { isOpen, report, type Turn } from '../turn.ts'
import { park } from './forwarder.ts'
import type { Ending } from './sending.ts'

/** How long the oldest frame on its way may wait, microseconds: five times as long as the master
 * waits for its database before it ends the link. */
const STUCK_US = 300_000_000

/** On each tick. Null: the link stays. */
export function giveWindowBack(turn: Turn): Ending | null {
  if (!isOpen(turn)) return null
  const outgoing = own(turn.state.outgoing)
  const { forwarder, oldest: before } = outgoing
  const oldest = new Map<number, Waited>()
  outgoing.oldest = oldest
  for (const lane of forwarder.lanes) {
    const item = lane.flights[0]?.item
    if (item === undefined) continue
    const { run, first } = item
    const known = before.get(lane.epoch)
    const same = known?.run === run && known.first === first
    const since = same ? known.since : turn.mono
    oldest.set(lane.epoch, { run, first, since })
    if (elapsedUs(since, turn.mono) < STUCK_US) continue
    const detail = `run ${run}, frame ${first}: no answer but that it is spent`
    if (lane === forwarder.lanes.at(-1)) return { fault: 'SEC-05', detail, wantEpoch: true }
    park(forwarder, lane)
    report(turn, 'SEC-05', `${detail}; its epoch waits for the next link`)
  }
  return null
}
