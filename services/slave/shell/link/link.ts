// The link to the master: connects, and reconnects for ever. It does not know who is at the other
// end or whether the link can be trusted; the agent finds out. A slave runs it in a thread of its
// own (thread.ts).

import type { FaultCode } from '../../../../shared/faults.ts'
import type { FramedPeer, PeerSetup } from '../../../../shared/node/framed-peer.ts'
import type { MonoUs } from '../../../../shared/units.ts'
import { FLIGHT_BYTES_MAX, LINK_SILENCE_MAX } from '../../../../shared/wire/limits.ts'
import type { Dial } from './dial.ts'
import type { LinkAddress } from './address.ts'

export interface LinkHandlers {
  onUp(): void
  /** After onUp. `fault`: null when the network or the master simply ended the link. */
  onDown(fault: FaultCode | null, detail: string): void
  /** An attempt to connect failed (WIR-07). */
  onUnreachable(detail: string): void
  onBody(body: Uint8Array, at: MonoUs): void
  /** The body that was given to `send` with `made` went to the network at `at` or later. */
  onSent(made: MonoUs, at: MonoUs): void
}

export interface LinkOptions {
  readonly clock: () => MonoUs
  /** 0 <= x < 1. */
  readonly random: () => number
  readonly idleMs?: number
}

/** First and longest wait before reconnecting, milliseconds. */
const BACK_OFF_FIRST_MS = 500
const BACK_OFF_MAX_MS = 60_000
/** A link that held this long starts again with the first wait; one that is dropped at once does
 * not. */
const SETTLED_MS = 30_000
/** Most bytes that may wait for the network: all frames in flight, and as much again. */
export const WAITING_BYTES_MAX = 2 * FLIGHT_BYTES_MAX

/** Wait before attempt n (0 is the first repeat): anywhere between nothing and a bound that
 * doubles, so that ten thousand slaves do not come back to a restarted master in step. Source:
 * Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog 2015 (full jitter). */
export const backOffMs = (attempt: number, random: () => number): number =>
  random() * Math.min(BACK_OFF_MAX_MS, BACK_OFF_FIRST_MS * 2 ** Math.min(attempt, 30))

export class Link {
  readonly #handlers: LinkHandlers
  readonly #options: LinkOptions
  readonly #setup: PeerSetup
  readonly #dial: Promise<Dial>
  #peer: FramedPeer | null = null
  #abort: () => void = () => undefined
  #timer: NodeJS.Timeout | null = null
  #attempt = 0
  #upSince = 0
  #closed = false
  #paused = false
  /** The next attempt needs no wait: the link was ended on purpose. */
  #atOnce = false

  constructor(address: LinkAddress, handlers: LinkHandlers, options: LinkOptions) {
    this.#handlers = handlers
    this.#options = options
    this.#setup = {
      limits: { waitingBytesMax: WAITING_BYTES_MAX, idleMs: options.idleMs ?? LINK_SILENCE_MAX },
      clock: options.clock,
      handlersOf: () => ({
        onBody: (body, at) => handlers.onBody(body, at),
        onClose: (fault, detail) => this.#down(fault, detail),
      }),
    }
    this.#dial = dialFor(address)
    this.#connect()
  }

  /** False when the link is down, or is dropped now because the master does not read (WIR-08). With
   * `made`, the handlers hear when the body left. */
  send(body: Uint8Array, made: MonoUs | null = null): boolean {
    // Taken before the network can have it: a round trip may look longer than it was, not shorter.
    const at = this.#options.clock()
    const taken = this.#peer?.send(body) ?? false
    if (taken && made !== null) this.#handlers.onSent(made, at)
    return taken
  }

  /** Stops and resumes receiving, for a caller that cannot take bodies as fast as they come. */
  pause(): void {
    this.#paused = true
    this.#peer?.pause()
  }

  resume(): void {
    this.#paused = false
    this.#peer?.resume()
  }

  /** Ends the current connection; the next attempt follows after its wait, or at once if there was
   * no fault. */
  drop(fault: FaultCode | null, detail: string): void {
    if (fault !== null) {
      this.#peer?.drop(fault, detail)
      return
    }
    this.#atOnce = this.#peer !== null
    this.#peer?.close()
  }

  /** Ends the link for good, once what waits has been sent. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    if (this.#peer === null) this.#abort()
    else this.#peer.close()
  }

  #connect(): void {
    let left = false
    this.#abort = () => {
      left = true
    }
    void this.#dial.then((dial) => {
      if (left) return
      this.#abort = dial(this.#setup, {
        up: (peer) => this.#up(peer),
        failed: (detail) => this.#unreachable(detail),
      })
    })
  }

  #up(peer: FramedPeer): void {
    this.#peer = peer
    if (this.#paused) peer.pause()
    this.#upSince = performance.now()
    this.#handlers.onUp()
  }

  #down(fault: FaultCode | null, detail: string): void {
    this.#peer = null
    if (performance.now() - this.#upSince > SETTLED_MS) this.#attempt = 0
    this.#handlers.onDown(fault, detail)
    this.#reconnect()
  }

  #unreachable(detail: string): void {
    if (!this.#closed) this.#handlers.onUnreachable(detail)
    this.#reconnect()
  }

  #reconnect(): void {
    if (this.#closed) return
    const waitMs = this.#atOnce ? 0 : backOffMs(this.#attempt, this.#options.random)
    if (!this.#atOnce) this.#attempt += 1
    this.#atOnce = false
    this.#timer = setTimeout(() => this.#connect(), waitMs)
  }
}

/** Loads only the transport that the address needs. */
const dialFor = async (address: LinkAddress): Promise<Dial> =>
  address.kind === 'tcp'
    ? (await import('./dial-tcp.ts')).dialTcp(address)
    : (await import('./dial-ws.ts')).dialWs(address.url)

export const openLink = (
  address: LinkAddress,
  handlers: LinkHandlers,
  options: LinkOptions,
): Link => new Link(address, handlers, options)
