// The head-end: the master's core between its links and a ledger that may be slow, down or unsure.
// A restart loses everything but the ledger; a statement sent before it may still take effect
// afterwards.

import { equalConstantTime, toHex } from '../../shared/bytes.ts'
import { type Master, startMaster } from '../../services/master/core/master.ts'
import { emptyRoster } from '../../services/master/core/roster.ts'
import type { LinkId, MasterAction, MasterEvent } from '../../services/master/core/state.ts'
import type { DeviceId } from '../../shared/handover/sink.ts'
import { masterKeyTag } from '../../shared/tves/handshake.ts'
import type { KeyPair } from '../../shared/tves/noise.ts'
import type { Suite } from '../../shared/tves/suite.ts'
import type { Observer } from './checkers.ts'
import { settlesEpochsLater } from './closed-epochs.ts'
import { hold } from './hold.ts'
import { bytesIn, RememberedSuite } from './memory.ts'
import type { MasterClock } from './clocks.ts'
import type { Desk } from './desk.ts'
import { EXPECTED, type Faults } from './faults.ts'
import { unmoved } from './master-rules.ts'
import type { End, NetLink, Network } from './network.ts'
import type { Chance } from './prng.ts'
import type { Ledger } from './sink.ts'
import { HOUR, MINUTE, SECOND, type World } from './world.ts'

export interface MasterSetup {
  readonly suite: Suite
  readonly staticKey: KeyPair
  readonly toleranceSeconds: number
  readonly world: World
  readonly chance: Chance
  readonly faults: Faults
  readonly network: Network
  readonly observer: Observer
  readonly ledger: Ledger
  readonly clock: MasterClock
  /** What it may refuse an honest slave for in this world, beyond EXPECTED. */
  readonly alsoExpected: ReadonlySet<string>
}

/** Outcomes of a statement in trouble. */
const OUTCOMES = ['failed', 'failed', 'unsure'] as const

interface Process {
  readonly core: Master
  /** What lies in its memory. */
  readonly image: () => readonly Uint8Array[]
  readonly links: Map<LinkId, NetLink>
  /** Devices with frames on their way to the sink. */
  readonly appending: Set<DeviceId>
}

export class MasterBox implements End {
  crashes = 0
  calm = false
  sinkDown = false
  /** Called at every start. */
  onStart: () => void = () => undefined
  /** Called after the hourly puncturing, with the devices whose frames are on their way to the
   * sink. */
  onPunctured: (busy: ReadonlySet<DeviceId>, image: readonly Uint8Array[]) => void = () => undefined
  readonly #setup: MasterSetup
  #process: Process | null = null
  #powered = true
  /** Newest first. */
  #keys: readonly [KeyPair, ...KeyPair[]]
  /** Commands for the devices; null: this world gives none. */
  desk: Desk | null = null
  /** Links on which a frame was ahead of the tolerance. */
  readonly #ahead = new WeakSet<NetLink>()

