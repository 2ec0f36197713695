// A thief of session keys. At a random instant he copies the transport keys of a live session, both
// directions, from a slave's memory; he sits on the line, keeps control messages from their
// receivers for a while, and speaks in the session as the master and as the slave. When it is over
// nothing he said may have lasted: the rules of the book, the desk and `trusts` below go on
// looking. He has the device's psk as well, but no static key.
//
// Not among what he says: false answers about the time, and false anchors. While they are believed
// the slave's clock is wrong by his will, which the rules on clocks would call a fault
// (test/unit/slave/robbed-clock.test.ts looks at those).

import { SessionThief } from '../../services/adversary/session-thief.ts'
import { concat, toHex } from '../../shared/bytes.ts'
import { nodeSuite } from '../../shared/node/node-suite.ts'
import { unixMs } from '../../shared/units.ts'
import { type ControlMessage, encodeControl } from '../../shared/wire/control.ts'
import { encodeHeader } from '../../shared/wire/frame.ts'
import { CONTROL_BYTE } from '../../shared/wire/message.ts'
import { EXPECT_CODE, namesOf } from '../../shared/wire/numbers.ts'
import type { StoredIdentity, StoredRun } from '../../services/slave/core/state/stored.ts'
import type { DeviceId } from '../../shared/handover/sink.ts'
import type { Observer } from './checkers.ts'
import type { Faults } from './faults.ts'
import { hold } from './hold.ts'
import type { End, NetLink, Network, Way } from './network.ts'
import type { Chance } from './prng.ts'
import type { SlaveBox } from './slave-box.ts'
import { MINUTE, SECOND, type World } from './world.ts'

const WORDS_MAX = 8
const STAY_MAX = 30 * MINUTE
const LAST_NUMBER = 2 ** 48 - 1
/** Acknowledged frames give way when an outbox is full, and a believed lie with them: he tells it
 * only where there is room (threat-model.md). */
const ROOMY = 100_000
const CODES = [...namesOf(EXPECT_CODE).values()]

interface Parties {
  readonly world: World
  readonly network: Network
  readonly observer: Observer
  readonly faults: Faults
  readonly slaves: readonly SlaveBox[]
}

export class Robber {
  calm = false
  /** Sessions robbed, and words said in them. */
  robbed = 0
  words = 0
  readonly #parties: Parties
  readonly #chance: Chance
  readonly #thieves = new Map<SlaveBox, { thief: SessionThief; framesMax: number }>()
  /** By link: what he keeps from its receiver, and whether he tells of other histories. */
  readonly #held = new Map<number, { readonly ways: ReadonlySet<Way>; readonly invents: boolean }>()
  /** Control messages that came down on links that he left alone. */
  readonly #downs = new Map<number, number>()
  /** Slaves that had a session of their own since he spoke to them. What two sessions in a row say
   * is believed, and he has the keys of one. */
  readonly #rested = new Set<End>()

  constructor(parties: Parties, chance: Chance) {
    const { world, network, faults } = parties
    this.#parties = parties
    this.#chance = chance
    const { onPath } = network
    network.onPath = (link, way, body) => {
      if (body[0] !== CONTROL_BYTE) return onPath(link, way, body)
      if (way === 'down') this.#sees(link)
      return this.#held.get(link.id)?.ways.has(way) === true ? [] : onPath(link, way, body)
    }
    world.every(
      () => chance.wait(faults.sessionTheftUs),
      '',
      () => this.#rob(),
    )
    world.every(
      () => MINUTE,
      '',
      () => {
        for (const slave of parties.slaves) trusts(parties.observer, slave.disk.load().identity)
      },
    )
  }

  /** A slave whose memory he can look into. */
  watch(slave: SlaveBox, thief: SessionThief, framesMax: number): void {
    this.#thieves.set(slave, { thief, framesMax })
  }

  /** He is gone, and what he holds back with him. */
  leave(): void {
    this.calm = true
    this.#held.clear()
  }

