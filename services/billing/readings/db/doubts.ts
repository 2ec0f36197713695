// Exceptions that are about a stream as a whole and not about one reading: a device contradicts
// itself, or what is stored.

import type { Kysely } from 'kysely'
import type { FaultCode } from '../../../../shared/faults.ts'
import type { DeviceId } from '../../../../shared/handover/sink.ts'
import type { Database } from '../../store/schema.ts'

/** What the exception is about, by the number that stands where that of a reading does: below all
 * those that a frame's contents use, so that each is raised once for a place. */
const ABOUT = {
  drained: -100_001,
  back: -100_002,
  history: -100_003,
  unnamed: -100_004,
  'let go': -100_005,
  lost: -100_006,
} as const

export interface StreamDoubt {
  readonly device: DeviceId
  readonly epoch: number
  readonly run: number
  readonly sequence: number
  readonly code: FaultCode
  readonly detail: string
}

/** Raises exceptions; one that is there already stays as it is. `about`: told apart from others of
 * the same place. */
export async function raiseDoubts(
  db: Kysely<Database>,
  doubts: readonly StreamDoubt[],
  about: keyof typeof ABOUT,
): Promise<void> {
  if (doubts.length === 0) return
  await db
    .insertInto('exceptions')
    .values(
      doubts.map(({ device, epoch, run, sequence, code, detail }) => ({
        device_id: device,
        epoch,
        run,
        sequence,
        item: ABOUT[about],
        code,
        meter: null,
        detail,
        content: null,
      })),
    )
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

/** The text of an exception about the whole epoch, in the place of its first run. */
export const ofEpoch = (
  { device, epoch }: { readonly device: DeviceId; readonly epoch: number },
  detail: string,
): StreamDoubt => ({ device, epoch, run: 0, sequence: 0, code: 'SEC-18', detail })
