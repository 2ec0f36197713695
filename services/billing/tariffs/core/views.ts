// What the pages show of tariffs, as plain values.

import type { CivilDate } from '../../civil/calendar.ts'
import type { UnixMs } from '../../../../shared/units.ts'
import type { Tariff } from './tariff.ts'

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
