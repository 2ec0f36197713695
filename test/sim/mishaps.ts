// The rare trouble of a world (rarities.ts): disks rot, disks and ledgers are set back, a leap
// second comes, the master's key is replaced, commands are given, a copied token is tried.

import { toHex } from '../../shared/bytes.ts'
import { nodeSuite } from '../../shared/node/node-suite.ts'
import { unixMs } from '../../shared/units.ts'
import type { CommandTask } from '../../shared/wire/commands.ts'
import type { StoredCommand } from '../../services/slave/core/state/stored.ts'
import type { Attacker } from './attacker.ts'
import type { Observer } from './checkers.ts'
import { enrolWithCopy } from './copyist.ts'
import { Desk } from './desk.ts'
import type { MasterBox } from './master-box.ts'
import type { Network } from './network.ts'
import type { Chance } from './prng.ts'
import type { Rarities } from './rarities.ts'
import type { Ledger } from './sink.ts'
import type { SlaveBox } from './slave-box.ts'
import type { Mortal } from './slave-setup.ts'
import type { Thief } from './thief.ts'
import { HOUR, MINUTE, SECOND, type World } from './world.ts'

/** A copy is made as soon as every device is enrolled; looked at this often. */
const COPY_RETRY = 10 * MINUTE
/** A meter number that no slave knows. */
const NOBODYS_METER = 'NOBODY'

interface Parties {
  readonly world: World
  readonly ledger: Ledger
  readonly master: MasterBox
  readonly network: Network
  readonly attacker: Attacker
  readonly observer: Observer
  readonly thief: Thief
  /** Grows while the devices are admitted. */
  readonly slaves: readonly SlaveBox[]
  /** The tokens' secrets, as printed on a label. */
  readonly tokens: readonly { readonly id: Uint8Array; readonly secret: Uint8Array }[]
}

export class Mishaps {
  calm = false
  readonly desk: Desk | null
  readonly #rarities: Rarities
  readonly #parties: Parties
  readonly #chance: Chance
  /** Sets the ledger back to the copy; null: none was made. */
  #backup: (() => void) | null = null

  constructor(rarities: Rarities, parties: Parties, chance: Chance) {
    this.#rarities = rarities
    this.#parties = parties
    this.#chance = chance
    const { world, master } = parties
    this.desk = Number.isFinite(rarities.commandUs)
      ? new Desk((name) => world.sometimes(name))
      : null
    master.desk = this.desk
  }

  /** From now on. */
  begin(): void {
    const { rotUs, commandUs, leapAfterUs, newKeyAfterUs, copiedTokenUs } = this.#rarities
    const { world, observer } = this.#parties
    this.#often(rotUs, () => this.#rot())
    this.#often(commandUs, () => this.#command())
    this.#once(newKeyAfterUs, "the master's key is replaced", () => this.#newKey())
    this.#once(copiedTokenUs, 'an attacker tries a burnt token', () => this.#tryToken())
    world.leapAt = world.now + leapAfterUs
    observer.leapAt = world.leapAt
    world.after(leapAfterUs, 'a leap second', () => {
      if (this.#parties.slaves.some(({ running }) => running)) world.sometimes('leap second')
    })
    const { setBack, copyAfterUs, copyAgeUs } = this.#rarities
    if (setBack === 'ledger') this.#copyLedger(copyAfterUs, copyAgeUs)
    if (setBack === 'disk') this.#copyDisk(copyAfterUs, copyAgeUs)
  }

  /** A slave's disk took what it says of a command. */
  onCommand(box: Mortal, command: StoredCommand): void {
    this.desk?.stored(box.device, command)
    const { world } = this.#parties
    const dies = command.outcome === 'begun' && this.#chance.happens(this.#rarities.diesBegun)
    if (dies) world.after(SECOND / 100, '', () => box.crash('dies with a command begun'))
  }

  /** The trouble is over. What comes now is acknowledged before the week without power. */
  rest(): void {
    this.calm = true
    const { setBackLate, copiesLate } = this.#rarities
    if (setBackLate && copiesLate && this.#allEnrolled()) this.#backup = this.#copy()
  }

  /** After the week without power; the master is down. */
  setBackLate(): void {
    if (this.#rarities.setBackLate) this.#restoreLedger()
  }

  #often(mean: number, happen: () => void): void {
    if (!Number.isFinite(mean)) return
    const wait = (): number => this.#chance.wait(mean)
    this.#parties.world.every(wait, '', () => {
      if (!this.calm) happen()
    })
  }

