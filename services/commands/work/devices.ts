// `ticklock device` and `revoke`: against the running head-end's database, whose master notices
// within two seconds.

import { join } from 'node:path'
import { FaultError } from '../../../shared/node/fault-error.ts'
import { nodeRandom } from '../../../shared/node/node-suite.ts'
import { unixMs } from '../../../shared/units.ts'
import { historyFrom } from '../../billing/civil/calendar.ts'
import { createDevice, listDevices, revokeDevice } from '../../billing/fleet/db/roster.ts'
import { NO_ENVIRONMENT } from '../../billing/utility/core/environment.ts'
import { zoneOf } from '../../billing/utility/core/profile.ts'
import { readUtility } from '../../billing/utility/db/profile.ts'
import { newToken, TOKEN_LIFE_DAYS } from '../../enrolment-token.ts'
import { openKeyStore } from '../../master/shell/keys/key-store.ts'
import type { Settings } from '../../settings.ts'
import { deviceName, NAME_RULE } from '../../billing/fleet/core/device-name.ts'
import { findDevice, isCalled, withDatabase } from './database.ts'
import { parseInstant, setAsideNow } from './standing.ts'
import { grouped, terminalQr } from '../../billing/fleet/pages/token-labels.ts'

/** A device of this name, made when there is none, and its one-time token. OPS-12: no name. */
export async function registerDevice(settings: Settings, text: string): Promise<void> {
  await withDatabase(settings, async (db) => {
    const keys = openKeyStore(join(settings.dataFolder, 'keys'))
    const now = unixMs(Date.now())
    const utility = await readUtility(db.kysely, NO_ENVIRONMENT)
    const zone = settings.zone ?? zoneOf(utility)
    const known = (await listDevices(db.kysely)).find((device) => isCalled(device, text))
    const name = known?.name ?? deviceName(text)
    if (name === null) throw new FaultError('OPS-12', NAME_RULE)
    const device =
      known?.id ??
      (await createDevice(db.kysely, {
        id: nodeRandom(8),
        name,
        historyFrom: historyFrom(now, zone, utility.billedFrom),
      }))
    const token = await newToken(db, keys, device, now)
    console.log(`device ${device}  ${name}`)
    console.log(`token  ${grouped(token)}`)
    if (process.stdout.isTTY) console.log(terminalQr(token))
    console.log(`Good for ${TOKEN_LIFE_DAYS} days and for one slave. It is shown only now.`)
  })
}

/** Its link is cut within two seconds; what a thief sealed with it does not count. SEC-01 when
 * there is no such device. */
export async function revokeByName(
  settings: Settings,
  device: string,
  stolen: { readonly since: string; readonly reason: string } | null,
): Promise<void> {
  const from = stolen === null ? null : parseInstant('--stolen-since', stolen.since)
  await withDatabase(settings, async (db) => {
    const found = await findDevice(db.kysely, device)
    await revokeDevice(db.kysely, found.id)
    console.log(`device ${found.id}  ${found.name}  is revoked`)
    if (from !== null && stolen !== null) {
      await setAsideNow(db, { device: found, from, to: null, reason: stolen.reason })
      return
    }
    console.log('What it sealed still counts. If it was stolen:')
    console.log(`ticklock set-aside ${found.id} --from TIME --reason TEXT`)
  })
}
