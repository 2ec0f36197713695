// What the pages show of tariffs, as plain values.

import type { CivilDate } from '../../civil/calendar.ts'
import type { UnixMs } from '../../../../shared/units.ts'
import type { Difference } from './differences.ts'
import type { Tariff } from './tariff.ts'
import type { Trial } from './trial.ts'

/** One tariff in the list of all. */
export interface TariffRow {
  readonly code: string
  /** The version that holds today; before the first day of the first one, that. */
  readonly shown: PublishedVersion
  /** Another is published for a later day; null: none. */
  readonly nextFrom: CivilDate | null
  readonly versions: number
}

export interface PublishedVersion {
  readonly id: number
  readonly tariff: Tariff
  readonly validFrom: CivilDate
  readonly hash: string
  readonly publishedAt: UnixMs
  /** Null: published before it was recorded. */
  readonly author: { readonly who: string; readonly why: string } | null
}

/** One mistake in a text. Line and column are counted from 1, in characters. */
export interface TextFault {
  readonly line: number
  readonly column: number
  /** Its place in the document, `charges[0].slabs[1].rate`; '' where the text is no JSON. */
  readonly path: string
  readonly why: string
}

/** What became of a typed document that is a tariff. */
export interface CheckedTariff {
  readonly tariff: Tariff
  /** First day of the version it is compared with; null: it is the first of its code. */
  readonly against: CivilDate | null
  readonly changes: readonly Difference[]
  /** Null: no consumption was typed, or not so that it can be billed. */
  readonly trial: Trial | null
  /** To be confirmed before it is published. */
  readonly warnings: readonly string[]
}
