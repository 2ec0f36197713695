// The parts of one world, made from its seed and put together.

import { SessionThief } from '../../services/adversary/session-thief.ts'
import { toHex } from '../../shared/bytes.ts'
import { nodeSuite } from '../../shared/node/node-suite.ts'
import { Secret } from '../../shared/secret.ts'
import { fingerprint } from '../../shared/tves/token.ts'
import { unixMs } from '../../shared/units.ts'
import { Attacker } from './attacker.ts'
import { Observer } from './checkers.ts'
import { MasterClock } from './clocks.ts'
import { drawFaults, type Faults } from './faults.ts'
import { Impostor } from './impostor.ts'
import { MasterBox } from './master-box.ts'
import { simulatedSuite } from './kem.ts'
import { modelMeter } from './meters.ts'
import { Mishaps } from './mishaps.ts'
import { Network } from './network.ts'
import { chanceOf } from './prng.ts'
import { alsoExpected, drawRarities, type Rarities, within } from './rarities.ts'
import { Double } from './double.ts'
import { Robber } from './robber.ts'
import { Ledger } from './sink.ts'
import { SlaveBox } from './slave-box.ts'
import { Thief } from './thief.ts'
import type { Sometimes } from './sometimes.ts'
import { spoiling } from './spoilt.ts'
import { DAY, SECOND, World } from './world.ts'

/** 2027-01-15T08:00:00Z. */
export const START = 1_800_000_000 * SECOND
/** History is wanted from so long before the start. */
export const HISTORY_MS = 20 * 3_600_000
const TOLERANCE_SECONDS = 10

export interface Universe {
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
  readonly robber: Robber
  readonly double: Double
  readonly slaves: SlaveBox[]
  readonly tokens: { readonly id: Uint8Array; readonly secret: Uint8Array }[]
  readonly rarities: Rarities
  readonly mishaps: Mishaps
  /** Other faults injected. */
  trouble: number
  partitioned: boolean
  calm: boolean
}

export function create(seed: number, days: number, peaceful: boolean): Universe {
  const chance = (name: string): ReturnType<typeof chanceOf> => chanceOf(seed, name)
  const world = new World(START)
  const drawn = drawFaults(chance('faults'))
  const faults = peaceful ? { ...drawn, attackUs: Number.POSITIVE_INFINITY } : drawn
  const sometimes = (name: Sometimes): void => world.sometimes(name)
  const rarities = within(drawRarities(chance('rarity')), days * DAY)
  const observer = new Observer(sometimes)
  const network = new Network(world, chance('network'), faults)
  const thief = new Thief(sometimes)
  const ledger = new Ledger((frame, sure) => {
    observer.takes(frame, sure)
    if (sure) thief.acknowledged(frame.position)
  })
  observer.book.knows = (device, epoch) => ledger.epochs.has(`${device} ${epoch}`)
  ledger.onAgain = () => sometimes('enrolled again')
  const clock = new MasterClock(chance('master clock'))
  const privateKey = chance('master key').bytes(32)
  const staticKey = { privateKey, publicKey: nodeSuite.publicKey(privateKey) }
  observer.masterKeys.add(toHex(staticKey.publicKey))
  const setup = { world, faults, network, observer, ledger, clock, staticKey, thief }
  const master = new MasterBox({
    ...setup,
    suite: simulatedSuite(chance('encapsulations').bytes),
    chance: chance('master'),
    toleranceSeconds: TOLERANCE_SECONDS,
    alsoExpected: new Set(alsoExpected(rarities)),
  })
  master.onPunctured = (busy, image) => {
    thief.stealMaster(ledger, busy)
    thief.stealMasterMemory(image, busy)
  }
  const attacker = new Attacker(setup, chance('attacker'))
  attacker.calm = peaceful
  const impostor = new Impostor(setup, chance('impostor'), attacker, master)
  const state = {
    slaves: new Array<SlaveBox>(),
    tokens: [],
    trouble: 0,
    partitioned: false,
    calm: false,
  }
  const robber = new Robber({ ...setup, slaves: state.slaves }, chance('robber'))
  robber.calm = peaceful
  const { doubleUs } = rarities
  const double = new Double(
    { world, network, master, slaves: state.slaves },
    chance('double'),
    doubleUs,
  )
  double.calm = peaceful
  const parties = { ...setup, master, attacker, ...state }
  const mishaps = new Mishaps(rarities, parties, chance('mishaps'))
  return { seed, ...parties, impostor, robber, double, rarities, mishaps }
}

/** The operator creates the devices; the slaves start. */
export function admit(universe: Universe): void {
  const { seed, world, faults, ledger, master, impostor, network, observer, thief } = universe
  const privateKey = chanceOf(seed, 'master key').bytes(32)
  const masterPrint = fingerprint(nodeSuite, nodeSuite.publicKey(privateKey))
  for (let index = 0; index < faults.slaves; index += 1) {
    const chance = chanceOf(seed, `slave ${index}`)
    const device = `${index + 1}`.padStart(16, '0')
    const token = { id: chance.bytes(8), secret: chance.bytes(16) }
    universe.tokens.push(token)
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
    const drawn = chance.pick([200, 5_000, 1_000_000])
    const framesMax = universe.rarities.framesMax ?? drawn
    const memory = new SessionThief(
      observer.watch(
        spoiling(simulatedSuite(chance.bytes), chanceOf(seed, `memory ${index}`), {
          rate: universe.rarities.spoilt,
          onSpoilt: (digest) => {
            observer.book.spoilt.add(digest)
            world.sometimes('seal spoilt')
          },
        }),
        true,
      ),
    )
    const slave: SlaveBox = new SlaveBox({
      device,
      token: { id: token.id, secret: new Secret(token.secret), fingerprint: masterPrint },
      meters,
      suite: memory.suite,
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
      framesMax,
      onCommand: (box, command) => universe.mishaps.onCommand(box, command),
    })
    universe.robber.watch(slave, memory, framesMax)
    universe.slaves.push(slave)
  }
  master.reload()
}