  #once(after: number, name: string, happen: () => void): void {
    this.#parties.world.after(after, name, () => {
      if (!this.calm) happen()
    })
  }

  /** One frame of one disk; most times one that waits, and often a run's first. */
  #rot(): void {
    const chance = this.#chance
    const { world, slaves, observer } = this.#parties
    const busy = slaves.filter(({ disk }) => disk.waiting().length > 0)
    const waits = chance.happens(0.7) && busy.length > 0
    const among = waits ? busy : slaves
    const slave = among[chance.below(among.length)]
    if (slave === undefined) return
    const { disk, device } = slave
    const frames = waits ? disk.waiting() : disk.stored()
    const openers = frames.filter(({ sequence }) => sequence === 0)
    const chosen = chance.happens(0.5) && openers.length > 0 ? openers : frames
    const frame = chosen[chance.below(chosen.length)]
    if (frame === undefined) return
    const both = frame.sequence === 0 && chance.happens(0.5)
    const how = both ? 'body' : chance.pick(['body', 'hash', 'gone'] as const)
    world.note(`disk of ${device} rots: run ${frame.run}, frame ${frame.sequence}, ${how}`)
    world.sometimes('disk rotted')
    observer.book.rots(device, frame, both)
    disk.rot(frame.run, frame.sequence, how, both)
  }

  #command(): void {
    const chance = this.#chance
    const { world, slaves, master } = this.#parties
    const slave = slaves[chance.below(slaves.length)]
    const meter = slave?.meters[chance.below(slave.meters.length)]?.number
    if (slave === undefined || meter === undefined) return
    const what = chance.pick<CommandTask>([
      { task: 'read-now', meter: null },
      { task: 'read-now', meter },
      { task: 'read-now', meter: NOBODYS_METER },
      { task: 'schedule', meter, seconds: 120 + chance.below(800) },
    ])
    const now = unixMs(world.utc() / 1_000)
    const expires = unixMs(now + Math.floor(chance.magnitude(SECOND / 10, 12 * HOUR) / 1_000))
    this.desk?.give(slave.device, what, { now, expires })
    master.command()
  }

  #newKey(): void {
    const privateKey = this.#chance.bytes(32)
    this.#parties.master.rotate({ privateKey, publicKey: nodeSuite.publicKey(privateKey) })
  }

  #tryToken(): void {
    const { ledger, tokens } = this.#parties
    const burnt = tokens.find(({ id }) => (ledger.tokens.get(toHex(id))?.burntBy ?? null) !== null)
    if (burnt !== undefined) enrolWithCopy(burnt, { ...this.#parties, chance: this.#chance })
  }

  #copyLedger(after: number, age: number): void {
    this.#once(after, '', () => {
      if (!this.#allEnrolled()) {
        this.#copyLedger(COPY_RETRY, age)
        return
      }
      this.#backup = this.#copy()
      this.#once(age, '', () => this.#restoreLedger())
    })
  }

  /** A device that a backup does not know could not call after it. */
  #allEnrolled(): boolean {
    return this.#parties.slaves.every(({ enrolled }) => enrolled)
  }

  #copy(): () => void {
    const { world, ledger, observer } = this.#parties
    const restores = [ledger.backup(), observer.backup(), this.desk?.backup()]
    world.note('the ledger is backed up')
    return () => {
      for (const restore of restores) restore?.()
    }
  }

  #restoreLedger(): void {
    if (this.#backup === null) return
    const { world, master, ledger, observer, thief } = this.#parties
    master.crash('loses its database')
    this.#backup()
    thief.ledgerSetBack(ledger)
    for (const device of observer.banned) {
      if (ledger.devices.get(device)?.revoked === false) observer.banned.delete(device)
    }
    world.note('the ledger is set back')
    world.sometimes('ledger set back')
  }

  #copyDisk(after: number, age: number): void {
    const { slaves, world } = this.#parties
    this.#once(after, '', () => {
      const slave = slaves[this.#chance.below(slaves.length)]
      if (slave?.enrolled !== true) {
        this.#copyDisk(COPY_RETRY, age)
        return
      }
      const restore = slave.disk.snapshot()
      this.#once(age, `the disk of ${slave.device} is set back`, () => {
        const { observer, thief } = this.#parties
        slave.crash('is set back')
        restore()
        observer.diskSetBack(slave.device, (run) => slave.disk.lastOf(run))
        thief.diskSetBack(slave.device, slave.disk.load())
        world.sometimes('disk set back')
      })
    })
  }
}
