// Keeps slaves from sending faster than the sink stores. After an outage a whole fleet comes back
// at once, and each slave may have 64 frames of a thousand readings on the way: more than memory
// and the sink's queue hold. While too much waits, a link that brings another frame is not read any
// further; TCP tells its slave to wait. They go on a few at a time, first come first served.

import { type AcceptedFrame, readingsIn } from '../../../shared/handover/sink.ts'
import type { FramedPeer } from '../../../shared/node/framed-peer.ts'

/** Readings on their way to the sink from which on links are held: half a second of its work. */
const HIGH = 50_000
/** Held links go on below this many. */
const LOW = 25_000
/** Links that go on at once: each brings what one read of its socket holds, 64 KiB, before it is
 * held again. */
const RELEASED_AT_ONCE = 4

type Holdable = Pick<FramedPeer, 'pause' | 'resume'>

export class Sluice {
  #readings = 0
  /** In the order in which they were held. */
  readonly #held = new Set<Holdable>()

  /** These frames are on their way to the sink. */
  enter(frames: readonly AcceptedFrame[]): void {
    this.#readings += readingsIn(frames)
  }

  /** The sink is done with them, whatever became of them. */
  leave(frames: readonly AcceptedFrame[]): void {
    this.#readings -= readingsIn(frames)
    if (this.#readings >= LOW) return
    // Nothing on its way: nobody would call again, so all of them go on.
    let left = this.#readings === 0 ? this.#held.size : RELEASED_AT_ONCE
    for (const peer of this.#held) {
      if (left === 0) return
      left -= 1
      this.#held.delete(peer)
      peer.resume()
    }
  }

  /** This peer brought a frame. */
  brought(peer: Holdable): void {
    if (this.#readings < HIGH || this.#held.has(peer)) return
    this.#held.add(peer)
    peer.pause()
  }

  /** This peer is gone. */
  forget(peer: Holdable): void {
    this.#held.delete(peer)
  }
}
