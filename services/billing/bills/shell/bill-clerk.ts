// Issues last month's bills as soon as every meter has both boundary readings. No date triggers it:
// a bill waits for readings. Complete bills wait for incomplete ones until the grace period is
// over; then the complete ones are issued and the others go on waiting (BIL-04).

import type { Kysely } from 'kysely'
import { errorText } from '../../../../shared/node/fault-error.ts'
import type { Log } from '../../../../shared/node/log.ts'
import type { UnixMs } from '../../../../shared/units.ts'
import type { Utility } from '../core/bill-content.ts'
import { type CivilPeriod, previousMonth, startOfDay } from '../../civil/calendar.ts'
import { firstZone } from '../../customers/db/reads.ts'
import { boundariesReady, runBills } from '../db/run.ts'
import type { Database } from '../../store/schema.ts'
import type { NoticeWorker } from '../../notices/shell/notice-worker.ts'

/** How often the boundaries are checked while bills are due, ms. */
const LOOK_MS = 2_000
/** How often once the period is settled, ms. */
const SETTLED_LOOK_MS = 60_000
/** How long incomplete meters may hold back the others: from the period's end, or from our start
 * when the period was over by then (a back-fill is running), ms. */
const GRACE_MS = 3 * 86_400_000

export interface BillClerk {
  /** Meters with both boundary readings of the period now due. */
  progress(): { readonly meters: number; readonly ready: number } | null
  stop(): Promise<void>
}

export function startBillClerk(task: {
  readonly db: Kysely<Database>
  readonly utility: Utility
  readonly now: () => UnixMs
  readonly worker: NoticeWorker
  readonly log: Log
}): BillClerk {
  const { db, log, now, worker } = task
  const startedAt = now()
  let progress: { meters: number; ready: number } | null = null
  const ending = new AbortController()
  let wake = Promise.withResolvers<void>()
  const look = async (): Promise<number> => {
    // This zone decides the month; service points in other zones are billed by their own midnight.
    const zone = await firstZone(db)
    if (zone === null) return LOOK_MS
    const period = previousMonth(now(), zone)
    progress = await boundariesReady(db, period)
    const { meters, ready } = progress
    const graceFrom = Math.max(startedAt, startOfDay(period.to, zone))
    const graceOver = now() - graceFrom > GRACE_MS
    if (meters === 0 || ready === 0 || (ready < meters && !graceOver)) return LOOK_MS
    const run = await runBills(db, {
      period,
      now: now(),
      utility: task.utility,
      series: seriesOf(period),
    })
    if (run.issued > 0) {
      log.info('bills issued', { issued: run.issued, waiting: run.waiting, month: period.from })
      worker.wake()
    }
    for (const { fault, detail } of run.examples) log.fault(fault, detail)
    return SETTLED_LOOK_MS
  }
  const running = (async () => {
    while (!ending.signal.aborted) {
      wake = Promise.withResolvers<void>()
      let pause = LOOK_MS
      try {
        pause = await look()
      } catch (error) {
        log.fault('OPS-08', `bill run: ${errorText(error)}`)
      }
      const timer = setTimeout(wake.resolve, pause)
      await wake.promise
      clearTimeout(timer)
    }
  })()
  return {
    progress: () => progress,
    stop: async () => {
      ending.abort()
      wake.resolve()
      await running
    },
  }
}

/** Bills of October 2026 are numbered from 202610-000001 on. */
const seriesOf = (period: CivilPeriod): string => period.from.slice(0, 7).replace('-', '')
