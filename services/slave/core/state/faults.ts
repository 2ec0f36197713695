// Faults since the process started, as STATUS and the slave's own page show them. Changed by
// turn.ts.

import type { FaultCode } from '../../../../shared/faults.ts'

export interface FaultCounts {
  readonly counts: ReadonlyMap<FaultCode, number>
}

export const noFaults = (): FaultCounts => ({ counts: new Map() })
