// Transactions in line for the disk, as values: each of them says what it is about, so that a look
// at the state (by a test, in a debugger) shows what waits and for what. What is written
// and what follows from it being durable stands in one table, core/jobs.ts, by the name of its
// kind. Changed by queue.ts.

import type { EnrolmentToken } from '../../../../shared/tves/token.ts'
import type { MonoUs, UnixUs } from '../../../../shared/units.ts'
import type { ControlMessage } from '../../../../shared/wire/control.ts'
import type { Command, Receipt } from '../../../../shared/wire/commands.ts'
import type { Capture } from './capture.ts'
import type { Correction } from './meter-clocks.ts'
import type { Sealer } from './sealing.ts'
import type {
  Backlog,
  OutboxCommit,
  StoredEpoch,
  StoredFrame,
  StoredFrequency,
  StoredIdentity,
  StoredRun,
} from './stored.ts'

/** Readings, sealed. The only kind that is refused when the outbox is full; every other one must
 * get through, since it is what makes room again. */
export interface FramesJob {
  readonly is: 'frames'
  /** Behind the last of the frames; sealing goes on with it once they are durable. */
  readonly sealer: Sealer
  readonly frames: readonly StoredFrame[]
  /** What the frames hold, and what their being durable settles. */
  readonly captures: readonly Capture[]
  readonly lastUsed: UnixUs
}

/** Acknowledgements, and rows that nobody needs any more. */
export interface ForgetJob {
  readonly is: 'forget'
  /** Runs whose acknowledgement is stored. */
  readonly acknowledged: readonly number[]
  readonly dropRuns: readonly number[]
  readonly dropEpochs: readonly number[]
  /** Delete a portion of what was acknowledged long ago. */
  readonly tidy: boolean
}

/** A run whose history differs from the master's. */
export interface ForkJob {
  readonly is: 'fork'
  readonly forked: StoredRun
}

/** The number of the next enrolment attempt. */
export interface RaiseAttemptJob {
  readonly is: 'raise-attempt'
  readonly link: number
  readonly token: EnrolmentToken
}

/** What an enrolment brought. */
export interface EnrolledJob {
  readonly is: 'enrolled'
  readonly link: number
  readonly identity: StoredIdentity
}

/** Our device id, as a session's handshake said it. */
export interface DeviceIdJob {
  readonly is: 'device-id'
  readonly device: Uint8Array
}

/** An offered epoch, before CONFIRM accepts it. */
export interface OfferJob {
  readonly is: 'offer'
  readonly link: number
  readonly offered: StoredEpoch
  /** Earlier offers, never confirmed: nothing was sealed in them. */
  readonly stale: readonly number[]
}

/** The epoch that COMMITTED confirmed. */
export interface EnterEpochJob {
  readonly is: 'enter-epoch'
  readonly link: number
  readonly entered: StoredEpoch
  /** Epochs that it leaves behind. */
  readonly closing: readonly number[]
  readonly committed: Extract<ControlMessage, { is: 'committed' }>
}

/** The master's next static key, beside the present one. */
export interface NextMasterKeyJob {
  readonly is: 'next-master-key'
  readonly link: number
  readonly key: Uint8Array
  /** When MASTER KEY came. */
  readonly at: MonoUs
}

/** A master's key that was confirmed, instead of the one before. */
export interface OnlyMasterKeyJob {
  readonly is: 'only-master-key'
  readonly key: Uint8Array
}

/** A command, before anything is done. */
export interface BeginCommandJob {
  readonly is: 'begin-command'
  readonly command: Command
}

/** A command's outcome. */
export interface EndCommandJob {
  readonly is: 'end-command'
  readonly receipt: Receipt
  /** The rhythm that the command set; null: none. */
  readonly rhythm: { readonly meter: string; readonly seconds: number } | null
}

/** What a meter's clock was corrected by this month. */
export interface RegisterJob {
  readonly is: 'register'
  readonly meter: string
  /** The correction that is sent once it is counted; null: none. */
  readonly correction: Correction | null
}

/** What was learned of the oscillator. */
export interface FrequencyJob {
  readonly is: 'frequency'
  readonly frequency: StoredFrequency
}

export type Job =
  | FramesJob
  | ForgetJob
  | ForkJob
  | RaiseAttemptJob
  | EnrolledJob
  | DeviceIdJob
  | OfferJob
  | EnterEpochJob
  | NextMasterKeyJob
  | OnlyMasterKeyJob
  | BeginCommandJob
  | EndCommandJob
  | RegisterJob
  | FrequencyJob

/** `handed`: what the shell was given to store at the last try; null: not tried yet. */
export interface Waiting {
  readonly job: Job
  readonly handed: OutboxCommit | null
}

export interface JobsState {
  /** In order; the busy one among them. */
  readonly waiting: readonly Waiting[]
  /** Handed to the shell, which has not answered yet. */
  readonly busy: Waiting | null
  /** After a failed one nothing that holds frames is tried before this. */
  readonly retryAt: MonoUs
  /** The last attempt to store frames failed. */
  readonly storingFails: boolean
  readonly backlog: Backlog
}
