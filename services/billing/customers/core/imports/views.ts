// An import as pages and the command line show it.

import type { UnixMs } from '../../../../../shared/units.ts'
import type { Dialect } from './dialect.ts'
import type { Kind } from './kinds.ts'
import type { Mapping } from './mapping.ts'
import type { ImportCounts } from './outcome.ts'

export const IMPORT_STATES = [
  'uploaded',
  'checking',
  'checked',
  'applying',
  'applied',
  'undoing',
  'undone',
  'refused',
  'interrupted',
] as const
export type ImportState = (typeof IMPORT_STATES)[number]

/** States in which somebody works on it. */
export const isAtWork = (state: ImportState): boolean =>
  state === 'checking' || state === 'applying' || state === 'undoing'

/** How a file is read: the dialect and where its columns belong. */
export interface ReadingPlan extends Dialect {
  readonly mapping: Mapping
}

export interface ImportView {
  readonly id: number
  readonly kind: Kind
  readonly fileName: string
  readonly bytes: number
  readonly sha256: string
  readonly headers: readonly string[]
  readonly state: ImportState
  readonly phase: string
  readonly done: number
  readonly total: number
  /** Null before the first dry run. */
  readonly counts: ImportCounts | null
  /** A fault, when the file as a whole was refused or could not be undone. */
  readonly code: string | null
  readonly detail: string
  readonly uploadedAt: UnixMs
  readonly uploadedBy: string
  readonly appliedAt: UnixMs | null
  readonly appliedBy: string | null
  readonly undoneAt: UnixMs | null
  readonly undoneBy: string | null
  /** Whether its file has arrived whole and is still kept. */
  readonly hasFile: boolean
  readonly plan: ReadingPlan | null
}
