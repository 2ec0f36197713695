// Sample files with invented people, one for each kind: they can be imported as they are.

import { KIND_PLANS, type Kind } from './kinds.ts'
import { COLUMN_WORDS } from './words.ts'

/** Header and lines of the sample. */
export function sampleOf(kind: Kind): {
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
} {
  const columns = KIND_PLANS[kind].columns.filter(
    (target) => target !== 'contract.to' && target !== 'opening.register',
  )
  return {
    head: columns.map((target) => COLUMN_WORDS[target].label),
    rows: [columns.map((target) => COLUMN_WORDS[target].sample)],
  }
}
