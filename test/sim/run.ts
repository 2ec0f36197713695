// One world from its seed: slaves, a master, a ledger, trouble for some days, then calm. In the
// calm everything must come through: every outbox empty, every interval of every meter in the
// ledger.

import { toHex } from '../../shared/bytes.ts'
import { nodeSuite } from '../../shared/node/node-suite.ts'
import { Secret } from '../../shared/secret.ts'
import { fingerprint } from '../../shared/tves/token.ts'
import { unixMs } from '../../shared/units.ts'
import { Attacker } from './attacker.ts'
import { billAll, spanOf } from './bills.ts'
import { Broken, hold, Observer } from './checkers.ts'
import { MasterClock } from './clocks.ts'
import { drawFaults, type Faults } from './faults.ts'
import { Impostor } from './impostor.ts'
import { MasterBox } from './master-box.ts'
import { simulatedSuite } from './kem.ts'
import { intervalEnds, modelMeter } from './meters.ts'
import { Network } from './network.ts'
import { chanceOf } from './prng.ts'
import { Ledger } from './sink.ts'
import { SlaveBox } from './slave-box.ts'
import { Thief } from './thief.ts'
import { liveTwice } from './twins.ts'
import { DAY, HOUR, MINUTE, SECOND, World } from './world.ts'

/** 2027-01-15T08:00:00Z. */
const START = 1_800_000_000 * SECOND
/** In the calm everything must be through after this long, and is looked at this often. */
const CALM_MAX = 24 * HOUR
const LOOK_EVERY = 10 * MINUTE
/** An interval this young may still wait for its meter to be asked. */
const YOUNG_MS = 3_600_000
/** History is wanted from so long before the start. */
const HISTORY_MS = 20 * 3_600_000
const TOLERANCE_SECONDS = 10
/** Recorded sessions played again after a week. */
const SESSIONS_MAX = 200

export interface Outcome {
  readonly seed: number
  readonly events: number
  readonly rows: number
  readonly faults: number
  /** Good links that a slave left for one with a new epoch. */
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
}

interface Universe {
  readonly seed: number
  readonly world: World
  readonly faults: Faults
  readonly network: Network
  readonly observer: Observer
  readonly ledger: Ledger
  readonly clock: MasterClock
  readonly master: MasterBox
  readonly attacker: Attacker
  readonly impostor: Impostor
  readonly thief: Thief
  readonly slaves: SlaveBox[]
  /** Other faults injected. */
  trouble: number
  partitioned: boolean
  calm: boolean
}

/** What a world leaves out. */
export interface Choice {
  /** Nobody is on the path. */
  readonly peaceful?: boolean
  /** No week of silence at the end. */
  readonly short?: boolean
}

export function simulate(seed: number, days: number, choice: Choice = {}): Outcome {
  const universe = create(seed, choice.peaceful ?? false)
  const { world, observer, faults } = universe
  let broken: string | null = null
  try {
    admit(universe)
    vex(universe)
    world.runUntil(START + days * DAY)
    settle(universe)
    if (!choice.short) {
      aWeekLater(universe)
      settle(universe)
    }
    const end = world.now - YOUNG_MS * 1_000
    for (const slave of universe.slaves) {
      billAll(slave.meters, spanOf(START, end), (meter, at) => observer.registered(meter, at))
    }
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
  }
}

function create(seed: number, peaceful: boolean): Universe {
  const chance = (name: string): ReturnType<typeof chanceOf> => chanceOf(seed, name)
  const world = new World(START)
  const drawn = drawFaults(chance('faults'))
  const faults = peaceful ? { ...drawn, attackUs: Number.POSITIVE_INFINITY } : drawn
  const observer = new Observer()
  const network = new Network(world, chance('network'), faults)
  const thief = new Thief()
  const ledger = new Ledger((frame, sure) => {
    observer.takes(frame, sure)
    if (sure) thief.acknowledged(frame.position)
  })
  const clock = new MasterClock(chance('master clock'))
  const privateKey = chance('master key').bytes(32)
  const staticKey = { privateKey, publicKey: nodeSuite.publicKey(privateKey) }
  const setup = { world, faults, network, observer, ledger, clock, staticKey, thief }
  const master = new MasterBox({
    ...setup,
    suite: simulatedSuite(chance('encapsulations').bytes),
    chance: chance('master'),
    toleranceSeconds: TOLERANCE_SECONDS,
  })
  master.onPunctured = (busy) => thief.stealMaster(ledger, busy)
  const attacker = new Attacker(setup, chance('attacker'))
  attacker.calm = peaceful
  const impostor = new Impostor(setup, chance('impostor'), attacker, master)
  const state = { slaves: [], trouble: 0, partitioned: false, calm: false }
  return { seed, ...setup, ...state, master, attacker, impostor }
}

