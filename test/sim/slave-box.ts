// One slave: the agent between a disk, an oscillator, meters and a line. The box does the work of
// the shell, and may die between any two actions.

import type { OutboxCommit } from '../../services/slave/core/state/stored.ts'
import type { AgentAction, AgentEvent } from '../../services/slave/core/state/events.ts'
import type { ReadRequest } from '../../services/slave/core/state/plan.ts'
import type { StoredFrame } from '../../services/slave/core/state/stored.ts'
import { backOffMs } from '../../services/slave/shell/link/link.ts'
import type { DeviceId } from '../../shared/handover/sink.ts'
import type { Reading } from '../../shared/meter/reading.ts'
import type { MonoUs, UnixMs } from '../../shared/units.ts'
import { digestOf } from './book.ts'
import { Oscillator, wallAtStart } from './clocks.ts'
import { Crystals } from './crystals.ts'
import { Disk } from './disk.ts'
import type { ModelMeter } from './meters.ts'
import { remembered } from './memory.ts'
import type { End, NetLink } from './network.ts'
import { bounded, unmoved } from './slave-rules.ts'
import type { Process, SlaveSetup } from './slave-setup.ts'
import { HOUR, MINUTE, SECOND } from './world.ts'

/** A calm agent is ticked at the seed's pace; one with something going on, as the shell does. */
const TICK_BUSY = SECOND / 4
const BUSY_FOR = 2 * SECOND
/** A wall clock further off than this counts as wrong. */
const WRONG_WALL = MINUTE

export class SlaveBox implements End {
  readonly disk: Disk
  readonly crystals: Crystals
  readonly device: DeviceId
  readonly address: string
  readonly meters: readonly ModelMeter[]
  crashes = 0
  /** Good links left for one with a new epoch. */
  renewals = 0
  calm = false
  readonly #setup: SlaveSetup
  readonly #oscillator: Oscillator
  #process: Process | null = null
  #powered = true
  #processes = 0
  #asleep = false
  #inbox: (() => void)[] = []
  #link: NetLink | null = null
  #attempt = 0
  #atOnce = false
  #upSince = 0
  #busyUntil = 0
  #fetchedAt = 0

