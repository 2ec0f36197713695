// What is odd about a reading by hand, in words: what contradicts it, and what to do about it.

import { unreachable } from '../../../../shared/assert.ts'
import { instantText } from '../../civil/calendar.ts'
import { quantityText } from '../../kit/format.ts'
import type { Finding, Shown } from '../core/manual.ts'
import type { ManualKind } from '../core/manual-views.ts'

/** How a reading is printed: its unit, and the zone of its times. */
export interface Printed {
  readonly unit: number
  readonly zone: string
}

export const KIND_TEXTS: Readonly<Record<ManualKind, string>> = {
  opening: 'when it was installed or handed over',
  closing: 'when it was removed or handed over',
  technician: 'by a technician',
  customer: 'by the customer',
}

/** `1234.5 kWh on 31 May 2026, 10:30, by a technician`. */
export function shownText(shown: Shown, { unit, zone }: Printed): string {
  const by = shown.by === 'device' ? 'from the device' : KIND_TEXTS[shown.by]
  const value = quantityText(shown.value, shown.exponent, unit)
  return `${value} on ${instantText(shown.at, zone)}, ${by}`
}

export function findingText(finding: Finding, printed: Printed): string {
  const other = shownText(finding.other, printed)
  switch (finding.is) {
    case 'backwards':
      return finding.than === 'before'
        ? `It is less than ${other}. Read the display again; if the meter was exchanged, enter that first.`
        : `It is more than ${other}. Read the display again, or correct the time.`
    case 'same instant':
      return `For that instant there is one already: ${other}. Choose the exact time of this one.`
    case 'impossible':
      return `Since ${other} no meter can have counted so much. Look for a digit too many.`
    case 'rolled over':
      return `Since ${other} the register would have gone through zero. Tick the box if it has.`
    case 'far above':
      return `Since ${other} that is ${String(finding.times)} times the usual. Tick the box if the display says so.`
    default:
      return unreachable(finding)
  }
}
