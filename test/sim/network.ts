// Links as TCP provides them: ordered and complete until they break. A break loses some of what was
// in transit. Each end notices it at once or after a long silence, never at the same time.

import { LINK_SILENCE_MAX } from '../../shared/wire/limits.ts'
import type { Faults } from './faults.ts'
import type { Chance } from './prng.ts'
import { SECOND, type TrueUs, type World } from './world.ts'

export type Way = 'up' | 'down'

/** One end of a link. */
export interface End {
  /** The caller's address; the master counts handshakes by it. */
  readonly address?: string
  /** `alien`: no key holder of this link sent this body, here and unchanged. */
  onBody(link: NetLink, body: Uint8Array, alien: boolean): void
  onClosed(link: NetLink): void
}

interface Side {
  end: End
  open: boolean
  heardAt: TrueUs
}

export interface NetLink {
  readonly id: number
  readonly slave: Side
  readonly master: Side
  /** What arrives later than this is lost; Infinity while the link holds. */
  readonly lostAfter: Record<Way, TrueUs>
  /** Arrival of the last message on its way. */
  readonly lastAt: Record<Way, TrueUs>
  readonly baseUs: Record<Way, number>
  /** The attacker altered, held back or added something. */
  touched: boolean
}

/** How a body travels. */
interface Passage {
  readonly alien: boolean
  /** Delay of this body and of everything behind it. */
  readonly lateBy: number
  /** What comes behind it overtakes it. */
  readonly aside: boolean
}

const STRAIGHT: Passage = { alien: false, lateBy: 0, aside: false }

/** Sees every body and returns what is passed on. */
export type OnPath = (
  link: NetLink,
  way: Way,
  body: Uint8Array,
) => readonly (Partial<Passage> & { readonly body: Uint8Array })[]

const LATE_MAX = 20 * SECOND

export class Network {
  calm = false
  onPath: OnPath = (_link, _way, body) => [{ body }]
  readonly links = new Map<number, NetLink>()
  readonly #world: World
  readonly #chance: Chance
  readonly #faults: Faults
  #ids = 0

  constructor(world: World, chance: Chance, faults: Faults) {
    this.#world = world
    this.#chance = chance
    this.#faults = faults
    world.every(
      () => 10 * SECOND,
      '',
      () => this.#silence(),
    )
  }

  /** A connection that stands from now on. */
  join(slave: End, master: End): NetLink {
    const { delayUs, asymmetry } = this.#faults
    this.#ids += 1
    const { now } = this.#world
    const share = this.#chance.between(0, asymmetry)
    const link: NetLink = {
      id: this.#ids,
      slave: { end: slave, open: true, heardAt: now },
      master: { end: master, open: true, heardAt: now },
      lostAfter: { up: Number.POSITIVE_INFINITY, down: Number.POSITIVE_INFINITY },
      lastAt: { up: now, down: now },
      baseUs: { up: delayUs * (1 + share), down: delayUs * (1 - share) },
      touched: false,
    }
    this.links.set(link.id, link)
    return link
  }

  send(link: NetLink, way: Way, body: Uint8Array): void {
    const from = way === 'up' ? link.slave : link.master
    if (!from.open) return
    for (const passing of this.onPath(link, way, body)) {
      this.inject(link, way, passing.body, passing)
    }
  }

  /** Sends a body, from either end or from the attacker. */
  inject(link: NetLink, way: Way, body: Uint8Array, passage: Partial<Passage> = {}): void {
    const { alien, lateBy, aside } = { ...STRAIGHT, ...passage }
    const { now } = this.#world
    const soonest = now + this.#delay(link.baseUs[way]) + lateBy
    const at = aside ? soonest : Math.max(link.lastAt[way], soonest)
    if (!aside) link.lastAt[way] = at
    this.#world.after(at - now, '', () => {
      const to = way === 'up' ? link.master : link.slave
      if (!to.open || at > link.lostAfter[way]) return
      to.heardAt = this.#world.now
      to.end.onBody(link, body, alien)
    })
  }

  /** One end closes: what it sent before still arrives, then the other end hears of it. */
  close(link: NetLink, by: 'slave' | 'master'): void {
    const way = by === 'slave' ? 'up' : 'down'
    if (!link[by].open) return
    link[by].open = false
    const rest = Math.max(0, link.lastAt[way] - this.#world.now)
    const other = by === 'slave' ? 'master' : 'slave'
    this.#world.after(rest + this.#delay(link.baseUs[way]), '', () => {
      if (link.lostAfter[way] === Number.POSITIVE_INFINITY) this.#hear(link, other)
    })
  }

  /** The line is cut. */
  cut(link: NetLink): void {
    for (const way of ['up', 'down'] as const) {
      const lost = this.#world.now + this.#chance.wait(SECOND / 10)
      link.lostAfter[way] = Math.min(link.lostAfter[way], lost)
    }
    for (const side of ['slave', 'master'] as const) {
      if (this.#chance.happens(0.5)) continue
      this.#world.after(this.#chance.between(0, SECOND), '', () => this.#hear(link, side))
    }
  }

  #hear(link: NetLink, side: 'slave' | 'master'): void {
    if (!link[side].open) return
    link[side].open = false
    link[side].end.onClosed(link)
  }

  #silence(): void {
    const { now } = this.#world
    for (const link of this.links.values()) {
      for (const side of ['slave', 'master'] as const) {
        if (now - link[side].heardAt > LINK_SILENCE_MAX * 1_000) this.#hear(link, side)
      }
      if (!link.slave.open && !link.master.open) this.links.delete(link.id)
    }
  }

  #delay(baseUs: number): number {
    const late = !this.calm && this.#chance.happens(this.#faults.lateMessage)
    return baseUs + this.#chance.wait(baseUs / 4) + (late ? this.#chance.unit() * LATE_MAX : 0)
  }
}
