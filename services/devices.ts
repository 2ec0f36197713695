// `ticklock device` and `ticklock revoke`: against the running head-end's database, whose master
// notices within two seconds.

import { join } from 'node:path'
import type { DeviceRecord } from '../shared/handover/roster.ts'
import type { DeviceId } from '../shared/handover/sink.ts'
import { FaultError } from '../shared/node/fault-error.ts'
import { nodeRandom, nodeSuite } from '../shared/node/node-suite.ts'
import { Secret } from '../shared/tves/secret.ts'
import { encodeToken, fingerprint } from '../shared/tves/token.ts'
import { shiftMs, spanMs, type UnixMs, unixMs } from '../shared/units.ts'
import { historyFrom } from './billing/core/calendar.ts'
import { type Db, openDatabase, reach } from './billing/db/pool.ts'
import { createDevice, issueToken, listDevices, revokeDevice } from './billing/db/roster.ts'
import { runningPostgres } from './billing/shell/embedded-postgres.ts'
import { type KeyStore, openKeyStore } from './master/shell/key-store.ts'
import type { Settings } from './settings.ts'

/** An enrolment token is good for a week. */
const TOKEN_LIFE = spanMs(7 * 86_400_000)
/** Characters in a group of the printed token. */
const GROUP = 4

export async function registerDevice(settings: Settings, name: string): Promise<void> {
  await withDatabase(settings, async (db) => {
    const keys = openKeyStore(join(settings.dataFolder, 'keys'))
    const now = unixMs(Date.now())
    const known = (await listDevices(db.kysely)).find((device) => device.name === name)
    const zone = process.env['TICKLOCK_ZONE'] ?? 'UTC'
    const device =
      known?.id ??
      (await createDevice(db.kysely, {
        id: nodeRandom(8),
        name,
        historyFrom: historyFrom(now, zone),
      }))
    const token = await newToken(db, keys, device, now)
    console.log(`device ${device}  ${name}`)
    console.log(`token  ${(token.match(new RegExp(`.{${GROUP}}`, 'g')) ?? []).join('-')}`)
    console.log('Good for seven days, for one slave. It is shown this once.')
  })
}

/** Issues a one-time token for a device: 64 characters, good for a week, stored wrapped only. */
export async function newToken(
  db: Db,
  keys: KeyStore,
  device: DeviceId,
  now: UnixMs,
): Promise<string> {
  const [id, secret] = [nodeRandom(8), nodeRandom(16)]
  const expiresAt = shiftMs(now, TOKEN_LIFE)
  await issueToken(db.kysely, { id, device, secret: keys.wrap(secret), expiresAt })
  const print = fingerprint(nodeSuite, keys.staticKey.publicKey)
  return encodeToken({ id, secret: new Secret(secret), fingerprint: print })
}

export async function revoke(settings: Settings, device: string): Promise<void> {
  await withDatabase(settings, async (db) => {
    const found = await findDevice(db.kysely, device)
    await revokeDevice(db.kysely, found.id)
    console.log(`device ${found.id}  ${found.name}  is revoked`)
  })
}

/** By id or name; SEC-01 when there is none. */
export async function findDevice(db: Db['kysely'], device: string): Promise<DeviceRecord> {
  const found = (await listDevices(db)).find(({ id, name }) => id === device || name === device)
  if (found === undefined) throw new FaultError('SEC-01', device)
  return found
}

export async function withDatabase(
  settings: Settings,
  work: (db: Db) => Promise<void>,
): Promise<void> {
  const connection =
    settings.databaseUrl ?? runningPostgres(join(settings.dataFolder, 'postgresql'))
  if (connection === null) {
    throw new FaultError('OPS-08', 'start "ticklock up" first, or set DATABASE_URL')
  }
  const db = openDatabase(connection, (line) => console.error(line))
  try {
    const client = await reach(db.pool)
    client.release()
    await work(db)
  } finally {
    await db.close()
  }
}
