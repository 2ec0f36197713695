// What is known of a period that is not billed yet: what its bill would come to, or what keeps it.

import type { FaultCode } from '../../../../shared/faults.ts'
import type { CivilDate } from '../../civil/calendar.ts'
import { decimalText, minorText } from '../../civil/money.ts'
import { type BillDraft, type BillFacts, draftBill } from './bill.ts'

export interface PeriodKey {
  readonly contractId: number
  readonly from: CivilDate
}

export interface Period extends PeriodKey {
  readonly to: CivilDate
}

/** Of a bill that could be issued; exact decimal texts. */
export interface Estimate {
  readonly kWh: string
  readonly amount: string
  readonly currency: string
}

export type PeriodVerdict =
  | { readonly state: 'ready'; readonly draft: BillDraft; readonly estimate: Estimate }
  | {
      /** It may come by itself, or somebody has to mend it. */
      readonly state: 'waiting' | 'blocked'
      readonly code: FaultCode
      readonly detail: string
    }

/** Facts that not even a verdict can be made of are BIL-16: the others get theirs. */
export function verdictOf(facts: BillFacts): PeriodVerdict {
  try {
    const verdict = draftBill(facts)
    if (!verdict.ok) {
      return { state: verdict.kind, code: verdict.fault, detail: verdict.detail }
    }
    const { draft } = verdict
    return { state: 'ready', draft, estimate: estimateOf(draft) }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return left(`service point ${facts.servicePoint.code}: ${why}`)
  }
}

/** A period that cannot be worked on, for a reason nobody foresaw. */
export const left = (detail: string): PeriodVerdict => ({
  state: 'blocked',
  code: 'BIL-16',
  detail,
})

function estimateOf({ energy, total, tariff }: BillDraft): Estimate {
  const { currency, minorDigits } = tariff.tariff
  return { kWh: decimalText(energy), amount: minorText(total, minorDigits), currency }
}
