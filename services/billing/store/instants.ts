// Turns the driver's times into ours.

import { type UnixMs, unixMs } from '../../../shared/units.ts'

export const instant = (date: Date): UnixMs => unixMs(date.getTime())

export const instantOrNull = (date: Date | null): UnixMs | null =>
  date === null ? null : instant(date)
