// Who may connect at all, before a byte is read. A connection that has not proved anything yet is
// `waiting`; these are what a stranger can hold, so these are limited: in all, per address, and per
// site. Whoever proved itself is counted in the total alone, so a site may have as many of those as
// it has devices.
//
// A full house does not shut its doors, or the first to fill it would keep everybody out. The
// newcomer takes the place of the oldest waiting connection of the most crowded address: one that
// has been idle for a while, or any of an address that has more than its share. A quarter of the
// places is kept for addresses that proved themselves before.

import { isIPv6 } from 'node:net'
import type { MonoUs } from '../units.ts'

export interface AdmissionLimits {
  /** Connections in all. */
  readonly connections: number
  /** Waiting, in all; left out: as many as there may be connections. */
  readonly waiting?: number
  /** Waiting from one IPv4 address, or one /64 of IPv6 (a household has a whole /64). */
  readonly perAddress: number
}

/** A /48 of IPv6, a usual allocation to a site, may hold as many as this many addresses. */
const ADDRESSES_PER_SITE = 4
/** Share of the waiting places that is kept for addresses seen before. */
const KEPT = 1 / 4
/** A connection that has been waiting for less may be about to prove itself. */
const IDLE_US = 1_000_000
/** Addresses remembered as seen, the one longest ago forgotten first: a megabyte. */
const SEEN_MAX = 20_000

/** The address that is counted: IPv4 as it is (also when mapped into IPv6), IPv6 cut to its /64. */
export function countedAddress(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)
  if (mapped?.[1] !== undefined) return mapped[1]
  if (!isIPv6(address)) return address
  const [before = '', after] = (address.split('%')[0] ?? '').split('::')
  const head = before === '' ? [] : before.split(':')
  const tail = after === undefined || after === '' ? [] : after.split(':')
  const zeros = after === undefined ? 0 : Math.max(0, 8 - head.length - tail.length)
  const groups = [...head, ...Array.from({ length: zeros }, () => '0'), ...tail]
  return `${groups.slice(0, 4).join(':')}::/64`
}

/** The /48 around a counted /64; an IPv4 address is its own site. */
export const siteOf = (counted: string): string =>
  counted.endsWith('::/64') ? `${counted.split(':').slice(0, 3).join(':')}::/48` : counted

/** A connection's place, until `leave`. */
export interface Place {
  /** It proved who it is: it waits no more, and its address is one seen before from now on. */
  settle(): void
  /** While it is being served it does not wait, and is not cut. */
  serve(on: boolean): void
  /** Call it when the connection has ended. */
  leave(): void
}

interface Entry {
  readonly source: string
  readonly site: string
  readonly since: MonoUs
  readonly cut: () => void
}

export class Admission {
  readonly #limits: Required<AdmissionLimits>
  /** Waiting, by address; the oldest first. No entry is empty. */
  readonly #waiting = new Map<string, Set<Entry>>()
  readonly #sites = new Map<string, number>()
  readonly #seen = new Set<string>()
  readonly #all = new Set<Entry>()
  #waits = 0
  #strangers = 0

  constructor(limits: AdmissionLimits) {
    this.#limits = { waiting: limits.connections, ...limits }
  }

  get connections(): number {
    return this.#all.size
  }

  /** Takes a new connection; null when there is no room for it (WIR-05). `cut` ends it when it has
   * to make room for another (WIR-10). */
  admit(address: string, now: MonoUs, cut: () => void): Place | null {
    const source = countedAddress(address)
    const entry: Entry = { source, site: siteOf(source), since: now, cut }
    if (!this.#hasRoom(entry)) {
      const victim = this.#victimFor(entry)
      if (victim === null) return null
      this.#leave(victim)
      victim.cut()
    }
    this.#all.add(entry)
    this.#wait(entry)
    return {
      settle: () => {
        this.#goOn(entry)
        this.#saw(source)
      },
      serve: (on) => {
        if (on) this.#goOn(entry)
        else if (this.#all.has(entry)) this.#wait(entry)
      },
      leave: () => this.#leave(entry),
    }
  }

  #of(source: string): number {
    return this.#waiting.get(source)?.size ?? 0
  }

  #full({ source, site }: Entry): 'address' | 'site' | 'house' | null {
    const { connections, waiting, perAddress } = this.#limits
    if (this.#of(source) >= perAddress) return 'address'
    const inSite = site === source ? 0 : (this.#sites.get(site) ?? 0)
    if (inSite >= perAddress * ADDRESSES_PER_SITE) return 'site'
    if (this.#all.size >= connections || this.#waits >= waiting) return 'house'
    const strange = !this.#seen.has(source)
    return strange && this.#strangers >= waiting * (1 - KEPT) ? 'house' : null
  }

  #hasRoom(entry: Entry): boolean {
    return this.#full(entry) === null
  }

  /** The waiting connection that gives way to this one; null: none does. */
  #victimFor(entry: Entry): Entry | null {
    const full = this.#full(entry)
    const oldest = this.#oldest((source) => {
      if (full === 'address') return source === entry.source
      if (full === 'site') return siteOf(source) === entry.site
      // Who was here before does not give way to a stranger.
      return !this.#seen.has(source)
    })
    if (oldest === null) return null
    const greedy = this.#of(oldest.source) > this.#of(entry.source) + 1
    return greedy || entry.since - oldest.since >= IDLE_US ? oldest : null
  }

  /** The oldest of the most crowded of these addresses; of equally crowded ones, the first. */
  #oldest(among: (source: string) => boolean): Entry | null {
    let most: ReadonlySet<Entry> = new Set()
    for (const [source, entries] of this.#waiting) {
      if (entries.size > most.size && among(source)) most = entries
    }
    const [oldest] = most
    return oldest ?? null
  }

  #wait(entry: Entry): void {
    const { source, site } = entry
    const entries = this.#waiting.get(source) ?? new Set()
    if (entries.has(entry)) return
    entries.add(entry)
    this.#waiting.set(source, entries)
    this.#sites.set(site, (this.#sites.get(site) ?? 0) + 1)
    this.#waits += 1
    if (!this.#seen.has(source)) this.#strangers += 1
  }

  #goOn(entry: Entry): void {
    const { source, site } = entry
    const entries = this.#waiting.get(source)
    if (entries?.delete(entry) !== true) return
    if (entries.size === 0) this.#waiting.delete(source)
    const left = (this.#sites.get(site) ?? 1) - 1
    if (left === 0) this.#sites.delete(site)
    else this.#sites.set(site, left)
    this.#waits -= 1
    if (!this.#seen.has(source)) this.#strangers -= 1
  }

  #leave(entry: Entry): void {
    this.#goOn(entry)
    this.#all.delete(entry)
  }

  #saw(source: string): void {
    if (!this.#seen.delete(source)) this.#strangers -= this.#of(source)
    this.#seen.add(source)
    const [longestAgo] = this.#seen
    if (this.#seen.size <= SEEN_MAX || longestAgo === undefined) return
    this.#seen.delete(longestAgo)
    this.#strangers += this.#of(longestAgo)
  }
}
