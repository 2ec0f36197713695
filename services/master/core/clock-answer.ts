// The master's time for its slaves: T2 when their bytes arrived, T3 when we began to answer. What
// we spend on the answer after T3 counts as delay and only widens the slave's bound.

import { spanUs, type UnixUs, unixUs } from '../../../shared/units.ts'
import { sendControl } from './links.ts'
import type { Link, Now, Turn } from './state.ts'

/** T2: never after T3, whatever a step of our clock made of it. */
export const arrivedAt = ({ at, arrived = at }: Now): UnixUs => unixUs(Math.min(arrived, at))

/** CLOCK REPLY. `id`: the request's own, 16 bytes. */
export function answerClock(turn: Turn, link: Link, id: Uint8Array): void {
  const { now } = turn
  const bound = now.bound === null ? null : spanUs(now.bound)
  sendControl(turn, link, { is: 'clock-reply', id, t2: arrivedAt(now), t3: now.at, bound })
}
