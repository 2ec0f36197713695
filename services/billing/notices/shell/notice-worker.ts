// Takes notices out of the outbox and sends them. db/notices.ts says what happens when it dies
// midway.

import type { Kysely } from 'kysely'
import { assert } from '../../../../shared/assert.ts'
import { type FaultCode, faultLine } from '../../../../shared/faults.ts'
import { errorText } from '../../../../shared/node/fault-error.ts'
import { type SpanMs, shiftMs, spanMs, type UnixMs } from '../../../../shared/units.ts'
import { claimNotices, type DueNotice, recordFailed, recordSent } from '../db/notices.ts'
import { isDatabaseAway } from '../../store/database-away.ts'
import type { Database } from '../../store/schema.ts'
import { type Delivery, DELIVERY_MS_MAX } from './delivery.ts'
import type { Matter, MatterVerdict } from './letter.ts'
import type { MailDriver } from './mail.ts'
import type { SmsDriver } from './sms.ts'

/** Wait after the 1st, 2nd ... failed attempt, minutes; the failure after the last wait gives the
 * notice up. A mail server that is repaired within the day gets everything. */
const RETRY_MINUTES = [1, 5, 30, 120, 600] as const
/** Attempts in all. */
export const ATTEMPTS_MAX = RETRY_MINUTES.length + 1
/** Wait after a refusal that is our own fault, minutes. It counts as no attempt: the notice goes
 * out once an operator has corrected what was refused, however long that takes. */
const OURS_MINUTES = 60
/** The same where nobody answers: a server that is repaired is found soon. */
const AWAY_MINUTES = 10
/** How long a claimed notice is ours. Longer than any attempt; otherwise two workers would send at
 * once. */
const LEASE: SpanMs = spanMs(180_000)
/** Notices sent at the same time: gentle to a mail server, and even a slow one passes 4 per
 * second. */
const TOGETHER = 4
/** How often we look at the outbox when nothing wakes us, milliseconds. */
const LOOK_MS = 5_000

/** Null: no such channel is set, and its notices wait. */
export interface NoticeDrivers {
  readonly mail: MailDriver | null
  readonly sms: SmsDriver | null
}

export interface NoticeTask {
  readonly db: Kysely<Database>
  /** How notices leave now: asked before each look, for an operator may change it meanwhile. */
  readonly drivers: () => Promise<NoticeDrivers>
  /** A link to the customer's own pages, made anew for each attempt, so that its secret is nowhere
   * but in the message itself. */
  readonly linkOf: (customerId: number) => Promise<string>
  /** What a notice is about, given the bill that it was queued for. */
  readonly matterOf: (billId: number) => Promise<MatterVerdict>
  readonly now: () => UnixMs
  readonly log: (line: string) => void
  /** Channels whose refusals were told already, until one goes out. */
  readonly told?: Set<'email' | 'sms'>
  /** Counts faults for the metrics. */
  readonly onFault?: (fault: FaultCode) => void
}

/** Sends what is due now, a handful at once; returns how many notices it took. */
export async function sendDueNotices(task: NoticeTask, signal: AbortSignal): Promise<number> {
  assert(LEASE > DELIVERY_MS_MAX, 'a lease outlasts an attempt')
  const drivers = await task.drivers()
  const channels = [
    ...(drivers.mail === null ? [] : ['email' as const]),
    ...(drivers.sms === null ? [] : ['sms' as const]),
  ]
  if (channels.length === 0) return 0
  const claim = { now: task.now(), lease: LEASE, limit: TOGETHER, channels }
  const due = await claimNotices(task.db, claim)
  await Promise.all(due.map((notice) => sendApart({ ...task, ...drivers }, notice, signal)))
  return due.length
}

/** The task with the drivers of this look. */
type Sending = NoticeTask & NoticeDrivers

/** A notice that fails in a way nobody foresaw is tried again like any other, and given up in the
 * end: it must not hold up the rest. */
async function sendApart(task: Sending, notice: DueNotice, signal: AbortSignal): Promise<void> {
  try {
    await sendOne(task, notice, signal)
  } catch (error) {
    if (isDatabaseAway(error)) throw error
    const { id, attempts } = notice
    report(task, 'BIL-16', `notice ${id}: ${errorText(error)}`)
    const minutes = RETRY_MINUTES[attempts - 1]
    const again = minutes === undefined ? null : inMinutes(task, minutes)
    await recordFailed(task.db, { id, fault: 'BIL-16', again })
  }
}

