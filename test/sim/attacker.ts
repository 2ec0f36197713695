// Who sits on the line: records what passes, plays it again on links of his own and on those of
// others, and, in some worlds, alters it on the way. He has no keys.

import type { MasterBox } from './master-box.ts'
import type { End, NetLink, Network } from './network.ts'
import type { Chance } from './prng.ts'
import type { Faults } from './faults.ts'
import { HOUR, type World } from './world.ts'

const RECORDED_MAX = 400
/** Bodies altered, of those that pass while he is at it. */
const TAMPERS = 0.02

const nobody: End = {
  address: 'attacker',
  onBody: () => undefined,
  onClosed: () => undefined,
}

export class Attacker {
  calm = false
  attacks = 0
  readonly #recorded: { way: 'up' | 'down'; body: Uint8Array }[] = []
  readonly #chance: Chance
  readonly #network: Network
  readonly #master: MasterBox
  #tampering = false

  constructor(
    { world, network, faults }: { world: World; network: Network; faults: Faults },
    chance: Chance,
    master: MasterBox,
  ) {
    this.#chance = chance
    this.#network = network
    this.#master = master
    network.onPath = (_link, way, body) => this.#see(way, body)
    if (!Number.isFinite(faults.attackUs)) return
    world.every(
      () => chance.wait(faults.attackUs),
      '',
      () => this.#attack(),
    )
    if (!faults.tampers) return
    world.every(
      () => chance.wait(2 * HOUR),
      'attacker begins or ends to alter',
      () => {
        this.#tampering = !this.#tampering
      },
    )
  }

  #see(way: 'up' | 'down', body: Uint8Array): Uint8Array {
    this.#recorded.push({ way, body })
    if (this.#recorded.length > RECORDED_MAX) {
      this.#recorded.splice(this.#chance.below(RECORDED_MAX / 2), 1)
    }
    if (this.calm || !this.#tampering || !this.#chance.happens(TAMPERS)) return body
    this.attacks += 1
    return this.#alter(body)
  }

  #attack(): void {
    if (this.calm) return
    this.attacks += 1
    const links = [...this.#network.links.values()].filter((link) => link.slave.end !== nobody)
    const live = links[this.#chance.below(links.length)]
    if (live !== undefined && this.#chance.happens(0.3)) this.#play(live, 1)
    else if (this.#master.listening) {
      const link = this.#network.join(nobody, this.#master)
      this.#master.opened(link)
      this.#play(link, 1 + this.#chance.below(6))
      if (this.#chance.happens(0.7)) this.#network.close(link, 'slave')
    }
  }

  /** Recorded bodies from some place on, some altered. */
  #play(link: NetLink, count: number): void {
    const from = this.#chance.below(Math.max(1, this.#recorded.length))
    for (const { way, body } of this.#recorded.slice(from, from + count)) {
      const sent = this.#chance.happens(0.3) ? this.#alter(body) : body
      this.#network.inject(link, link.slave.end === nobody ? 'up' : way, sent)
    }
  }

  #alter(body: Uint8Array): Uint8Array {
    const altered = new Uint8Array(body)
    if (this.#chance.happens(0.3)) return altered.slice(0, this.#chance.below(body.length + 1))
    const at = this.#chance.below(body.length)
    altered[at] = (altered[at] ?? 0) ^ (1 << this.#chance.below(8))
    return altered
  }
}