  constructor(setup: MasterSetup) {
    this.#setup = setup
    this.#keys = [setup.staticKey]
    this.start()
    const { world, chance, faults } = setup
    const wait = (mean: number) => (): number => chance.wait(mean)
    world.every(wait(faults.masterCrashUs), '', () => this.crash('killed'))
    world.every(wait(faults.sinkDownUs), '', () => this.#sinkFails())
    world.every(wait(faults.masterUnsyncedUs), '', () => this.#unsynced())
    world.every(
      () => HOUR,
      '',
      () => this.#puncture(),
    )
    world.every(
      () => 7 * MINUTE,
      '',
      () => this.reload(),
    )
  }

  get listening(): boolean {
    return this.#process !== null
  }

  start(): void {
    const { suite, chance, toleranceSeconds, world } = this.#setup
    this.#powered = true
    if (this.#process !== null) return
    const [memory, roster] = [new RememberedSuite(suite), emptyRoster()]
    const image = () => [...bytesIn(roster), ...memory.left()]
    const setup = {
      suite: memory.suite,
      random: chance.bytes,
      staticKeys: this.#keys,
      toleranceSeconds,
      unwrap: (wrapped: Uint8Array) => wrapped.slice(),
    }
    const core = startMaster(setup, roster)
    this.#process = { core, image, links: new Map(), appending: new Set() }
    world.note('master starts')
    this.reload()
    this.#tick(this.#process)
    this.onStart()
  }

  /** A new static key: it is called under as well, until every device went over to it. */
  rotate(key: KeyPair): void {
    const { world, ledger, suite, observer } = this.#setup
    observer.masterKeys.add(toHex(key.publicKey))
    this.#renew([key, ...this.#keys])
    const tag = masterKeyTag(suite, key.publicKey)
    world.every(
      () => 10 * MINUTE,
      '',
      () => {
        const devices = [...ledger.devices.values()]
        const moved = devices.every(
          ({ masterKey }) => masterKey && equalConstantTime(masterKey, tag),
        )
        if (!moved || this.#keys.length === 1) return
        world.sometimes('master key rotated')
        this.#renew([key])
      },
    )
  }

  #renew(keys: readonly [KeyPair, ...KeyPair[]]): void {
    this.#keys = keys
    const process = this.#process
    if (process === null) return
    this.#performAll(process, process.core.renewKeys(keys, this.#now()), 'new keys')
  }

  /** The commands that are open now. */
  command(): void {
    const process = this.#process
    if (process === null || this.desk === null) return
    this.#performAll(process, process.core.commands(this.desk.open(), this.#now()), 'commands')
  }

  /** Down until the next `start`. */
  stop(): void {
    this.#powered = false
    for (const link of this.#process?.links.values() ?? []) this.#setup.network.cut(link)
    this.#process = null
  }

  #tick(process: Process): void {
    this.#setup.world.after(SECOND, '', () => {
      if (this.#process !== process) return
      this.#step({ on: 'tick' })
      this.#tick(process)
    })
  }

  crash(why: string): void {
    const process = this.#process
    if (process === null || this.calm) return
    const { world, network, chance } = this.#setup
    world.note(`master ${why}`)
    this.crashes += 1
    this.#process = null
    for (const link of process.links.values()) {
      if (chance.happens(0.5)) network.close(link, 'master')
      else {
        network.cut(link)
        link.master.open = false
      }
    }
    const down = chance.happens(0.1) ? chance.magnitude(MINUTE, 3 * HOUR) : chance.wait(5 * SECOND)
    world.after(down, '', () => {
      if (this.#powered) this.start()
    })
  }

  /** The roster as it is durable now, as after a change from outside. */
  reload(): void {
    const process = this.#process
    if (process === null) return
    this.#performAll(process, process.core.load(this.#setup.ledger.content(), this.#now()), 'load')
    this.command()
  }

  onBody(link: NetLink, body: Uint8Array, alien: boolean): void {
    const process = this.#process
    if (process === null) return
    if (!process.links.has(link.id)) this.opened(link)
    const event = { on: 'body', link: link.id, body } as const
    const actions = process.core.step(event, this.#now())
    if (alien) unmoved(actions, link.id)
    if (!link.touched) this.#honest(link, actions)
    else this.#dishonest(actions)
    this.#performAll(process, actions, event.on)
  }

  /** On an untouched link an honest slave is refused for few reasons only. */
  #honest(link: NetLink, actions: readonly MasterAction[]): void {
    for (const action of actions) {
      if (action.do !== 'refused') continue
      const { code, device } = action
      if (code === 'SEC-02') this.#ahead.add(link)
      // What was on its way behind a frame that was ahead.
      const behind = code === 'SEC-06' && this.#ahead.has(link)
      const expected = behind || EXPECTED.has(code) || this.#setup.alsoExpected.has(code)
      hold(expected, 'refused an honest slave', `${device} ${code}`)
    }
  }

  /** Refusals on a link that the attacker touched. */
  #dishonest(actions: readonly MasterAction[]): void {
    const { world } = this.#setup
    for (const action of actions) {
      if (action.do !== 'refused') continue
      if (action.code === 'SEC-05') world.sometimes('replay refused')
      if (action.code === 'SEC-08') world.sometimes('burnt token tried')
    }
  }

  opened(link: NetLink): void {
    const process = this.#process
    if (process === null) return
    process.links.set(link.id, link)
    const source = link.slave.end.address ?? 'unknown'
    this.#step({ on: 'opened', link: link.id, transport: 'tcp', source })
  }

  onClosed(link: NetLink): void {
    if (this.#process?.links.delete(link.id)) this.#step({ on: 'closed', link: link.id })
  }

  #now(): ReturnType<MasterClock['read']> {
    return this.#setup.clock.read(this.#setup.world)
  }

  #step(event: MasterEvent): void {
    const process = this.#process
    if (process === null) return
    if (event.on === 'appended') process.appending.delete(event.device)
    this.#performAll(process, process.core.step(event, this.#now()), event.on)
  }

  #performAll(process: Process, actions: readonly MasterAction[], why: string): void {
    const { chance, faults } = this.#setup
    const dies = !this.calm && actions.length > 0 && chance.happens(faults.dieMidStep)
    const end = dies ? chance.below(actions.length + 1) : actions.length
    for (const action of actions.slice(0, end)) this.#perform(process, action)
    if (dies) this.crash(`dies after ${end} of ${actions.length} actions of ${why}`)
  }

