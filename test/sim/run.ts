// One world from its seed: slaves, a master, a ledger, trouble for some days, then calm. In the
// calm everything must come through: every outbox empty, every interval of every meter in the
// ledger.

import { nodeSuite } from '../../shared/node/node-suite.ts'
import { billAll, spanOf } from './bills.ts'
import { intervalKey } from './book.ts'
import type { Observer } from './checkers.ts'
import { Broken, hold } from './hold.ts'
import type { Faults } from './faults.ts'
import { intervalEnds } from './meters.ts'
import { chanceOf } from './prng.ts'
import type { Rarities } from './rarities.ts'
import type { SlaveBox } from './slave-box.ts'
import type { Thief } from './thief.ts'
import type { Sightings } from './sometimes.ts'
import { unforked } from './robber.ts'
import { liveTwice } from './twins.ts'
import { DAY, HOUR, MINUTE } from './world.ts'
import { admit, create, HISTORY_MS, START, type Universe } from './universe.ts'

/** In the calm everything must be through after this long, and is looked at this often. */
const CALM_MAX = 24 * HOUR
const LOOK_EVERY = 10 * MINUTE
/** An interval this young may still wait for its meter to be asked. */
const YOUNG_MS = 3_600_000
/** Recorded sessions replayed after a week. */
const SESSIONS_MAX = 200

export interface Outcome {
  readonly seed: number
  readonly events: number
  readonly rows: number
  readonly faults: number
  /** Good links left for one with a new epoch. */
  readonly renewals: number
  /** Times a meter's clock was corrected. */
  readonly corrections: number
  readonly digest: string
  /** Null: every rule held. */
  readonly broken: string | null
  /** The last things that happened before. */
  readonly recent: readonly string[]
  readonly observer: Observer
  readonly drawn: Faults
  readonly slaves: readonly SlaveBox[]
  readonly thief: Thief
  /** What the adversary did. */
  readonly attacks: number
  readonly rarities: Rarities
  /** What happened that must happen in some world. */
  readonly seen: Sightings
  /** Bills compared, and bills not made because a reading will never come. */
  readonly bills: { readonly right: number; readonly withheld: number }
}

/** Parts that a world leaves out. */
export interface Choice {
  /** There is no attacker. */
  readonly peaceful?: boolean
  /** No week of silence at the end. */
  readonly short?: boolean
}

export function simulate(seed: number, days: number, choice: Choice = {}): Outcome {
  const universe = create(seed, days, choice.peaceful ?? false)
  const { world, observer, faults, mishaps } = universe
  let broken: string | null = null
  let bills = { right: 0, withheld: 0 }
  try {
    admit(universe)
    vex(universe)
    mishaps.begin()
    world.runUntil(START + days * DAY)
    mishaps.rest()
    settle(universe)
    if (!choice.short) {
      aWeekLater(universe)
      const { frames } = observer
      settle(universe)
      if (observer.frames > frames) world.sometimes('resumed after a week')
    }
    bills = bill(universe)
  } catch (error) {
    broken =
      error instanceof Broken ? error.message : String(error instanceof Error ? error.stack : error)
  }
  const { master, slaves, attacker, trouble } = universe
  let injected = master.crashes + attacker.attacks + trouble
  for (const slave of slaves) injected += slave.crashes
  return {
    seed,
    events: world.events,
    rows: observer.rows,
    faults: injected,
    renewals: slaves.reduce((sum, slave) => sum + slave.renewals, 0),
    corrections: slaves.reduce((sum, slave) => sum + slave.crystals.corrections, 0),
    digest: observer.digest(),
    broken,
    recent: world.recent(),
    observer,
    drawn: faults,
    slaves,
    thief: universe.thief,
    attacks: attacker.attacks,
    rarities: universe.rarities,
    seen: world.seen,
    bills,
  }
}

function bill({ world, slaves, observer }: Universe): Outcome['bills'] {
  const span = spanOf(START, world.now - YOUNG_MS * 1_000)
  const excepted = observer.book.excepted()
  const meters = slaves.flatMap((slave) => slave.meters)
  const bills = billAll(meters, span, {
    registered: (meter, at) => observer.registered(meter, at),
    excepted: (meter, at) => excepted.has(intervalKey(meter, at)),
  })
  if (bills.right > 0) world.sometimes('bill checked')
  if (bills.withheld > 0) world.sometimes('bill withheld')
  return bills
}

