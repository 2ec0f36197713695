// All that the agent knows. Who changes which part: own.ts.

import type { CaptureState } from './capture.ts'
import type { ClockState } from './clock.ts'
import type { CommandsState } from './commands.ts'
import type { FaultCounts } from './faults.ts'
import type { JobsState } from './jobs.ts'
import type { LinkState } from './link.ts'
import type { MeterClocksState } from './meter-clocks.ts'
import type { OutgoingState } from './outgoing.ts'
import type { SealingState } from './sealing.ts'

export interface AgentState {
  readonly sealing: SealingState
  readonly capture: CaptureState
  readonly outgoing: OutgoingState
  readonly link: LinkState
  readonly clock: ClockState
  readonly meterClocks: MeterClocksState
  readonly commands: CommandsState
  readonly jobs: JobsState
  readonly faults: FaultCounts
}