  /** The master's second word answers something that the slave said behind COMMITTED. */
  #sees(link: NetLink): void {
    if (this.#held.has(link.id)) return
    const downs = (this.#downs.get(link.id) ?? 0) + 1
    this.#downs.set(link.id, downs)
    if (downs === 2) this.#rested.add(link.slave.end)
  }

  #rob(): void {
    const { world, observer, slaves } = this.#parties
    const chance = this.#chance
    const slave = slaves[chance.below(slaves.length)]
    const link = slave?.link ?? null
    if (this.calm || slave === undefined || link === null || this.#held.has(link.id)) return
    if (this.#thieves.get(slave)?.thief.holds !== true) return
    this.robbed += 1
    world.note(`a session of ${slave.device} is robbed`)
    world.sometimes('session robbed')
    link.touched = true
    observer.robbed.add(slave.device)
    const ways = chance.pick<readonly Way[]>([[], ['up'], ['down'], ['up', 'down']])
    this.#held.set(link.id, { ways: new Set(ways), invents: this.#rested.delete(slave) })
    this.#downs.set(link.id, Number.NEGATIVE_INFINITY)
    const stay = chance.magnitude(SECOND, STAY_MAX)
    for (let word = chance.below(WORDS_MAX); word >= 0; word -= 1) {
      world.after(chance.between(0, stay), '', () => this.#speak(slave, link))
    }
    world.after(stay, '', () => {
      if (!this.#held.delete(link.id)) return
      this.#parties.network.cut(link)
    })
  }

  #speak(slave: SlaveBox, link: NetLink): void {
    const known = this.#thieves.get(slave)
    const held = this.#held.get(link.id)
    if (known === undefined || slave.link !== link || held === undefined) return
    const { network } = this.#parties
    const stored = slave.disk.load()
    const run = stored.runs[this.#chance.below(Math.max(1, stored.runs.length))]
    const { identity } = stored
    if (run === undefined || identity === null) return
    this.words += 1
    if (this.#chance.happens(0.5)) {
      const said = this.#toSlave(run, known.framesMax >= ROOMY, held.invents)
      network.inject(link, 'down', known.thief.toVictim(this.#certified(said, identity)))
      return
    }
    // A frame that nobody can open, so that there is one to skip.
    if (this.#chance.happens(0.3)) network.inject(link, 'up', this.#bogus(run), { alien: true })
    const said = this.#toMaster(run)
    network.inject(link, 'up', known.thief.asVictim(this.#certified(said, identity)))
  }

  /** As far as he can: with nothing, noise, or what the psk gives. */
  #certified(message: ControlMessage, { psk }: StoredIdentity): Uint8Array {
    const plaintext = encodeControl(message)
    if (message.is === 'acknowledge' || message.is === 'expect') return plaintext
    const chance = this.#chance
    const made = nodeSuite.hmacSha256(psk ?? chance.bytes(32), plaintext)
    return concat(plaintext, chance.pick([new Uint8Array(0), chance.bytes(32), made]))
  }

  #toSlave(run: StoredRun, room: boolean, invents: boolean): ControlMessage {
    const chance = this.#chance
    const key = chance.pick([nodeSuite.publicKey(chance.bytes(32)), new Uint8Array(32)])
    const expires = unixMs(this.#parties.world.now / 1_000 + 600_000)
    const what = chance.pick([
      { task: 'read-now', meter: null } as const,
      { task: 'schedule', meter: 'M0-0', seconds: 86_400 } as const,
    ])
    const place = { epoch: run.epoch, run: run.run }
    switch (chance.below(5)) {
      case 0:
        return { is: 'master-key', key }
      case 1:
        return { is: 'command', number: LAST_NUMBER, expires, what }
      case 2: {
        const code = CODES[chance.below(CODES.length)] ?? 'SEC-03'
        return { is: 'expect', code, ...place, next: run.acknowledged + 1, masterTime: expires }
      }
      case 3:
        if (room) return { is: 'acknowledge', ...place, sequence: run.last, hash: run.lastHash }
        return { is: 'master-key', key }
      default: {
        if (!invents) return { is: 'master-key', key }
        const sequence = run.last + chance.below(3)
        return { is: 'acknowledge', ...place, sequence, hash: chance.bytes(32) }
      }
    }
  }

  #toMaster(run: StoredRun): ControlMessage {
    const chance = this.#chance
    const place = { epoch: run.epoch, run: run.run }
    const first = run.acknowledged + 1
    const hash = chance.bytes(32)
    switch (chance.below(4)) {
      case 0: {
        const last = first + chance.below(50)
        return { is: 'tombstone', ...place, first, last, reason: 'damaged', hash }
      }
      case 1:
        return { is: 'skip', ...place, sequence: first, bodyHash: hash }
      case 2:
        return { is: 'drained', ...place, sequence: run.last, hash: run.lastHash }
      default:
        return { is: 'receipt', number: LAST_NUMBER, outcome: 'done', detail: '' }
    }
  }

  #bogus({ epoch, run, acknowledged }: StoredRun): Uint8Array {
    const sequence = acknowledged + 1
    const header = {
      opener: sequence === 0,
      epoch,
      run,
      second: 0 as never,
      sequence,
      count: 0,
      salt: sequence === 0 ? this.#chance.bytes(16) : null,
    }
    return concat(encodeHeader(header), this.#chance.bytes(80))
  }
}

/** No run was given up for a history that nobody but a thief told of. */
export function unforked(
  observer: Observer,
  device: DeviceId,
  runs: readonly Pick<StoredRun, 'run' | 'forked'>[],
): void {
  const forked = runs.find((run) => run.forked)
  const may = forked === undefined || observer.book.mayFork(device)
  hold(may, 'fork', `${device} gave up run ${forked?.run}, and no disk was set back`)
}

/** A slave's disk names no key that was never the master's. */
export function trusts(observer: Observer, identity: StoredIdentity | null): void {
  for (const key of [identity?.masterKey, identity?.nextMasterKey]) {
    const known = key === undefined || key === null || observer.masterKeys.has(toHex(key))
    hold(known, 'trusts a stranger', 'a slave stored a key that was never the master’s')
  }
}
