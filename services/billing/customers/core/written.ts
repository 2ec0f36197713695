// What becomes of an entry: stored, refused beside its fields, or overtaken by somebody else's. A
// refusal says what stands in the way and what to do about it; nothing was stored then.

import type { FaultCode } from '../../../../shared/faults.ts'

/** Why an entry was not stored. */
export interface Refusal {
  /** Name of the form's field; '' for the whole form. */
  readonly field: string
  readonly code: FaultCode | null
  /** A sentence for whoever typed it, with the remedy. */
  readonly text: string
  /** Where that can be mended; null: here. */
  readonly href: string | null
}

/** A row's fields by name, as the record of changes holds them. */
export type RowFields = Readonly<Record<string, string | number | null>>

export type Written =
  | { readonly is: 'done'; readonly id: number }
  | { readonly is: 'refused'; readonly refusals: readonly Refusal[] }
  /** Somebody else changed the row after it was shown (OPS-34): as it is now. */
  | { readonly is: 'overtaken'; readonly version: number; readonly now: RowFields }
  /** The row is not there, or no longer. */
  | { readonly is: 'gone' }

export const done = (id: number): Written => ({ is: 'done', id })

export const GONE: Written = { is: 'gone' }

export function refused(
  field: string,
  code: FaultCode | null,
  text: string,
  href: string | null = null,
): Written {
  return { is: 'refused', refusals: [{ field, code, text, href }] }
}
