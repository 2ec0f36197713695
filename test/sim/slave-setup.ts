// The parts of one slave.

import type { Agent } from '../../services/slave/core/agent.ts'
import type { MonoUs } from '../../shared/units.ts'
import type { StoredCommand } from '../../services/slave/core/state/stored.ts'
import type { DeviceId } from '../../shared/handover/sink.ts'
import type { Suite } from '../../shared/tves/suite.ts'
import type { EnrolmentToken } from '../../shared/tves/token.ts'
import type { Observer } from './checkers.ts'
import type { Faults } from './faults.ts'
import type { ModelMeter } from './meters.ts'
import type { End, Network } from './network.ts'
import type { Chance } from './prng.ts'
import type { Thief } from './thief.ts'
import type { World } from './world.ts'

/** A slave that can be killed. */
export interface Mortal {
  readonly device: DeviceId
  crash(why: string): void
}

export interface SlaveSetup {
  readonly device: DeviceId
  readonly token: EnrolmentToken
  readonly meters: readonly ModelMeter[]
  readonly suite: Suite
  readonly world: World
  readonly chance: Chance
  readonly crystalChance: Chance
  readonly faults: Faults
  readonly network: Network
  readonly observer: Observer
  readonly thief: Thief
  /** The master's end of a new connection; null while the master is down or the net partitioned. */
  readonly connect: () => End | null
  readonly framesMax: number
  /** Called when the disk took the state of a command, before the agent hears of it. */
  readonly onCommand: (box: Mortal, command: StoredCommand) => void
}

/** One life of a slave's program. */
export interface Process {
  readonly number: number
  readonly agent: Agent
  /** What lies in its memory; null while frames are on their way to the disk. */
  readonly image: () => readonly Uint8Array[] | null
  readonly startedAt: MonoUs
  /** It began before the leap second. */
  readonly elder: boolean
  /** It may be a second off: it has not heard of the leap second. */
  unaware: boolean
}
