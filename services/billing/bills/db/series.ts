// How the number series of bills are named.

import type { CivilDate } from '../../civil/calendar.ts'

/** Bills of October 2026 are numbered from 202610-000001 on. */
export const seriesOf = (month: CivilDate): string => month.slice(0, 7).replace('-', '')