  constructor(setup: SlaveSetup) {
    this.#setup = setup
    this.device = setup.device
    this.meters = setup.meters
    this.address = `home of ${setup.device}`
    this.disk = new Disk(setup.framesMax)
    this.crystals = new Crystals(setup.crystalChance, setup.world)
    this.#oscillator = new Oscillator(setup.chance, setup.faults.wanderPpm, setup.world.now)
    this.start()
    const { world, chance, faults } = setup
    const wait = (mean: number) => (): number => chance.wait(mean)
    world.every(wait(faults.slaveCrashUs), '', () => this.crash('killed'))
    world.every(wait(faults.sleepUs), '', () => this.#sleep())
    world.every(wait(faults.diskFullUs), '', () => this.#fill())
  }

  get link(): NetLink | null {
    return this.#link
  }

  /** What lies in its memory now; null where that cannot be told apart from what it must hold. */
  get image(): readonly Uint8Array[] | null {
    return this.#process?.image() ?? null
  }

  get running(): boolean {
    return this.#process !== null && !this.#asleep
  }

  get enrolled(): boolean {
    return this.disk.load().identity?.psk instanceof Uint8Array
  }

  start(): void {
    const { world, chance, faults, suite, meters, token } = this.#setup
    this.#powered = true
    if (this.#process !== null) return
    const stored = this.disk.load()
    const startedAt = this.#mono()
    this.#processes += 1
    const wall = wallAtStart(chance, world.utc(), this.calm ? { ...faults, wrongWall: 0 } : faults)
    if (Math.abs(wall - world.utc()) > WRONG_WALL) world.sometimes('wall clock wrong')
    const setup = {
      suite,
      random: chance.bytes,
      stored,
      token: stored.identity?.psk ? null : token,
      meters: meters.map(({ number, profile }) => ({
        meter: number,
        everyMs: faults.readEveryUs / 1_000,
        push: false,
        ...profile,
        clock: this.crystals.plan(),
      })),
      wall,
      mono: startedAt,
      pad: this.#processes % 2 === 0,
    }
    const { agent, image } = remembered(setup)
    const elder = world.now < world.leapAt
    const process = { number: this.#processes, agent, image, startedAt, elder, unaware: elder }
    this.#process = process
    this.#attempt = 0
    world.note(`slave ${this.device} process ${process.number} starts`)
    this.#tick(process)
    this.#connectLater(process)
  }

  /** kill -9: what was not committed is gone; the line breaks. */
  crash(why: string): void {
    if (this.#process === null || this.calm) return
    const { world, network, chance } = this.#setup
    world.note(`slave ${this.device} ${why}`)
    world.sometimes('process killed')
    this.crashes += 1
    this.#process = null
    this.#asleep = false
    this.#inbox = []
    if (this.#link !== null) {
      if (chance.happens(0.5)) network.close(this.#link, 'slave')
      else {
        network.cut(this.#link)
        this.#link.slave.open = false
      }
    }
    this.#link = null
    const down = chance.happens(0.1) ? chance.magnitude(MINUTE, 6 * HOUR) : chance.wait(5 * SECOND)
    world.after(down, '', () => {
      if (this.#powered) this.start()
    })
  }

  onBody(link: NetLink, body: Uint8Array, alien: boolean): void {
    if (link === this.#link) this.#deliver({ on: 'body', body }, alien)
  }

  /** Whether a bit flipped while a frame was sealed. */
  readonly #spoilt = ({ body }: StoredFrame): boolean =>
    this.#setup.observer.book.spoilt.has(digestOf(body))

  /** Without power until the next `start`. */
  stop(): void {
    this.#powered = false
    this.#process = null
    this.#asleep = false
    this.#inbox = []
    if (this.#link !== null) this.#setup.network.cut(this.#link)
    this.#link = null
  }

  onClosed(link: NetLink): void {
    if (link !== this.#link) return
    this.#link = null
    const process = this.#process
    this.#deliver({ on: 'link-down' })
    if (process === null) return
    if (this.#setup.world.now - this.#upSince > 30 * SECOND) this.#attempt = 0
    this.#connectLater(process)
  }

  #mono(): MonoUs {
    return this.#oscillator.at(this.#setup.world.now)
  }

  #connectLater(process: Process): void {
    const { world, chance, network, connect } = this.#setup
    const waitMs = this.#atOnce ? 0 : backOffMs(this.#attempt, () => chance.unit())
    if (!this.#atOnce) this.#attempt += 1
    this.#atOnce = false
    world.after(waitMs * 1_000, '', () => {
      if (this.#process !== process || this.#link !== null) return
      const master = this.#asleep ? null : connect()
      if (master === null) {
        this.#connectLater(process)
        return
      }
      this.#link = network.join(this, master)
      this.#upSince = world.now
      this.#deliver({ on: 'link-up' })
    })
  }

  #tick(process: Process): void {
    const { world, faults } = this.#setup
    const wait = world.now < this.#busyUntil ? TICK_BUSY : faults.tickUs
    world.after(wait, '', () => {
      if (this.#process !== process) return
      if (!this.#asleep) this.#deliver({ on: 'tick' })
      this.#tick(process)
    })
  }

  /** One step of the agent, its actions in order, perhaps not to the end. */
  #deliver(event: AgentEvent, alien = false): void {
    const process = this.#process
    if (process === null) return
    if (this.#asleep) {
      this.#inbox.push(() => this.#deliver(event, alien))
      return
    }
    const { world, chance, faults } = this.#setup
    if (event.on !== 'tick') {
      this.#busyUntil = world.now + BUSY_FOR
      if (event.on !== 'body') world.note(`slave ${this.device} ${event.on}`)
    }
    const actions = process.agent.step(event, this.#mono())
    if (alien) unmoved(actions)
    const dies = !this.calm && chance.happens(faults.dieMidStep)
    const end = dies ? chance.below(actions.length + 1) : actions.length
    for (const action of actions.slice(0, end)) this.#perform(process, action)
    const view = process.agent.view(this.#mono())
    bounded(view, { utc: this.#setup.world.utc(), unawareMs: this.#unawareMs(process) })
    if (dies) this.crash(`dies after ${end} of ${actions.length} actions of ${event.on}`)
  }

  /** How far off it may be because it has not heard of the leap second yet, ms. */
  #unawareMs(process: Process): number {
    const { now, leapAt } = this.#setup.world
    return process.unaware && now >= leapAt ? 1_000 : 0
  }

  #perform(process: Process, action: AgentAction): void {
    const { network, observer, world } = this.#setup
    switch (action.do) {
      case 'send':
        if (this.#link === null) return
        observer.sends(this.device, this.#link, action.body)
        network.send(this.#link, 'up', action.body)
        return
      case 'commit':
        this.#commit(process, action.commit)
        return
      case 'fetch': {
        const { query } = action
        const found = this.disk.fetch(query)
        // The outbox answers in the order in which it was asked.
        const slow = this.calm ? 0 : this.#setup.chance.wait(this.#setup.faults.fetchUs)
        this.#fetchedAt = Math.max(this.#fetchedAt, world.now + slow)
        world.after(this.#fetchedAt - world.now, '', () => {
          if (this.#process !== process) return
          this.#deliver({ on: 'fetched', epoch: query.epoch, found })
        })
        return
      }
      case 'drop': {
        world.note(`slave ${this.device} drops: ${action.fault} ${action.detail}`)
        const link = this.#link
        if (link === null) return
        this.#atOnce = action.fault === null
        if (this.#atOnce) this.renewals += 1
        if (this.#atOnce) world.sometimes('epoch renewed')
        network.close(link, 'slave')
        this.#later(process, 0, () => {
          this.onClosed(link)
          return null
        })
        return
      }
      case 'read':
        this.#ask(process, action.meter, 'now', (meter) => ({
          readings: meter.now(world.now),
          more: false,
        }))
        return
      case 'read-history':
        this.#ask(process, action.meter, 'history', (meter) => meter.history(action, world.now))
        return
      case 'read-clock':
      case 'change-clock':
        this.crystals.take(action, {
          mono: () => (this.#process === process && !this.#asleep ? this.#mono() : null),
          deliver: (event) => this.#deliver(event),
        })
        return
      case 'report':
        world.note(`slave ${this.device} reports ${action.fault} ${action.detail}`)
        observer.report(this.device, action.fault)
        if (action.fault !== 'CLK-08') return
        // With a session's replies it forgot what they said of a leap second.
        if (action.detail.endsWith('forgotten')) process.unaware = process.elder
        else if (this.#unawareMs(process) > 0) {
          process.unaware = false
          world.sometimes('leap second noticed')
        }
        return
    }
  }

  /** The event `make` gives, some time up to `within` from now, if the process still lives. */
  #later(process: Process, within: number, make: () => AgentEvent | null): void {
    const { world, chance } = this.#setup
    const wait = within === 0 ? 0 : chance.unit() * within
    world.after(wait, '', () => {
      if (this.#process !== process) return
      const event = make()
      if (event !== null) this.#deliver(event)
    })
  }

  /** The transaction ends some time later: if the process dies before, it is as good as not
   * begun or already durable. */
  #commit(process: Process, commit: OutboxCommit): void {
    const { world, chance, faults, observer, thief } = this.#setup
    const apply = (): AgentEvent => {
      const upkeep = (commit.frames ?? []).length === 0
      if (upkeep && !this.calm && chance.happens(faults.upkeepFails)) {
        return { on: 'commit-failed', fault: 'OPS-04' }
      }
      const verdict = this.disk.commit(commit)
      if (!verdict.ok) {
        world.sometimes(verdict.fault === 'OPS-06' ? 'disk filled' : 'outbox filled')
        return { on: 'commit-failed', fault: verdict.fault }
      }
      const frames = commit.frames ?? []
      for (const epoch of commit.epochs ?? []) thief.planted(this.device, epoch)
      const origin = (epoch: number): UnixMs | undefined => this.disk.originOf(epoch)
      observer.committed(this.device, process.number, frames, origin)
      if (frames.length > 0) thief.stored(this.device, this.disk.load(), frames, this.#spoilt)
      if (commit.command !== undefined) this.#setup.onCommand(this, commit.command)
      return { on: 'committed', backlog: verdict.backlog, trimmed: verdict.trimmed }
    }
    const first = chance.happens(0.5) ? apply() : null
    const slow = this.calm ? 0 : chance.wait(faults.commitUs)
    world.after(slow, '', () => {
      if (this.#process !== process) return
      this.#deliver(first ?? apply())
    })
  }

  #ask(
    process: Process,
    number: string,
    request: ReadRequest,
    answer: (meter: ModelMeter) => { readings: readonly Reading[]; more: boolean },
  ): void {
    const { meters, chance, faults, world, observer } = this.#setup
    const meter = meters.find((entry) => entry.number === number)
    if (meter === undefined) return
    const fails = !this.calm && chance.happens(faults.meterFails)
    if (fails && chance.happens(0.2)) return
    if (fails) {
      const failed: AgentEvent = { on: 'read-failed', meter: number, request }
      this.#later(process, 10 * SECOND, () => failed)
      return
    }
    world.after(chance.between(SECOND / 20, SECOND), '', () => {
      if (this.#process !== process || this.#asleep) return
      const { readings, more } = answer(meter)
      const at = this.#mono()
      const processMs = Math.floor((at - process.startedAt) / 1_000)
      const truth = { at: world.utc(), unawareMs: this.#unawareMs(process), elder: process.elder }
      const came = { device: this.device, process: process.number, processMs, ...truth }
      observer.meterSaid(came, readings)
      const event = { on: 'readings', meter: number, readings, request, at, more } as const
      this.#later(process, SECOND / 2, () => event)
    })
  }

  #sleep(): void {
    const { world, chance } = this.#setup
    const process = this.#process
    if (process === null || this.#asleep || this.calm) return
    world.note(`slave ${this.device} sleeps`)
    world.sometimes('slept')
    this.#mono()
    this.#asleep = true
    world.after(chance.magnitude(SECOND, 2 * HOUR), '', () => {
      if (this.#process !== process) return
      this.#oscillator.wake(world.now)
      this.#asleep = false
      this.#deliver({ on: 'slept' })
      const inbox = this.#inbox
      this.#inbox = []
      for (const deliver of inbox) deliver()
    })
  }

  #fill(): void {
    const { world, chance, faults } = this.#setup
    if (this.calm) return
    world.note(`slave ${this.device} disk full`)
    this.disk.full = true
    world.after(chance.wait(faults.diskFullLengthUs), '', () => {
      this.disk.full = false
    })
  }
}