/** The operator creates the devices; the slaves start. */
function admit(universe: Universe): void {
  const { seed, world, faults, ledger, master, impostor, network, observer, thief } = universe
  const privateKey = chanceOf(seed, 'master key').bytes(32)
  const masterPrint = fingerprint(nodeSuite, nodeSuite.publicKey(privateKey))
  for (let index = 0; index < faults.slaves; index += 1) {
    const chance = chanceOf(seed, `slave ${index}`)
    const device = `${index + 1}`.padStart(16, '0')
    const token = { id: chance.bytes(8), secret: chance.bytes(16) }
    ledger.devices.set(device, {
      id: device,
      name: `slave ${index}`,
      staticKey: null,
      psk: null,
      attempt: 0,
      revoked: false,
      historyFrom: unixMs(START / 1_000 - HISTORY_MS),
    })
    ledger.tokens.set(toHex(token.id), {
      id: toHex(token.id),
      device,
      secret: token.secret,
      expiresAt: unixMs(START / 1_000 + 10_000 * 86_400_000),
      burntBy: null,
    })
    const meters = Array.from({ length: faults.metersPerSlave }, (_, n) =>
      modelMeter(`M${index}-${n}`, chance.below(2 ** 31)),
    )
    const slave: SlaveBox = new SlaveBox({
      device,
      token: { id: token.id, secret: new Secret(token.secret), fingerprint: masterPrint },
      meters,
      suite: observer.watch(simulatedSuite(chance.bytes)),
      world,
      chance,
      crystalChance: chanceOf(seed, `crystals ${index}`),
      faults,
      network,
      observer,
      thief,
      connect: () => {
        if (universe.partitioned) return null
        if (impostor.poses) return impostor
        return master.listening ? master : null
      },
      framesMax: chance.pick([200, 5_000, 1_000_000]),
    })
    universe.slaves.push(slave)
  }
  master.reload()
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
    ledger.devices.set(device, { ...record, revoked: true })
    master.reload()
    world.after(LOOK_EVERY, 'the device is out', () => {
      if (!universe.calm) observer.banned.add(device)
    })
  })
}

/** No more trouble; everything still waiting must come through. */
function settle(universe: Universe): void {
  const { world, network, ledger, clock, master, attacker, slaves, observer } = universe
  world.note('calm')
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
      observer.accounted(slave.device, (run, sequence) => slave.disk.holds(run, sequence))
    }
    if (missing(universe) === null) return
  }
  const lack = missing(universe)
  hold(lack === null, 'not through', lack ?? '')
}

/** Everything is without power for a week; then the master is up alone, and hears again whatever
 * was said to it before. */
function aWeekLater({ world, master, impostor, slaves, observer }: Universe): void {
  for (const slave of slaves) slave.stop()
  master.stop()
  world.runUntil(world.now + 7 * DAY)
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
function missing({ world, slaves, observer }: Universe): string | null {
  const from = START / 1_000 - HISTORY_MS
  const to = world.now / 1_000 - YOUNG_MS
  for (const slave of slaves) {
    const { frames } = slave.disk.backlog
    const [oldest] = slave.disk.waiting()
    if (oldest !== undefined) {
      const { epoch, run, sequence, sealedAt } = oldest
      const since = new Date(sealedAt).toISOString()
      const place = `epoch ${epoch} run ${run} sequence ${sequence} of ${since}`
      return `${frames} frames wait in the outbox of ${slave.device}, first ${place}`
    }
    for (const { number } of slave.meters) {
      const lack = intervalEnds(from, to).filter((end) => !observer.hasInterval(number, end))
      const [first] = lack
      if (first === undefined) continue
      return `${lack.length} intervals of ${number} from ${new Date(first).toISOString()}`
    }
  }
  return null
}
