// Why a reading that was typed well was not stored, beside the fields of its form.

import type { FieldErrors } from '../../kit/form.ts'
import { isRefusal } from '../core/manual.ts'
import { OWN_PER_DAY_MAX, type Entered } from '../db/manual-writes.ts'
import { findingText, type Printed } from '../pages/manual-text.ts'

export interface RefusedEntry {
  readonly errors: FieldErrors
  /** What has to be confirmed. */
  readonly warnings: readonly string[]
}

export function refusedEntry(
  entered: Exclude<Entered, { readonly is: 'done' }>,
  printed: Printed,
): RefusedEntry {
  if (entered.is === 'too many') {
    const at = `${OWN_PER_DAY_MAX} readings were entered within a day. Wait until tomorrow.`
    return { errors: { '': at }, warnings: [] }
  }
  if (entered.is === 'pending') {
    const at = 'One of this register and day waits for a decision already. Wait for that.'
    return { errors: { at }, warnings: [] }
  }
  const contradiction = entered.findings.find(isRefusal)
  if (contradiction !== undefined) {
    const text = `BIL-32 ${findingText(contradiction, printed)}`
    const field = contradiction.is === 'same instant' ? 'at' : 'value'
    return { errors: { [field]: text }, warnings: [] }
  }
  const warnings = entered.findings.map((finding) => findingText(finding, printed))
  return { errors: { sure: 'Look again, and tick the box if it is right.' }, warnings }
}
