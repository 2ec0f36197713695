// Words about imports for people.

import { KIND_PLANS } from './kinds.ts'
import type { Entity } from './outcome.ts'
import type { ImportState } from './views.ts'
import { COLUMN_WORDS } from './words.ts'

/** The label of a column by its place; null: it is no column, but the line itself. */
export function columnLabel(target: string | null): string | null {
  const found = Object.values(KIND_PLANS)
    .flatMap(({ columns }) => columns)
    .find((column) => column === target)
  return found === undefined ? target : COLUMN_WORDS[found].label
}

/** `Phone has no country: begin it with + ...`. */
export const refusalText = (refusal: {
  readonly target: string | null
  readonly reason: string
  readonly remedy: string
}): string => `${columnLabel(refusal.target) ?? 'The line'} ${refusal.reason}: ${refusal.remedy}`

export const ENTITY_WORDS: Readonly<Record<Entity, string>> = {
  customer: 'Customers',
  'service point': 'Service points',
  meter: 'Meters',
  installation: 'Installations',
  contract: 'Contracts',
  term: 'Terms of contracts',
  'manual reading': 'Readings',
}

export const STATE_WORDS: Readonly<Record<ImportState, string>> = {
  uploaded: 'columns to be mapped',
  checking: 'dry run at work',
  checked: 'dry run done, not imported yet',
  applying: 'import at work',
  applied: 'imported',
  undoing: 'undo at work',
  undone: 'undone',
  refused: 'file refused',
  interrupted: 'interrupted; nothing was stored',
}
