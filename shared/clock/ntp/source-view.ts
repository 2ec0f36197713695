// An NTP association, with or without NTS, as a source of time among others.

import type { MonoUs } from '../../units.ts'
import { spanUs } from '../../units.ts'
import { estimateAt } from '../estimate/estimator.ts'
import type { LeapNotice } from '../estimate/leap.ts'
import type { SourceView } from '../estimate/source.ts'
import type { Association } from './association.ts'
import type { Leap } from './packet.ts'

export interface NtpSource {
  readonly name: string
  readonly kind: 'ntp' | 'nts'
  /** Of the server asked, as NTP names it; 0 while no address is known. */
  readonly refid: number
  /** Null while there is no address to ask. */
  readonly association: Association | null
  /** Why there is none. */
  readonly note: string
}

/** The source at `mono`. */
export function viewOf(source: NtpSource, mono: MonoUs): SourceView {
  const { name, kind, refid, association } = source
  if (association === null) return { name, kind, ...NOT_ASKED, note: source.note }
  const { estimator, sample, server, reach, poll, note } = association
  return {
    name,
    kind,
    estimate: estimateAt(estimator, mono),
    sampledAt: sample?.mono ?? null,
    delay: sample?.roundTripDelay ?? null,
    reach,
    poll,
    leap: NOTICES[server?.leap ?? 0],
    reference:
      server === null || sample === null
        ? null
        : {
            id: refid,
            stratum: server.stratum,
            rootDelay: spanUs(server.rootDelay + sample.roundTripDelay),
          },
    note,
  }
}

const NOT_ASKED = {
  estimate: null,
  sampledAt: null,
  delay: null,
  reach: 0,
  poll: 0,
  leap: 'normal',
  reference: null,
} as const

/** By the leap indicator; 3 says that the server itself is not synchronised, and no such answer
 * counts. */
const NOTICES: Readonly<Record<Leap, LeapNotice>> = {
  0: 'normal',
  1: 'insert',
  2: 'delete',
  3: 'normal',
}
