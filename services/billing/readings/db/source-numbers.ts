// The column `source` of readings, retimed_readings and unsure_readings.

import type { ReadingSource } from '../../../../shared/meter/reading.ts'

/** Numbers as migrations/0002_readings.sql gives them. Rows of earlier years hold them: a number
 * never gets another meaning. */
export const SOURCE_NUMBER = {
  live: 0,
  profile: 1,
  push: 2,
} as const satisfies Record<ReadingSource, number>
