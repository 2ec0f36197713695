// What became of a file, or would: in numbers, row by row, and line by line.

/** What rows an import writes, as the record of changes names them. */
export const ENTITIES = [
  'customer',
  'service point',
  'meter',
  'installation',
  'contract',
  'term',
  'manual reading',
] as const
export type Entity = (typeof ENTITIES)[number]

export interface Tally {
  readonly new: number
  readonly changed: number
  readonly equal: number
}

export interface ImportCounts {
  /** Lines below the header. */
  readonly lines: number
  readonly refused: number
  readonly rows: Readonly<Partial<Record<Entity, Tally>>>
}

/** A row as it would be written. */
export interface PlanPreview {
  readonly what: Entity
  readonly key: string
  readonly line: number
  readonly state: 'new' | 'changed'
  readonly before: Readonly<Record<string, unknown>> | null
  readonly after: Readonly<Record<string, unknown>>
}

export interface FieldChange {
  readonly field: string
  /** Null: there was none. */
  readonly before: string | null
  readonly after: string | null
}

const text = (value: unknown): string | null => {
  if (value === null || value === undefined) return null
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** What is different, field by field; of a new row all that is not empty. */
export const fieldChanges = ({ before, after }: PlanPreview): readonly FieldChange[] =>
  Object.keys(after)
    .map((field) => ({
      field,
      before: text(before?.[field]),
      after: text(after[field]),
    }))
    .filter((change) => change.before !== change.after && (change.after ?? '') !== '')

export const totalOf = (counts: ImportCounts, state: keyof Tally): number =>
  Object.values(counts.rows).reduce((sum, tally) => sum + tally[state], 0)
