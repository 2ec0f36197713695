// `ticklock let-go`: closed key epochs that no slave has called drained (wire.md 6.5). Their keys
// are kept until somebody decides; a running head-end notices within two seconds.

import { FaultError } from '../../../shared/node/fault-error.ts'
import type { UnixMs } from '../../../shared/units.ts'
import type { ClosedEpoch } from '../../billing/fleet/core/views.ts'
import { closedEpochs, letGoEpochs } from '../../billing/fleet/db/epochs.ts'
import type { Settings } from '../../settings.ts'
import { findDevice, operator, withDatabase } from './database.ts'

/** Longest reason, characters: a sentence or two. */
const REASON_MAX = 500
const DOUBTFUL = 'doubtful'

const text = (at: UnixMs): string => new Date(at).toISOString().slice(0, 16).replace('T', ' ')

const lineOf = ({ epoch, beganAt, closedAt, namedAt, doubtful }: ClosedEpoch): string =>
  [
    String(epoch).padStart(10),
    `begun ${text(beganAt)}`,
    `closed ${text(closedAt)}`,
    namedAt === null ? 'not named since' : `named ${text(namedAt)}`,
    doubtful ? 'IN DOUBT' : 'its slave may still be away, or sending',
  ].join('  ')

/** Prints a device's closed epochs that are not drained. SEC-01 when there is no such device. */
export async function printClosed(settings: Settings, device: string): Promise<void> {
  await withDatabase(settings, async ({ kysely }) => {
    const found = await findDevice(kysely, device)
    const closed = await closedEpochs(kysely, found.id)
    console.log(`device ${found.id}  ${found.name}  closed epochs, not drained: ${closed.length}`)
    for (const epoch of closed) console.log(lineOf(epoch))
    if (closed.some(({ doubtful }) => doubtful)) {
      console.log(
        'In doubt: the device called and said nothing of it for a day. Either its slave lost',
      )
      console.log(
        'its disk, or somebody else calls in its name while it is away: docs/operating.md.',
      )
    }
  })
}

/** Destroys keys and positions. OPS-12 when that epoch is not one of them. */
export async function letGoOf(
  settings: Settings,
  device: string,
  { epoch, reason }: { readonly epoch: string; readonly reason: string },
): Promise<void> {
  if (reason.length > REASON_MAX || /\p{Cc}/u.test(reason)) {
    throw new FaultError('OPS-12', `--reason has ${REASON_MAX} characters at most, on one line`)
  }
  await withDatabase(settings, async ({ kysely }) => {
    const found = await findDevice(kysely, device)
    const closed = await closedEpochs(kysely, found.id)
    const chosen = closed.filter(({ epoch: id, doubtful }) =>
      epoch === DOUBTFUL ? doubtful : String(id) === epoch,
    )
    if (chosen.length === 0) {
      const what = epoch === DOUBTFUL ? 'no epoch in doubt' : `no closed, undrained epoch ${epoch}`
      throw new FaultError('OPS-12', `${found.name} has ${what}`)
    }
    const by = operator()
    const epochs = chosen.map(({ epoch: id }) => id)
    const gone = await letGoEpochs(kysely, found.id, { epochs, by, reason })
    for (const id of gone) console.log(`epoch ${id} of ${found.name} is let go, its keys destroyed`)
  })
}
