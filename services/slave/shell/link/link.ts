// The link to the master: connects, and connects again for ever. Who is at the other end and
// whether the link may be trusted is not known here; the agent finds out. A slave runs it in a
// thread of its own (link-thread.ts).

import type { FaultCode } from '../../../../shared/faults.ts'
import type { FramedPeer, PeerSetup } from '../../../../shared/node/framed-peer.ts'
import type { MonoUs } from '../../../../shared/units.ts'
import { FLIGHT_BYTES_MAX, LINK_SILENCE_MAX } from '../../../../shared/wire/limits.ts'
import type { Dial } from './dial.ts'
import type { LinkAddress } from './address.ts'

export interface LinkHandlers {
  onUp(): void
  /** After onUp; `fault` null when the network or the master simply ended it. */
  onDown(fault: FaultCode | null, detail: string): void
  /** One attempt to connect failed (WIR-07). */
  onUnreachable(detail: string): void
  onBody(body: Uint8Array, at: MonoUs): void
  /** A body that was given to `send` with `made` is handed to the network at `at` or later. */
  onSent(made: MonoUs, at: MonoUs): void
}

export interface LinkOptions {
  readonly clock: () => MonoUs
  /** 0 <= x < 1. */
  readonly random: () => number
  readonly idleMs?: number
}

/** First and longest wait before connecting again, milliseconds. */
const BACK_OFF_FIRST_MS = 500
const BACK_OFF_MAX_MS = 60_000
/** A link that held so long begins again with the first wait; one that is dropped at once does
 * not. */
const SETTLED_MS = 30_000
/** What may wait for the network, bytes: all frames in flight, and as much again. */
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
  /** The next attempt needs no wait: this end was in order. */
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

  /** False when the link is down, or is dropped now because the master does not drain it (WIR-08).
   * With `made` the handlers hear when it left. */
  send(body: Uint8Array, made: MonoUs | null = null): boolean {
    // Before the network can have it: a round trip may look longer than it was, never shorter.
    const at = this.#options.clock()
    const taken = this.#peer?.send(body) ?? false
    if (taken && made !== null) this.#handlers.onSent(made, at)
    return taken
  }

  /** Stops and resumes receiving, for one who cannot take bodies as fast as they come. */
  pause(): void {
    this.#paused = true
    this.#peer?.pause()
  }

  resume(): void {
    this.#paused = false
    this.#peer?.resume()
  }

  /** Ends the present connection; the next attempt follows after its wait, or at once where there
   * was no fault. */
  drop(fault: FaultCode | null, detail: string): void {
    if (fault !== null) {
      this.#peer?.drop(fault, detail)
      return
    }
    this.#atOnce = this.#peer !== null
    this.#peer?.close()
  }

  /** Ends the link for good, after what waits was sent. */
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
    this.#again()
  }

  #unreachable(detail: string): void {
    if (!this.#closed) this.#handlers.onUnreachable(detail)
    this.#again()
  }

  #again(): void {
    if (this.#closed) return
    const waitMs = this.#atOnce ? 0 : backOffMs(this.#attempt, this.#options.random)
    if (!this.#atOnce) this.#attempt += 1
    this.#atOnce = false
    this.#timer = setTimeout(() => this.#connect(), waitMs)
  }
}

/** Loads what one of the two needs, and no more. */
const dialFor = async (address: LinkAddress): Promise<Dial> =>
  address.kind === 'tcp'
    ? (await import('./dial-tcp.ts')).dialTcp(address)
    : (await import('./dial-ws.ts')).dialWs(address.url)

export const openLink = (
  address: LinkAddress,
  handlers: LinkHandlers,
  options: LinkOptions,
): Link => new Link(address, handlers, options)
