// An attacker on the path. It sees and records every body; during a campaign it delays, repeats,
// reorders, alters, reflects and swaps messages. What it does on links of its own is in
// impostor.ts. It has no keys.

import { unreachable } from '../../shared/assert.ts'
import { isFrame } from '../../shared/wire/frame.ts'
import type { NetLink, Network, Way } from './network.ts'
import type { Chance } from './prng.ts'
import { HOUR, MINUTE, SECOND, type World } from './world.ts'

/** A message as seen without keys. */
export interface Recorded {
  readonly way: Way
  readonly body: Uint8Array
  /** It was not passed on unchanged and in its place: the receiver may not have it yet. */
  readonly withheld: boolean
}

/** A link as it was seen, from its first body on. */
export interface Session {
  readonly link: NetLink
  readonly bodies: Recorded[]
}

const MISCHIEF = [
  'flip',
  'truncate',
  'head',
  'drop',
  'repeat',
  'aside',
  'delay',
  'reflect',
  'swap',
  'replay',
  'clock',
] as const
type Mischief = (typeof MISCHIEF)[number]

/** Sealed clock questions and answers are known by their lengths (wire.md 5). */
const CLOCK_LENGTHS: ReadonlySet<number> = new Set([34, 54])

/** What the attacker does for a while. */
interface Campaign {
  readonly kinds: readonly Mischief[]
  readonly rate: number
  /** Delay of clock messages, in this direction only: the strongest way to lie. */
  readonly clockLate: number
  readonly clockWay: Way
}

export class Attacker {
  calm = false
  attacks = 0
  /** Every link ever seen, oldest first. */
  readonly sessions: Session[] = []
  /** Links that the attacker opened. */
  readonly own = new Set<number>()
  readonly #live = new Map<number, Session>()
  readonly #chance: Chance
  readonly #network: Network
  #campaign: Campaign | null = null

  constructor({ world, network }: { world: World; network: Network }, chance: Chance) {
    this.#chance = chance
    this.#network = network
    network.onPath = (link, way, body) => this.#see(link, way, body)
    world.every(
      () => chance.wait(HOUR),
      'attacker changes its mind',
      () => {
        this.#campaign = this.#campaign === null ? this.#plan() : null
      },
    )
  }

  /** Sends a body where it does not belong. A frame is authentic on any link of its own device. */
  throw(link: NetLink, way: Way, { body, withheld }: Recorded, from: NetLink): void {
    link.touched = true
    const sameDevice = link.slave.end === from.slave.end
    const alien = !(sameDevice && way === 'up' && isFrame(body)) && !(withheld && link === from)
    this.#network.inject(link, way, body, { alien })
  }

  /** Returns a damaged copy that no key holder ever sent. */
  alter(body: Uint8Array, how: 'flip' | 'truncate' | 'head'): Uint8Array {
    const chance = this.#chance
    if (how === 'truncate') return body.slice(0, chance.below(body.length))
    const altered = new Uint8Array(body)
    // Version and type, step, suite.
    const at = chance.below(how === 'head' ? Math.min(3, body.length) : body.length)
    altered[at] = (altered[at] ?? 0) ^ (1 << chance.below(8))
    return altered
  }

  #plan(): Campaign {
    const chance = this.#chance
    return {
      kinds: [chance.pick(MISCHIEF), chance.pick(MISCHIEF), chance.pick(MISCHIEF)],
      rate: chance.magnitude(1e-3, 0.1),
      clockLate: chance.magnitude(SECOND / 1_000, 6 * SECOND),
      clockWay: chance.pick(['up', 'down']),
    }
  }

  #record(link: NetLink): Session {
    const known = this.#live.get(link.id)
    if (known !== undefined) return known
    const session: Session = { link, bodies: [] }
    this.#live.set(link.id, session)
    this.sessions.push(session)
    return session
  }

  #see(link: NetLink, way: Way, body: Uint8Array): ReturnType<Network['onPath']> {
    if (this.own.has(link.id)) return [{ body }]
    const { bodies } = this.#record(link)
    const kind = this.#choose(way, body)
    const withheld = kind !== null && kind !== 'repeat' && kind !== 'reflect'
    bodies.push({ way, body, withheld })
    if (kind === null) return [{ body }]
    this.attacks += 1
    link.touched = true
    return this.#meddle(kind, { link, way, body })
  }

  #choose(way: Way, body: Uint8Array): Mischief | null {
    const campaign = this.#campaign
    if (this.calm || campaign === null) return null
    const { kinds, rate, clockWay } = campaign
    const clock = way === clockWay && CLOCK_LENGTHS.has(body.length)
    if (clock && kinds.includes('clock')) return 'clock'
    if (!this.#chance.happens(rate)) return null
    const kind = kinds[this.#chance.below(kinds.length)] ?? 'flip'
    return kind === 'clock' ? null : kind
  }

  #meddle(
    kind: Mischief,
    seen: { readonly link: NetLink; readonly way: Way; readonly body: Uint8Array },
  ): ReturnType<Network['onPath']> {
    const { link, way, body } = seen
    const chance = this.#chance
    switch (kind) {
      case 'flip':
      case 'truncate':
      case 'head':
        return [{ body: this.alter(body, kind), alien: true }]
      case 'drop':
        return []
      case 'repeat':
        return [{ body }, { body, alien: !isFrame(body) }]
      case 'aside':
        return [{ body, aside: true, lateBy: chance.magnitude(SECOND / 100, 20 * SECOND) }]
      case 'delay':
        return [{ body, lateBy: chance.magnitude(SECOND / 100, MINUTE) }]
      case 'clock':
        return [{ body, lateBy: this.#campaign?.clockLate ?? 0 }]
      case 'reflect': {
        const back = way === 'up' ? 'down' : 'up'
        this.#network.inject(link, back, body, { alien: true })
        return [{ body }]
      }
      case 'swap':
      case 'replay':
        this.#again(link, way, kind === 'swap' ? this.#someLive() : this.#record(link))
        return [{ body }]
    }
    return unreachable(kind)
  }

  /** Repeats an earlier message. */
  #again(link: NetLink, way: Way, { bodies, link: from }: Session): void {
    const found = bodies[this.#chance.below(bodies.length)]
    if (found !== undefined && found.way === way) this.throw(link, way, found, from)
  }

  #someLive(): Session {
    const recent = this.sessions.slice(-20)
    return recent[this.#chance.below(recent.length)] ?? { link: anyLink(this.#network), bodies: [] }
  }
}

function anyLink({ links }: Network): NetLink {
  const [link] = links.values()
  if (link === undefined) throw new Error('nothing passes where there is no link')
  return link
}
