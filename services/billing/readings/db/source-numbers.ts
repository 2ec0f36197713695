// The column `source` of readings and retimed_readings.

import type { ReadingSource } from '../../../../shared/meter/reading.ts'

/** Numbers as in migrations/0002_readings.sql. Rows from earlier years hold them: a number never
 * changes its meaning. */
export const SOURCE_NUMBER = {
  live: 0,
  profile: 1,
  push: 2,
} as const satisfies Record<ReadingSource, number>
