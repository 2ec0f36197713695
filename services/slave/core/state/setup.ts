// What an agent is started with.

import type { Random } from '../../../../shared/bytes.ts'
import type { Suite } from '../../../../shared/tves/suite.ts'
import type { EnrolmentToken } from '../../../../shared/tves/token.ts'
import type { MonoUs, UnixUs } from '../../../../shared/units.ts'
import type { SessionSuite } from '../../../../shared/wire/message.ts'
import type { MeterPlan } from './plan.ts'
import type { Stored } from './stored.ts'

export interface AgentSetup {
  readonly suite: Suite
  readonly random: Random
  readonly stored: Stored
  /** Null once enrolled. */
  readonly token: EnrolmentToken | null
  readonly meters: readonly MeterPlan[]
  /** The operating system's clock at start: a guess until the first exchange. */
  readonly wall: UnixUs
  readonly mono: MonoUs
  /** Suite of the session handshake; without it 1. */
  readonly sessionSuite?: SessionSuite
  /** Whether frames are padded; without it they are not. */
  readonly pad?: boolean
}
