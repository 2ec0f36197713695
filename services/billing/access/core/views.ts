// What the page of accounts shows, as plain values.

import type { UnixMs } from '../../../../shared/units.ts'

export interface OperatorRow {
  readonly id: number
  readonly name: string
  readonly madeAt: UnixMs
  /** Open ones. */
  readonly sessions: number
}
