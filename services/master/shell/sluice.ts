// Keeps slaves from sending faster than the sink stores. After an outage a whole fleet comes back
// at once, and each slave may have 64 frames of a thousand readings in flight: more than memory and
// the sink's queue hold. While too much waits, a link that brings another frame is paused, and TCP
// makes its slave wait. Paused links resume a few at a time, first come first served.

import { type AcceptedFrame, readingsIn } from '../../../shared/handover/sink.ts'
import type { FramedPeer } from '../../../shared/node/framed-peer.ts'

/** Links are paused from this many readings on their way to the sink: half a second of its work. */
const HIGH = 50_000
/** Paused links resume below this many. */
const LOW = 25_000
/** Links that resume at once: each brings what one read of its socket holds, 64 KiB, before it is
 * paused again. */
const RELEASED_AT_ONCE = 4

type Holdable = Pick<FramedPeer, 'pause' | 'resume'>

export class Sluice {
  #readings = 0
  /** In the order in which they were paused. */
  readonly #held = new Set<Holdable>()

  /** These frames are on their way to the sink. */
  enter(frames: readonly AcceptedFrame[]): void {
    this.#readings += readingsIn(frames)
  }

  /** The sink is done with them, stored or not. */
  leave(frames: readonly AcceptedFrame[]): void {
    this.#readings -= readingsIn(frames)
    if (this.#readings >= LOW) return
    // Nothing is on its way, so there would be no further call: all of them resume.
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
