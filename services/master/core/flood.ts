// Keeps strangers from spending the master's time and memory: how many handshakes may be in flight
// at once, and how many may begin in a minute. A source is whatever the shell counts as one
// address. Everything here has a fixed size, however heavy the flood.

import {
  HANDSHAKES_IN_FLIGHT_MAX,
  HANDSHAKES_IN_FLIGHT_PER_SOURCE,
  HANDSHAKES_PER_DEVICE,
  HANDSHAKES_PER_SOURCE,
} from '../../../shared/wire/limits.ts'

export interface HandshakeLimits {
  /** In flight at once, in total and from one source. */
  readonly inFlight: number
  readonly inFlightPerSource: number
  /** Begun in a minute from one source, and for one device from one source. */
  readonly perSource: number
  readonly perDevice: number
}

/** Source: wire.md 10. */
export const HANDSHAKE_LIMITS: HandshakeLimits = {
  inFlight: HANDSHAKES_IN_FLIGHT_MAX,
  inFlightPerSource: HANDSHAKES_IN_FLIGHT_PER_SOURCE,
  perSource: HANDSHAKES_PER_SOURCE,
  perDevice: HANDSHAKES_PER_DEVICE,
}

/** Names remembered per rate: 10,000 busy sources, about a megabyte. */
const TRACKED_MAX = 10_000
const MINUTE_US = 60_000_000

/** Token bucket: `perMinute` per name, refilled evenly. */
class Rate {
  readonly #stepUs: number
  /** When each bucket is full again, least recently used first. */
  readonly #fullAt = new Map<string, number>()

  constructor(perMinute: number) {
    this.#stepUs = Math.floor(MINUTE_US / perMinute)
  }

  get tracked(): number {
    return this.#fullAt.size
  }

  /** Takes one token; false when the bucket is empty. */
  take(name: string, nowUs: number): boolean {
    const known = this.#fullAt.get(name) ?? nowUs
    // More than a minute ahead: the clock was set back, and the bucket starts over.
    const from = known - nowUs > MINUTE_US ? nowUs : Math.max(known, nowUs)
    const fullAt = from + this.#stepUs
    if (fullAt - nowUs > MINUTE_US) return false
    this.#fullAt.delete(name)
    this.#fullAt.set(name, fullAt)
    // The least recently used bucket is the fullest: forgetting it gives away least.
    const [oldest] = this.#fullAt.keys()
    if (this.#fullAt.size > TRACKED_MAX && oldest !== undefined) this.#fullAt.delete(oldest)
    return true
  }
}

export class Floodgate {
  readonly #limits: HandshakeLimits
  readonly #sources: Rate
  readonly #devices: Rate
  /** Handshakes in flight per source; no entry is 0, so there are never more entries than
   * handshakes. */
  readonly #inFlight = new Map<string, number>()
  #total = 0

  constructor(limits: HandshakeLimits) {
    this.#limits = limits
    this.#sources = new Rate(limits.perSource)
    this.#devices = new Rate(limits.perDevice)
  }

  /** Handshakes in flight, and names remembered. */
  get size(): { readonly inFlight: number; readonly sources: number; readonly devices: number } {
    const [sources, devices] = [this.#sources.tracked, this.#devices.tracked]
    return { inFlight: this.#total, sources, devices }
  }

  /** Admits a handshake; false: too many (WIR-05). After true the caller must call `end`. */
  begin(source: string, nowUs: number): boolean {
    const own = this.#inFlight.get(source) ?? 0
    if (this.#total >= this.#limits.inFlight || own >= this.#limits.inFlightPerSource) return false
    if (!this.#sources.take(source, nowUs)) return false
    this.#total += 1
    this.#inFlight.set(source, own + 1)
    return true
  }

  end(source: string): void {
    const left = (this.#inFlight.get(source) ?? 0) - 1
    this.#total -= 1
    if (left > 0) this.#inFlight.set(source, left)
    else this.#inFlight.delete(source)
  }

  /** Admits a call in this device's name; false: too many from that source (WIR-05). Calls in the
   * same name from other sources are not affected. */
  calls(device: string, source: string, nowUs: number): boolean {
    return this.#devices.take(`${device} ${source}`, nowUs)
  }
}
