// Who came in and who was refused: a line in the log for each, and counts for the metrics. A name
// that nobody has is not written: people type their password into the wrong field. Nor is anything
// else that opens something: no token, no form, no address of a link.

import type { FaultCode } from '../../../../shared/faults.ts'
import type { Fields, Log } from '../../../../shared/node/log.ts'

/** What somebody did who was let in. */
export const ACCESS_EVENTS = ['login', 'logout', 'link used', 'first operator', 'revoked'] as const
export type AccessEvent = (typeof ACCESS_EVENTS)[number]
/** What a visitor is refused for; OPS-28: a page of ours failed. */
export const ACCESS_FAULTS = ['OPS-20', 'OPS-21', 'OPS-22', 'OPS-23', 'OPS-28'] as const

export interface AccessWatch {
  allowed(event: AccessEvent, fields: Fields): void
  /** `detail` is ours, never what the visitor sent. */
  refused(fault: FaultCode, detail: string, fields: Fields): void
  /** Since the start, by event or fault code. */
  counts(): ReadonlyMap<string, number>
}

export function openAccessWatch(log: Log): AccessWatch {
  // All of them from the start: a rate needs the zero before the first.
  const counts = new Map<string, number>([...ACCESS_EVENTS, ...ACCESS_FAULTS].map((is) => [is, 0]))
  const count = (is: string): void => void counts.set(is, (counts.get(is) ?? 0) + 1)
  return {
    allowed(event, fields) {
      count(event)
      log.info(event, fields)
    },
    refused(fault, detail, fields) {
      count(fault)
      log.fault(fault, detail, fields)
    },
    counts: () => counts,
  }
}
