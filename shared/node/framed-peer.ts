// One end of a link that carries whole bodies, whatever is below: TCP with length prefixes or a
// WebSocket. Both the slave's link and the master's listeners sit on this, so that what a hostile
// or broken peer can do is limited in one place: how much waits to be sent, and how long it may be
// silent.

import type { FaultCode } from '../faults.ts'
import type { MonoUs } from '../units.ts'
import { BODY_BYTES_MAX } from '../wire/limits.ts'

export interface PeerLimits {
  /** Bytes that may wait for the peer to take them; beyond: WIR-08. */
  readonly waitingBytesMax: number
  /** Longest time without a whole body from the peer, milliseconds; beyond: WIR-06. Parts of a body
   * do not count: a peer that sends a byte a minute is silent. */
  readonly idleMs: number
  /** Longest body taken until `widen`; left out: as long as any may be. */
  readonly firstBodyBytesMax?: number
}

export interface PeerHandlers {
  /** One body, 1..65,535 bytes; `at`: when its last bytes came. */
  onBody(body: Uint8Array, at: MonoUs): void
  /** Called once, last of all. `fault` null: closed normally, or by the network. */
  onClose(fault: FaultCode | null, detail: string): void
}

export interface FramedPeer {
  readonly transport: 'tcp' | 'ws'
  /** The other side's address, without port. */
  readonly remote: string
  /** False when the body is not accepted: the link is over, or is dropped now because the peer does
   * not read what it is sent (WIR-08). */
  send(body: Uint8Array): boolean
  /** Stops and resumes receiving, so that a peer cannot send faster than we work. */
  pause(): void
  resume(): void
  /** The peer proved enough to send bodies of up to this many bytes from now on. */
  widen(bytesMax: number): void
  /** The peer proved who it is. */
  settle(): void
  /** Ends after what waits has been sent. */
  close(): void
  /** Ends at once; `onClose` gets the fault. */
  drop(fault: FaultCode, detail: string): void
}

export interface PeerSetup {
  readonly limits: PeerLimits
  readonly clock: () => MonoUs
  readonly handlersOf: (peer: FramedPeer) => PeerHandlers
  /** Called by `settle`. */
  readonly onSettled?: () => void
}

/** What a transport offers below a peer. */
export interface Pipe {
  readonly transport: 'tcp' | 'ws'
  readonly remote: string
  write(body: Uint8Array): void
  /** Bytes passed to `write` that the network has not taken yet. */
  waiting(): number
  pause(): void
  resume(): void
  /** Longest body that is taken from now on. */
  widen(bytesMax: number): void
  end(): void
  destroy(): void
}

/** Time a peer has to read what waits after `close`, milliseconds: a refusal of a few bytes. */
const CLOSE_MS = 2_000

export class Peer implements FramedPeer {
  readonly transport: 'tcp' | 'ws'
  readonly remote: string
  readonly #pipe: Pipe
  readonly #limits: PeerLimits
  readonly #handlers: PeerHandlers
  readonly #idle: NodeJS.Timeout
  readonly #onSettled: () => void
  #closing: NodeJS.Timeout | null = null
  #paused = false
  #over = false

  constructor(pipe: Pipe, setup: PeerSetup) {
    this.transport = pipe.transport
    this.remote = pipe.remote
    this.#pipe = pipe
    this.#limits = setup.limits
    this.#onSettled = setup.onSettled ?? (() => {})
    pipe.widen(setup.limits.firstBodyBytesMax ?? BODY_BYTES_MAX)
    const { idleMs } = setup.limits
    this.#idle = setTimeout(() => {
      // While we do not listen, silence is our own doing.
      if (this.#paused) this.#idle.refresh()
      else this.drop('WIR-06', `silent for ${idleMs} ms`)
    }, idleMs)
    this.#handlers = setup.handlersOf(this)
  }

  send(body: Uint8Array): boolean {
    if (this.#over || this.#closing !== null) return false
    const waiting = this.#pipe.waiting()
    if (waiting + body.length > this.#limits.waitingBytesMax) {
      this.drop('WIR-08', `${waiting} bytes wait`)
      return false
    }
    this.#pipe.write(body)
    return true
  }

  pause(): void {
    this.#paused = true
    this.#pipe.pause()
  }

  resume(): void {
    if (this.#over) return
    this.#paused = false
    this.#idle.refresh()
    this.#pipe.resume()
  }

  widen(bytesMax: number): void {
    this.#pipe.widen(bytesMax)
  }

  settle(): void {
    this.#onSettled()
  }

  close(): void {
    if (this.#over || this.#closing !== null) return
    this.#closing = setTimeout(() => this.#pipe.destroy(), CLOSE_MS)
    // A paused pipe would never see the other side's end.
    this.#pipe.resume()
    this.#pipe.end()
  }

  drop(fault: FaultCode, detail: string): void {
    this.ended(fault, detail)
    this.#pipe.destroy()
  }

  /** For the transport: a body came. */
  received(body: Uint8Array, at: MonoUs): void {
    if (this.#over || this.#closing !== null) return
    this.#idle.refresh()
    this.#handlers.onBody(body, at)
  }

  /** For the transport: the connection is over. The first call counts. */
  ended(fault: FaultCode | null, detail: string): void {
    if (this.#over) return
    this.#over = true
    clearTimeout(this.#idle)
    // After `drop` nothing waits; after `close` this was the end of the waiting, and whatever the
    // peer leaves behind (half a body) is no fault of its own: the reason was counted already.
    const closed = this.#closing !== null
    if (this.#closing !== null) clearTimeout(this.#closing)
    this.#handlers.onClose(closed ? null : fault, detail)
  }

  /** For the transport: something other than a body (a pong) is about to be sent. */
  hasRoom(): boolean {
    return !this.#over && this.#pipe.waiting() < this.#limits.waitingBytesMax
  }
}
