// `ticklock set-aside` and `adopt`: whose readings count, said by an operator, in the running
// head-end's database.

import { FaultError } from '../../../shared/node/fault-error.ts'
import type { UnixMs } from '../../../shared/units.ts'
import { parseUtc, utcText } from '../../billing/civil/calendar.ts'
import { adoptMeter } from '../../billing/readings/db/meters.ts'
import { liftSetAside, setAside } from '../../billing/readings/db/set-aside.ts'
import type { Db } from '../../billing/store/pool.ts'
import type { Settings } from '../../settings.ts'
import { findDevice, operator, withDatabase } from './database.ts'

/** An instant with its zone; OPS-12 otherwise. */
export function parseInstant(option: string, text: string): UnixMs {
  const at = parseUtc(text)
  if (at === null) {
    throw new FaultError('OPS-12', `${option} ${text} is no time such as 2026-11-30T12:00:00Z`)
  }
  return at
}

/** Sets aside what the device sealed, and says so. */
export async function setAsideNow(
  db: Db,
  range: {
    readonly device: { readonly id: string; readonly name: string }
    readonly from: UnixMs
    readonly to: UnixMs | null
    readonly reason: string
  },
): Promise<void> {
  const { device, from, to, reason } = range
  const by = operator()
  const made = await setAside(db.kysely, { device: device.id, from, to, reason, by })
  if (made === null) throw new FaultError('SEC-01', device.name)
  const until = to === null ? '' : ` until ${utcText(to)}`
  console.log(`range ${made.number}: what ${device.name} sealed from ${utcText(from)}${until} on`)
  console.log(`is set aside: ${made.readings} readings so far no longer count. To undo it:`)
  console.log(`ticklock set-aside ${device.id} --lift ${made.number} --reason TEXT`)
}

export async function setAsideByName(
  settings: Settings,
  call: {
    readonly device: string
    readonly from: string
    readonly to: string | null
    readonly reason: string
  },
): Promise<void> {
  const from = parseInstant('--from', call.from)
  const to = call.to === null ? null : parseInstant('--to', call.to)
  if (to !== null && to <= from) throw new FaultError('OPS-12', '--to is not after --from')
  await withDatabase(settings, async (db) => {
    const device = await findDevice(db.kysely, call.device)
    await setAsideNow(db, { device, from, to, reason: call.reason })
  })
}

export async function liftByNumber(
  settings: Settings,
  call: { readonly device: string; readonly number: string; readonly reason: string },
): Promise<void> {
  const number = /^\d{1,9}$/.test(call.number) ? Number(call.number) : null
  if (number === null) throw new FaultError('OPS-12', `--lift ${call.number} is no number`)
  await withDatabase(settings, async (db) => {
    const { id: device, name } = await findDevice(db.kysely, call.device)
    const lift = { device, number, reason: call.reason, by: operator() }
    if (!(await liftSetAside(db.kysely, lift))) {
      throw new FaultError('OPS-12', `${name} has no range ${number} that still holds`)
    }
    console.log(`range ${number} of ${name} counts again`)
  })
}

export async function adoptByName(
  settings: Settings,
  call: { readonly meter: string; readonly device: string | null },
): Promise<void> {
  await withDatabase(settings, async (db) => {
    const named = call.device === null ? null : (await findDevice(db.kysely, call.device)).id
    const meter = { number: call.meter, device: named, by: operator() }
    const device = await adoptMeter(db.pool, meter)
    const { name } = await findDevice(db.kysely, device)
    console.log(`meter ${call.meter} is read by ${name} (${device}); bills are made from it`)
    console.log(
      'Whoever else reported it is an alarm (SEC-13); what they sent of it does not count.',
    )
  })
}
