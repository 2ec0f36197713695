// `ticklock command`: tells one device to do something, through the running head-end's database.

import { setTimeout as wait } from 'node:timers/promises'
import { FAULTS, isFaultCode } from '../../../shared/faults.ts'
import { isMeterNumber } from '../../../shared/meter/reading.ts'
import { FaultError } from '../../../shared/node/fault-error.ts'
import { shiftMs, spanMs, unixMs } from '../../../shared/units.ts'
import type { CommandTask } from '../../../shared/wire/commands.ts'
import { SCHEDULE_SECONDS_MAX, SCHEDULE_SECONDS_MIN } from '../../../shared/wire/limits.ts'
import {
  COMMAND_LIFE,
  findCommand,
  giveCommand,
  isSchedule,
} from '../../billing/fleet/db/commands.ts'
import type { CommandRow } from '../../billing/fleet/core/views.ts'
import { findDevice, operator, withDatabase } from './database.ts'
import type { Settings } from '../../settings.ts'

const RANGE = `${SCHEDULE_SECONDS_MIN} to ${SCHEDULE_SECONDS_MAX}`
/** Longest wait for the receipt, ms: a slave that is linked answers within seconds. */
const RECEIPT_MS_MAX = 10_000
const LOOK_MS = 200
/** Longest life of a command, seconds: after a month nobody remembers why it was given. */
const EXPIRES_SECONDS_MAX = 30 * 86_400

/** `read-now [METER]`, `schedule METER SECONDS`, `sync-clock METER`; OPS-12 otherwise. */
function parseTask(words: readonly string[]): CommandTask {
  const [task, meter = null, seconds, ...rest] = words
  const fits = meter === null || isMeterNumber(meter)
  if (task === 'read-now' && fits && seconds === undefined) return { task, meter }
  if (meter !== null && fits && rest.length === 0) {
    if (task === 'sync-clock' && seconds === undefined) return { task, meter }
    const every = Number(seconds)
    if (task === 'schedule' && isSchedule(every)) return { task, meter, seconds: every }
  }
  throw new FaultError(
    'OPS-12',
    `"${words.join(' ')}" is none of read-now [METER], sync-clock METER, schedule METER SECONDS (${RANGE})`,
  )
}

function parseExpires(text: string | undefined): typeof COMMAND_LIFE {
  if (text === undefined) return COMMAND_LIFE
  const seconds = Number(text)
  if (/^\d{1,7}$/.test(text) && seconds >= 1 && seconds <= EXPIRES_SECONDS_MAX) {
    return spanMs(seconds * 1_000)
  }
  throw new FaultError('OPS-12', `--expires ${text} is not 1 to ${EXPIRES_SECONDS_MAX} seconds`)
}

/** Gives a command and waits a while for its receipt; exit code 1 when it was not done. */
export async function giveAndWait(
  settings: Settings,
  call: {
    /** By id or name. */
    readonly device: string
    readonly task: readonly string[]
    readonly expires: string | undefined
  },
): Promise<void> {
  const what = parseTask(call.task)
  const life = parseExpires(call.expires)
  await withDatabase(settings, async ({ kysely }) => {
    const device = await findDevice(kysely, call.device)
    const now = unixMs(Date.now())
    const given = await giveCommand(kysely, {
      device: device.id,
      what,
      askedBy: operator(),
      now,
      expires: shiftMs(now, life),
    })
    if (!given.ok) throw new FaultError(given.fault, device.name)
    const { number } = given
    console.log(`command ${number}  to ${device.id}  ${device.name}`)
    for (const since = performance.now(); performance.now() - since < RECEIPT_MS_MAX; ) {
      const row = await findCommand(kysely, device.id, number)
      if (row !== null && row.outcome !== null) {
        printReceipt(row)
        return
      }
      await wait(LOOK_MS)
    }
    const until = new Date(shiftMs(now, life)).toISOString()
    console.log(
      `waits: no receipt yet. The device may begin it until ${until}; its page says more.`,
    )
  })
}

function printReceipt({ outcome, detail }: CommandRow): void {
  if (outcome === 'done') {
    console.log('done')
    return
  }
  process.exitCode = 1
  if (outcome === 'unknown')
    console.log('unknown: the device was interrupted; it may or may not be done')
  else if (isFaultCode(detail)) {
    const { is, then } = FAULTS[detail]
    console.log(`refused: ${detail} ${is}. Remedy: ${then}.`)
  } else console.log(`refused: ${detail}`)
}
