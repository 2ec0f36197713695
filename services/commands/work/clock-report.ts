// `ticklock clock`: how right the clocks of a utility are, from the running head-end's database.

import { FaultError } from '../../../shared/node/fault-error.ts'
import { unixMs } from '../../../shared/units.ts'
import { clockReads, hasClockTables, slaveClocks } from '../../billing/clocks/db/reads.ts'
import type { Db } from '../../billing/store/pool.ts'
import {
  clockEventsText,
  meterClocksText,
  slavesText,
  sourcesText,
  trackingText,
} from './clock-text.ts'
import { findDevice, withDatabase } from './database.ts'
import type { Settings } from '../../settings.ts'

/** Slaves listed: more need the pages. */
const SLAVES_MAX = 10_000

/** Prints the head-end's clock and every slave's, or of one device its meters and what happened.
 * OPS-08 no database, or one of an older head-end; SEC-01 no such device. */
export async function printClocks(
  settings: Settings,
  device: string | null,
  json: boolean,
): Promise<void> {
  await withDatabase(settings, async (db) => {
    await assertClocks(db)
    const shown = device === null ? await allClocks(db) : await oneDevice(db, device)
    console.log(json ? JSON.stringify(shown.json, null, 2) : shown.text)
  })
}

interface Shown {
  readonly json: unknown
  readonly text: string
}

/** A head-end of an older version has not made the tables yet. */
async function assertClocks({ pool }: Db): Promise<void> {
  if (!(await hasClockTables(pool))) {
    throw new FaultError('OPS-08', 'no clocks in it: start "ticklock up" of this version first')
  }
}

async function allClocks({ kysely }: Db): Promise<Shown> {
  const [head, slaves] = await Promise.all([
    clockReads(kysely).headClock(),
    slaveClocks(kysely, SLAVES_MAX),
  ])
  const parts =
    head === null
      ? ['The head-end has not reported its clock yet.']
      : [trackingText(head), sourcesText(head.sources)]
  return { json: { head, slaves }, text: [...parts, slavesText(slaves)].join('\n\n') }
}

async function oneDevice({ kysely }: Db, name: string): Promise<Shown> {
  const device = await findDevice(kysely, name)
  const reads = clockReads(kysely)
  const [history, meters] = await Promise.all([
    reads.clock({ device: device.id, meter: '' }, unixMs(Date.now())),
    reads.meterClocks(device.id),
  ])
  const own = history === null ? null : { ...history.clock, name: device.name }
  const events = history?.events ?? []
  const text = [slavesText(own === null ? [] : [own]), meterClocksText(meters)]
  return {
    json: { slave: own, meters, events },
    text: [...text, clockEventsText(events)].join('\n\n'),
  }
}
