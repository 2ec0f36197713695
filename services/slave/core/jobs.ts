// The table of jobs: for each kind, what it writes to the outbox and what follows once that is
// durable. A job is submitted by name (queue.ts) and found here under the same name, so a reading
// can be followed from `submit` to the command or the range of history that it settles.

import { framesCommit, framesStored, sealCaptures, settleCaptures } from './capture/capture.ts'
import { setRhythm } from './capture/rhythm.ts'
import { beginCommit, commandEnded, endCommit } from './commands.ts'
import { execute } from './execute.ts'
import {
  attemptRaised,
  enrolledCommit,
  enrolledStored,
  enterEpochCommit,
  epochStored,
  offerCommit,
  offerStored,
  raiseAttemptCommit,
} from './link/events.ts'
import { deviceIdCommit, identityStored } from './link/identity.ts'
import { nextMasterKeyCommit, nextMasterKeyStored, onlyMasterKeyCommit } from './link/keys.ts'
import { registerCommit, registerStored } from './meter-clocks/correct.ts'
import { forgetCommit, forgotten, forkCommit, runSealed } from './outgoing/runs.ts'
import type { EndCommandJob, FramesJob, Job } from './state/jobs.ts'
import type { OutboxCommit } from './state/stored.ts'
import { frequencyCommit } from './timekeeping.ts'
import type { JobTable, Turn } from './turn.ts'

type Is = Job['is']
type JobOf<I extends Is> = Extract<Job, { is: I }> & { readonly is: I }
type Kinds = {
  readonly [I in Is]: {
    readonly commit: (turn: Turn, job: JobOf<I>, before: OutboxCommit | null) => OutboxCommit
    readonly done: (turn: Turn, job: JobOf<I>, stored: OutboxCommit) => void
  }
}

const nothing = (): void => {}

const KINDS: Kinds = {
  frames: { commit: framesCommit, done: framesDone },
  forget: { commit: forgetCommit, done: forgotten },
  fork: { commit: forkCommit, done: nothing },
  'raise-attempt': {
    commit: (turn, _, before) => raiseAttemptCommit(turn, before),
    done: attemptRaised,
  },
  enrolled: { commit: (_, job) => enrolledCommit(job), done: enrolledStored },
  'device-id': {
    commit: deviceIdCommit,
    done: (turn, _, stored) => identityStored(turn, stored),
  },
  offer: { commit: (_, job) => offerCommit(job), done: offerStored },
  'enter-epoch': { commit: enterEpochCommit, done: epochStored },
  'next-master-key': { commit: nextMasterKeyCommit, done: nextMasterKeyStored },
  'only-master-key': {
    commit: onlyMasterKeyCommit,
    done: (turn, _, stored) => identityStored(turn, stored),
  },
  'begin-command': { commit: (_, job) => beginCommit(job), done: execute },
  'end-command': { commit: (_, job) => endCommit(job), done: commandDone },
  register: { commit: registerCommit, done: registerStored },
  frequency: { commit: (_, job) => frequencyCommit(job), done: nothing },
}

/** Readings are durable: they may be sent, what waited for them is settled, and what came meanwhile
 * is sealed. */
function framesDone(turn: Turn, job: FramesJob, stored: OutboxCommit): void {
  runSealed(turn, framesStored(turn, job, stored))
  settleCaptures(turn, job)
  sealCaptures(turn)
}

function commandDone(turn: Turn, job: EndCommandJob): void {
  if (job.rhythm !== null) setRhythm(turn, job.rhythm.meter, job.rhythm.seconds)
  commandEnded(turn, job)
}

const commit = <I extends Is>(
  turn: Turn,
  job: JobOf<I>,
  before: OutboxCommit | null,
): OutboxCommit => KINDS[job.is].commit(turn, job, before)

function done<I extends Is>(turn: Turn, job: JobOf<I>, stored: OutboxCommit): void {
  KINDS[job.is].done(turn, job, stored)
}

export const JOBS: JobTable = { commit, done }
