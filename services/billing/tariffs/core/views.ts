// What the pages show of tariffs, as plain values.

import type { CivilDate } from '../../civil/calendar.ts'

export interface TariffRow {
  readonly code: string
  readonly name: string
  readonly validFrom: CivilDate
  readonly hash: string
  readonly content: string
}
