// One-time enrolment tokens, which the command line, the demo and the attacker issue.

import { toHex } from '../shared/bytes.ts'
import type { DeviceId } from '../shared/handover/sink.ts'
import { nodeRandom, nodeSuite } from '../shared/node/node-suite.ts'
import { Secret } from '../shared/secret.ts'
import { masterKeyTag } from '../shared/tves/handshake.ts'
import { encodeToken, fingerprint } from '../shared/tves/token.ts'
import { shiftMs, spanMs, type UnixMs } from '../shared/units.ts'
import { enrolDevices } from './billing/fleet/db/enrolment.ts'
import { issueToken } from './billing/fleet/db/roster.ts'
import type { Db } from './billing/store/pool.ts'
import type { KeyStore } from './master/shell/keys/key-store.ts'

/** How long an enrolment token is good. */
export const TOKEN_LIFE_DAYS = 7
export const TOKEN_LIFE = spanMs(TOKEN_LIFE_DAYS * 86_400_000)

/** Issues a one-time token for a device: 64 characters, good for a week, stored wrapped only. */
export async function newToken(
  db: Db,
  keys: KeyStore,
  device: DeviceId,
  now: UnixMs,
): Promise<string> {
  const [id, secret] = [nodeRandom(8), nodeRandom(16)]
  const expiresAt = shiftMs(now, TOKEN_LIFE)
  const [{ publicKey }] = keys.staticKeys
  const masterKey = masterKeyTag(nodeSuite, publicKey)
  const wrapped = keys.wrap(secret, { is: 'token', device, token: toHex(id) })
  await issueToken(db.kysely, { id, device, secret: wrapped, expiresAt, masterKey })
  const print = fingerprint(nodeSuite, publicKey)
  return encodeToken({ id, secret: new Secret(secret), fingerprint: print })
}

/** Makes a device and its token at once; null: there is a device of this name. */
export async function newDevice(
  db: Db,
  keys: KeyStore,
  device: { readonly name: string; readonly historyFrom: UnixMs },
  now: UnixMs,
): Promise<{ readonly device: DeviceId; readonly token: string } | null> {
  const [id, token, clear] = [nodeRandom(8), nodeRandom(8), nodeRandom(16)]
  const [{ publicKey }] = keys.staticKeys
  const place = { is: 'token', device: toHex(id), token: toHex(token) } as const
  const secret = keys.wrap(clear, place)
  const tokens = {
    expiresAt: shiftMs(now, TOKEN_LIFE),
    masterKey: masterKeyTag(nodeSuite, publicKey),
  }
  const known = await enrolDevices(db.kysely, [{ ...device, id, token, secret }], tokens)
  if (known.length > 0) return null
  const print = fingerprint(nodeSuite, publicKey)
  const text = encodeToken({ id: token, secret: new Secret(clear), fingerprint: print })
  return { device: place.device, token: text }
}