/** Trouble that belongs to no single box. */
function vex(universe: Universe): void {
  const { seed, world, faults, network, ledger, master, slaves, observer, thief } = universe
  const chance = chanceOf(seed, 'trouble')
  const often = (mean: number, name: string, happen: () => void): void =>
    world.every(
      () => chance.wait(mean),
      '',
      () => {
        if (universe.calm) return
        universe.trouble += 1
        world.note(name)
        happen()
      },
    )
  often(faults.linkBreakUs, 'a link breaks', () => {
    const links = [...network.links.values()]
    const link = links[chance.below(links.length)]
    if (link !== undefined) network.cut(link)
  })
  often(faults.partitionUs, 'the net is partitioned', () => {
    universe.partitioned = true
    world.sometimes('partitioned')
    for (const link of network.links.values()) network.cut(link)
    world.after(chance.wait(faults.partitionLengthUs), 'the net is whole', () => {
      universe.partitioned = false
    })
  })
  often(faults.theftUs, 'a disk is copied', () => {
    const slave = slaves[chance.below(slaves.length)]
    if (slave === undefined) return
    const stored = slave.disk.load()
    thief.stealSlave(slave.device, stored)
    if (slave.image !== null) thief.stealSlaveMemory(slave.device, slave.image)
    const [meter] = slave.meters
    if (meter === undefined) return
    const suite = observer.watch(nodeSuite)
    liveTwice({ stored, meter, suite, random: chance.bytes, now: world.now })
  })
  if (!faults.revokes) return
  world.after(chance.between(HOUR, DAY), 'a device is revoked', () => {
    const device = slaves[0]?.device ?? ''
    const record = ledger.devices.get(device)
    if (universe.calm || record === undefined) return
    world.sometimes('device revoked')
    ledger.devices.set(device, { ...record, revoked: true })
    master.reload()
    world.after(LOOK_EVERY, 'the device is out', () => {
      if (!universe.calm) observer.banned.add(device)
    })
  })
}

/** No more trouble; everything still waiting must come through. */
function settle(universe: Universe): void {
  const { world, network, ledger, clock, master, slaves, observer } = universe
  const { attacker, robber, double } = universe
  world.note('calm')
  robber.leave()
  double.calm = true
  universe.calm = true
  universe.partitioned = false
  network.calm = true
  attacker.calm = true
  master.calm = true
  master.sinkDown = false
  clock.synchronised = true
  observer.banned.clear()
  for (const [id, record] of ledger.devices) ledger.devices.set(id, { ...record, revoked: false })
  master.start()
  master.reload()
  for (const slave of slaves) {
    slave.calm = true
    slave.disk.full = false
    slave.start()
  }
  const end = world.now + CALM_MAX
  while (world.now < end) {
    world.runUntil(world.now + LOOK_EVERY)
    for (const slave of slaves) {
      observer.book.accounted(slave.device, slave.disk)
    }
    if (missing(universe) === null) {
      observer.audit()
      for (const { device, disk } of slaves) unforked(observer, device, disk.load().runs)
      return
    }
  }
  const lack = missing(universe)
  hold(lack === null, 'not through', lack ?? '')
}

/** Everything is without power for a week; then the master is up alone, and hears again whatever
 * was said to it before. */
function aWeekLater({ world, master, impostor, slaves, observer, mishaps }: Universe): void {
  for (const slave of slaves) slave.stop()
  master.stop()
  world.runUntil(world.now + 7 * DAY)
  mishaps.setBackLate()
  master.start()
  const { frames, repeats } = observer
  impostor.playAll(SESSIONS_MAX)
  world.runUntil(world.now + 5 * MINUTE)
  hold(
    observer.frames === frames && observer.repeats === repeats,
    'moved by a stranger',
    'the ledger took frames while no slave had power',
  )
}

/** What has not come through yet. */
function missing({ world, slaves, observer, mishaps }: Universe): string | null {
  const [command] = mishaps.desk?.open() ?? []
  if (command !== undefined) return `command ${command.number} of ${command.device}`
  const excepted = observer.book.excepted()
  const from = START / 1_000 - HISTORY_MS
  const to = world.now / 1_000 - YOUNG_MS
  for (const slave of slaves) {
    const { frames } = slave.disk.backlog
    const oldest = slave.disk.waiting().find((frame) => observer.book.owed(slave.device, frame))
    if (oldest !== undefined) {
      const { epoch, run, sequence, sealedAt } = oldest
      const since = new Date(sealedAt).toISOString()
      const place = `epoch ${epoch} run ${run} sequence ${sequence} of ${since}`
      return `${frames} frames wait in the outbox of ${slave.device}, first ${place}`
    }
    const lacking = observer.book.lacking(slave.device)
    if (lacking !== null) return `the ledger has ${lacking}`
    for (const { number } of slave.meters) {
      const lack = intervalEnds(from, to).filter(
        (end) => !observer.hasInterval(number, end) && !excepted.has(intervalKey(number, end)),
      )
      const [first] = lack
      if (first === undefined) continue
      return `${lack.length} intervals of ${number} from ${new Date(first).toISOString()}`
    }
  }
  return null
}
