// Keeps strangers from spending the master's time and memory: how many handshakes may be in flight
// at once, and how many may begin in a minute. A source is whatever the shell counts as one
// address. Everything here has a fixed size, however heavy the flood.

import {
  HANDSHAKES_IN_FLIGHT_MAX,
  HANDSHAKES_IN_FLIGHT_PER_DEVICE,
  HANDSHAKES_IN_FLIGHT_PER_SOURCE,
  HANDSHAKES_IN_FLIGHT_STRANGERS,
  HANDSHAKES_PER_DEVICE,
  HANDSHAKES_PER_DEVICE_ELSEWHERE,
  HANDSHAKES_PER_SOURCE,
} from '../../../shared/wire/limits.ts'

export interface HandshakeLimits {
  /** In flight at once: in total, of it from sources not seen before, from one source, and for one
   * device. */
  readonly inFlight: number
  readonly inFlightStrangers: number
  readonly inFlightPerSource: number
  readonly inFlightPerDevice: number
  /** Begun in a minute: from one source, for one device from one source, and for one device from
   * all sources at which it was not seen before. */
  readonly perSource: number
  readonly perDevice: number
  readonly perDeviceElsewhere: number
}

/** Source: wire.md 10. */
export const HANDSHAKE_LIMITS: HandshakeLimits = {
  inFlight: HANDSHAKES_IN_FLIGHT_MAX,
  inFlightStrangers: HANDSHAKES_IN_FLIGHT_STRANGERS,
  inFlightPerSource: HANDSHAKES_IN_FLIGHT_PER_SOURCE,
  inFlightPerDevice: HANDSHAKES_IN_FLIGHT_PER_DEVICE,
  perSource: HANDSHAKES_PER_SOURCE,
  perDevice: HANDSHAKES_PER_DEVICE,
  perDeviceElsewhere: HANDSHAKES_PER_DEVICE_ELSEWHERE,
}

/** Names remembered per rate: 10,000 busy sources, about a megabyte. */
const TRACKED_MAX = 10_000
const MINUTE_US = 60_000_000
/** A /48 of IPv6 is given to one customer, and has 65,536 sources: it counts as four. */
const SOURCES_PER_SITE = 4

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

/** One less; no entry is 0. */
function lower(counts: Map<string, number>, name: string): void {
  const left = (counts.get(name) ?? 0) - 1
  if (left > 0) counts.set(name, left)
  else counts.delete(name)
}

/** A place among the handshakes in flight. */
export interface Ticket {
  readonly source: string
  readonly site: string
  /** Whether it came from a source not seen before. */
  readonly stranger: boolean
}

export class Floodgate {
  readonly limits: HandshakeLimits
  readonly #sources: Rate
  readonly #sites: Rate
  readonly #devices: Rate
  readonly #elsewhere: Rate
  /** Sources from which a device confirmed a session, the one longest ago first. */
  readonly #seen = new Set<string>()
  /** Handshakes in flight per source; no entry is 0, so there are never more entries than
   * handshakes. */
  readonly #inFlight = new Map<string, number>()
  /** The same per site, of sources that do not stand alone. */
  readonly #inSite = new Map<string, number>()
  #total = 0
  #strangers = 0

  constructor(limits: HandshakeLimits) {
    this.limits = limits
    this.#sources = new Rate(limits.perSource)
    this.#sites = new Rate(limits.perSource * SOURCES_PER_SITE)
    this.#devices = new Rate(limits.perDevice)
    this.#elsewhere = new Rate(limits.perDeviceElsewhere)
  }

  /** Handshakes in flight, and names remembered. */
  get size(): { readonly inFlight: number; readonly sources: number; readonly devices: number } {
    const [sources, devices] = [this.#sources.tracked, this.#devices.tracked]
    return { inFlight: this.#total, sources, devices }
  }

  /** Admits a handshake; null: too many (WIR-05). The caller returns the ticket by `end`. `site`:
   * the network around the source, where the caller may have many. */
  begin(source: string, nowUs: number, site = source): Ticket | null {
    const { inFlight, inFlightStrangers, inFlightPerSource } = this.limits
    const own = this.#inFlight.get(source) ?? 0
    const stranger = !this.#seen.has(source)
    if (this.#total >= inFlight || own >= inFlightPerSource) return null
    if (stranger && this.#strangers >= inFlightStrangers) return null
    const inSite = this.#inSite.get(site) ?? 0
    if (inSite >= inFlightPerSource * SOURCES_PER_SITE) return null
    if (!this.#sources.take(source, nowUs)) return null
    if (site !== source && !this.#sites.take(site, nowUs)) return null
    if (site !== source) this.#inSite.set(site, inSite + 1)
    this.#total += 1
    if (stranger) this.#strangers += 1
    this.#inFlight.set(source, own + 1)
    return { source, site, stranger }
  }

  end({ source, site, stranger }: Ticket): void {
    this.#total -= 1
    if (stranger) this.#strangers -= 1
    lower(this.#inFlight, source)
    if (site !== source) lower(this.#inSite, site)
  }

  /** Admits a call in this device's name; false: too many (WIR-05). `elsewhere`: from where it was
   * not seen before; such calls count together, and do not affect those from where it was. */
  calls(
    device: string,
    { source, elsewhere }: { readonly source: string; readonly elsewhere: boolean },
    nowUs: number,
  ): boolean {
    if (!this.#devices.take(`${device} ${source}`, nowUs)) return false
    return !elsewhere || this.#elsewhere.take(device, nowUs)
  }

  /** A device confirmed a session from there: room is kept for this source from now on. */
  saw(source: string): void {
    this.#seen.delete(source)
    this.#seen.add(source)
    const [oldest] = this.#seen
    if (this.#seen.size > TRACKED_MAX && oldest !== undefined) this.#seen.delete(oldest)
  }
}
