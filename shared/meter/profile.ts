// The load profile: the register's value at the end of every interval, kept by the meter itself.
// How long an interval is belongs to the meter.

import { type SpanMs, spanMs } from '../units.ts'

/** Lengths an interval may have, minutes. Each divides an hour, so an hour always ends one. */
export const PROFILE_MINUTES = [1, 5, 10, 15, 30, 60] as const
export type ProfileMinutes = (typeof PROFILE_MINUTES)[number]

export const profileInterval = (minutes: ProfileMinutes): SpanMs => spanMs(minutes * 60_000)