  #perform(process: Process, action: MasterAction): void {
    const { network, observer, ledger, faults, world } = this.#setup
    const aboutEpochs = settlesEpochsLater(action, ledger, (apply) =>
      this.#statement(process, faults.rosterFails, apply),
    )
    if (action.do === 'drain') world.sometimes('epoch drained')
    if (action.do === 'doubt' && action.doubt.about === 'lost') observer.book.told(action.doubt)
    if (action.do === 'revive') world.sometimes('drained epoch back')
    if (aboutEpochs) return
    switch (action.do) {
      case 'send': {
        const link = process.links.get(action.link)
        if (link !== undefined) network.send(link, 'down', action.body)
        return
      }
      case 'drop': {
        const link = process.links.get(action.link)
        process.links.delete(action.link)
        if (link !== undefined) network.close(link, 'master')
        world.note(`master drops link ${action.link}: ${action.fault}`)
        return
      }
      case 'append':
        this.#statement(process, faults.sinkFails, (durable) => {
          // A master that hears of it, or starts after it, never takes these frames again.
          const sure = durable === 'done' && this.#process === process
          if (durable !== 'failed') ledger.append(action, sure)
          return { on: 'appended', device: action.device, durable: durable === 'done' }
        })
        process.appending.add(action.device)
        return
      case 'enrol':
        this.#statement(process, faults.rosterFails, (durable) => {
          const result = durable === 'failed' ? 'failed' : ledger.enrol(action)
          const answer = durable === 'unsure' ? 'failed' : result
          return { on: 'enrolled', link: action.link, result: answer }
        })
        return
      case 'commit-epoch':
        this.#statement(process, faults.rosterFails, (durable) => {
          if (durable !== 'failed') ledger.commitEpoch(action)
          return { on: 'epoch-committed', link: action.link, stored: durable === 'done' }
        })
        return
      case 'refused':
        world.note(`master refuses ${action.device}: ${action.code}`)
        observer.refuse(action.code)
        return
      case 'anchor':
        observer.anchored(action.device, action.anchor)
        return
      case 'called-under':
        if (this.#keys.length > 1) ledger.calledUnder(action.device, action.tag)
        return
      case 'receipt':
        this.#statement(process, 0, () => {
          this.desk?.take(action.device, action.receipt)
          const { number } = action.receipt
          return { on: 'receipt-stored', device: action.device, number, durable: true }
        })
        return
      case 'unreadable':
      case 'connected':
      case 'disconnected':
      case 'status':
      case 'meter-clock':
      case 'command-sent':
        return
    }
  }

  /** A statement takes effect, or fails, or takes effect without anybody learning of it. The answer
   * comes later, if the process that asked is still alive. */
  #statement(
    process: Process,
    fails: number,
    apply: (durable: 'done' | 'failed' | 'unsure') => MasterEvent,
  ): void {
    const { world, chance } = this.#setup
    const slow = this.sinkDown ? 5 * SECOND : SECOND / 10
    const { life } = this.#setup.ledger
    world.after(chance.wait(slow), '', () => {
      // The database that was asked is not there any more.
      if (this.#setup.ledger.life !== life) return
      const trouble =
        !this.calm && (chance.happens(fails) || (this.sinkDown && chance.happens(0.9)))
      const durable = trouble ? chance.pick(OUTCOMES) : 'done'
      if (durable === 'unsure') world.sometimes('ledger unsure')
      const event = apply(durable)
      world.after(chance.wait(SECOND / 100), '', () => {
        if (this.#process !== process) return
        // The roster is read again before the core hears of it, as after every change.
        if (event.on === 'enrolled') this.reload()
        if (event.on === 'receipt-stored') this.command()
        this.#step(event)
      })
    })
  }

  #puncture(): void {
    const process = this.#process
    if (process === null) return
    const { ledger } = this.#setup
    for (const { device, id } of ledger.epochs.values()) {
      const keys = process.core.tree(device, id)
      if (keys !== null) ledger.puncture({ device, epoch: id, keys })
    }
    this.onPunctured(process.appending, process.image())
  }

  #sinkFails(): void {
    const { world, chance, faults } = this.#setup
    if (this.calm) return
    world.note('sink down')
    this.sinkDown = true
    world.after(chance.wait(faults.sinkDownLengthUs), '', () => {
      this.sinkDown = false
    })
  }

  #unsynced(): void {
    const { world, chance, clock } = this.#setup
    if (this.calm) return
    world.sometimes('master unsynchronised')
    clock.synchronised = false
    world.after(chance.magnitude(MINUTE, 3 * HOUR), '', () => {
      clock.synchronised = true
    })
  }
}
