// Transactions, one after the other: the shell is handed one at a time, and a failed one is tried
// again until it is stored. A job is a value (state/jobs.ts); what it writes and what follows is in
// the table that the turn carries.

import type { FaultCode } from '../../../shared/faults.ts'
import { monoUs, shiftMono, spanUs } from '../../../shared/units.ts'
import type { Job, JobsState } from './state/jobs.ts'
import { own } from './state/own.ts'
import type { Backlog } from './state/stored.ts'
import { report, type Turn } from './turn.ts'

/** A full or broken disk is tried again after this long, microseconds. */
const RETRY = spanUs(1_000_000)

/** Serve one link only: not worth doing when it is gone. */
const FOR_LINK: ReadonlySet<Job['is']> = new Set(['raise-attempt', 'offer'])

export const noJobs = (backlog: Backlog): JobsState => ({
  waiting: [],
  busy: null,
  retryAt: monoUs(0),
  storingFails: false,
  backlog,
})

/** Puts a transaction in line. */
export function submit(turn: Turn, job: Job): void {
  own(turn.state.jobs).waiting.push({ job, handed: null })
  nextJob(turn)
}

/** True while sealed readings wait for the disk. */
export const framesWait = ({ state }: Turn): boolean =>
  state.jobs.waiting.some(({ job }) => job.is === 'frames')

/** Hands the next transaction to the shell. While frames wait for a retry, others go first. */
export function nextJob(turn: Turn): void {
  const jobs = own(turn.state.jobs)
  if (jobs.busy !== null) return
  const retries = turn.mono < jobs.retryAt
  const next = retries ? jobs.waiting.findIndex(({ job }) => job.is !== 'frames') : 0
  const waiting = jobs.waiting[next]
  if (waiting === undefined) return
  const handed = turn.jobs.commit(turn, waiting.job, waiting.handed)
  const busy = { job: waiting.job, handed }
  jobs.waiting[next] = busy
  jobs.busy = busy
  turn.actions.push({ do: 'commit', commit: handed })
}

/** The shell stored what it was handed. */
export function jobDone(turn: Turn, backlog: Backlog): void {
  const jobs = own(turn.state.jobs)
  const { busy } = jobs
  if (busy === null || busy.handed === null) return
  jobs.backlog = backlog
  jobs.busy = null
  jobs.waiting = jobs.waiting.filter((entry) => entry !== busy)
  if (busy.job.is === 'frames') {
    jobs.retryAt = turn.mono
    jobs.storingFails = false
  }
  turn.jobs.done(turn, busy.job, busy.handed)
  nextJob(turn)
}

/** Nothing of what the shell was handed is stored. */
export function jobFailed(turn: Turn, fault: FaultCode): void {
  const jobs = own(turn.state.jobs)
  const failed = jobs.busy?.job.is
  jobs.busy = null
  jobs.retryAt = shiftMono(turn.mono, RETRY)
  const readings = failed === undefined || failed === 'frames'
  report(turn, fault, readings ? 'readings wait in memory' : 'upkeep waits')
  if (failed !== 'frames') return
  jobs.storingFails = true
  nextJob(turn)
}

/** The link is gone, and what served it alone. What the shell has is stored all the same. */
export function dropLinkJobs(turn: Turn): void {
  const jobs = own(turn.state.jobs)
  jobs.waiting = jobs.waiting.filter((entry) => !FOR_LINK.has(entry.job.is) || entry === jobs.busy)
}
