// What the pages show that belong to no single domain: the customer's home, and the demo.

import type { UnixMs } from '../../../../shared/units.ts'
import type { BillRow } from '../../bills/core/views.ts'

export interface HomeView {
  readonly name: string
  readonly number: string
  readonly lastBill: BillRow | null
  readonly bills: readonly BillRow[]
  readonly places: readonly { readonly address: string; readonly meter: string | null }[]
}

export interface InboxMessage {
  readonly id: string
  readonly channel: 'email' | 'sms'
  readonly to: string
  readonly subject: string
  readonly text: string
  readonly at: UnixMs
}

/** One attack by the demo's attacker, and its outcome. */
export interface AttackLine {
  readonly name: string
  readonly tries: string
  readonly sent: number
  /** Fault codes, or what stopped it, in words. */
  readonly refusedBy: readonly string[]
  readonly rowsAdded: number
  readonly moved: boolean
  /** Microseconds; null: not measured. */
  readonly microsEach: number | null
  readonly ok: boolean
  readonly note: string
}

export interface AttackRun {
  readonly running: boolean
  readonly lines: readonly AttackLine[]
}