async function sendOne(task: Sending, notice: DueNotice, signal: AbortSignal): Promise<void> {
  const { db, now, log } = task
  const { id } = notice
  const about = await task.matterOf(notice.billId)
  if (!about.ok) {
    report(task, about.fault, about.detail)
    await recordFailed(db, { id, fault: about.fault, again: null })
    return
  }
  const { matter } = about
  const delivery = await attempt(task, { notice, matter, signal })
  // Stopped in the middle: the notice may or may not have gone out; the lease decides later.
  if (signal.aborted && !delivery.ok) return
  if (delivery.ok) {
    task.told?.delete(notice.channel)
    await recordSent(db, { id, providerId: delivery.providerId, at: now() })
    return
  }
  const { culprit, fault } = delivery
  const name = `${notice.channel} for ${matter.name}`
  const detail = `${name}: ${delivery.detail}`
  if (culprit === 'ours' || culprit === 'away') {
    await putOff(task, notice, { fault: culprit === 'ours' ? 'BIL-17' : fault, detail })
    return
  }
  const minutes = RETRY_MINUTES[notice.attempts - 1]
  report(task, fault, detail)
  if (culprit === 'recipient' || minutes === undefined) {
    report(task, 'BIL-11', name)
    // What no server has seen keeps its own reason.
    await recordFailed(db, { id, fault: fault === 'OPS-27' ? fault : 'BIL-11', again: null })
    return
  }
  await recordFailed(db, { id, fault, again: inMinutes(task, minutes) })
  log(`notice ${id} will be tried again in ${minutes} min`)
}

/** Refused for a fault of ours, or not answered at all. The log says so once until something goes
 * out again: a run of ten thousand bills must not say it ten thousand times. */
async function putOff(
  task: NoticeTask,
  notice: DueNotice,
  { fault, detail }: { readonly fault: FaultCode; readonly detail: string },
): Promise<void> {
  const { db, told } = task
  task.onFault?.(fault)
  if (told?.has(notice.channel) !== true) task.log(faultLine(fault, detail))
  told?.add(notice.channel)
  const minutes = fault === 'BIL-17' ? OURS_MINUTES : AWAY_MINUTES
  const again = inMinutes(task, minutes)
  await recordFailed(db, { id: notice.id, fault, again, uncounted: true })
}

const inMinutes = ({ now }: NoticeTask, minutes: number): UnixMs =>
  shiftMs(now(), spanMs(minutes * 60_000))

function report(task: NoticeTask, fault: FaultCode, detail: string): void {
  task.onFault?.(fault)
  task.log(faultLine(fault, detail))
}

async function attempt(
  { mail, sms, linkOf, now }: Sending,
  {
    notice,
    matter,
    signal,
  }: {
    readonly notice: DueNotice
    readonly matter: Matter
    readonly signal: AbortSignal
  },
): Promise<Delivery> {
  const { address: to, channel } = notice
  const key = `${matter.key}-${channel}`
  const link = await linkOf(matter.customerId)
  if (channel === 'sms') {
    assert(sms !== null, 'only configured channels are claimed')
    return sms.send({ to, text: matter.text(link), key }, signal)
  }
  assert(mail !== null, 'only configured channels are claimed')
  return mail.send({ to, key, letter: await matter.letter(link), at: now() }, signal)
}

export interface NoticeWorker {
  /** Looks immediately: call it after a bill run. */
  wake(): void
  /** Ends what is on its way and resolves when nothing is. */
  stop(): Promise<void>
}

export function startNoticeWorker(asked: NoticeTask): NoticeWorker {
  const task: NoticeTask = { told: new Set(), ...asked }
  const ending = new AbortController()
  let sleeper = Promise.withResolvers<void>()
  const running = (async () => {
    while (!ending.signal.aborted) {
      sleeper = Promise.withResolvers<void>()
      let taken = 0
      try {
        taken = await sendDueNotices(task, ending.signal)
      } catch (error) {
        report(task, 'OPS-08', errorText(error))
      }
      if (taken > 0) continue
      const timer = setTimeout(sleeper.resolve, LOOK_MS)
      await sleeper.promise
      clearTimeout(timer)
    }
  })()
  return {
    wake: () => sleeper.resolve(),
    async stop() {
      ending.abort()
      sleeper.resolve()
      await running
    },
  }
}
