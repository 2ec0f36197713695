// The head-end's clock as NTP clients see it.

import type { LeapNotice } from '../../../shared/clock/estimate/leap.ts'
import type { Leap } from '../../../shared/clock/ntp/packet.ts'
import { type ServedClock, UNSYNCHRONISED } from '../../../shared/clock/ntp/server.ts'
import type { MonoUs } from '../../../shared/units.ts'
import type { HeadClock } from './head-clock.ts'
import { standingAt } from './head-report.ts'

/** Refid of the operating system's clock: what NTP programs show for an undisciplined local one. */
const SYSTEM_REFID = 0x7f7f0101

const INDICATORS: Readonly<Record<LeapNotice, Leap>> = { normal: 0, insert: 1, delete: 2 }

/** What NTP clients get at `mono`. `sources`: how many are configured. */
export function servedBy(head: HeadClock, sources: number, mono: MonoUs): ServedClock {
  const standing = standingAt(head, sources, mono)
  if (standing === null) return UNSYNCHRONISED
  const { leap, stratum, referenceId, rootDelay, rootDispersion, correctedAt } = standing
  return {
    leap: INDICATORS[leap],
    stratum,
    refid: referenceId ?? SYSTEM_REFID,
    rootDelay,
    rootDispersion,
    reference: correctedAt,
  }
}
