// Who may call: devices, tokens and epochs in the database, for masters (Roster) and for operators.
// Every secret arrives wrapped; this file could not read one if it wanted to.

import { type Kysely, type Transaction, sql } from 'kysely'
import {
  type DeviceRecord,
  type EpochRecord,
  type Roster,
  RosterConflict,
  type TokenRecord,
} from '../../../../shared/handover/roster.ts'
import type { DeviceId } from '../../../../shared/handover/sink.ts'
import { equalConstantTime, toHex } from '../../../../shared/bytes.ts'
import { errorCode } from '../../../../shared/node/fault-error.ts'
import { type UnixMs, unixMs } from '../../../../shared/units.ts'
import { bump, deviceRecord } from './device-rows.ts'
import { calledUnder, olderKeys, rewrapEpochs } from './master-keys.ts'
import { rewrapSecrets } from './secrets.ts'
import {
  drainedEpochs,
  drainEpoch,
  epochsLetGo,
  namedEpochs,
  readEpochs,
  reviveEpoch,
  tidyEpochs,
} from './epochs.ts'
import { raiseDoubts } from '../../readings/db/doubts.ts'
import { readPositions } from '../../readings/db/positions.ts'
import { counted } from '../../store/counters.ts'
import type { Database } from '../../store/schema.ts'

type Db = Kysely<Database>
type Tx = Transaction<Database>

const UNIQUE_VIOLATION = '23505'

async function readDevices(db: Db): Promise<readonly DeviceRecord[]> {
  const rows = await db.selectFrom('devices').selectAll().execute()
  return rows.map(deviceRecord)
}

async function readTokens(db: Db): Promise<readonly TokenRecord[]> {
  const rows = await db.selectFrom('enrolment_tokens').selectAll().execute()
  return rows.map((row) => ({
    id: row.id,
    device: row.device_id,
    secret: row.secret,
    expiresAt: unixMs(row.expires_at.getTime()),
    burntBy: row.burnt_by,
    ...(row.master_key === null ? {} : { masterKey: row.master_key }),
  }))
}

type Enrolment = Parameters<Roster['enrol']>[0]

async function enrol(tx: Tx, entry: Enrolment): Promise<void> {
  const token = await tx
    .selectFrom('enrolment_tokens')
    .selectAll()
    .where('id', '=', entry.token)
    .where('device_id', '=', entry.device)
    .forUpdate()
    .executeTakeFirst()
  if (token === undefined) throw new RosterConflict('the token is gone')
  if (token.burnt_by !== null && !equalConstantTime(token.burnt_by, entry.staticKey)) {
    throw new RosterConflict('another key holds the token')
  }
  const device = await tx
    .selectFrom('devices')
    .selectAll()
    .where('id', '=', entry.device)
    .forUpdate()
    .executeTakeFirstOrThrow()
  if (device.revoked_at !== null) throw new RosterConflict('the device is revoked')
  // The slave counts attempts beside its key: another key starts again.
  const known = device.static_key !== null && equalConstantTime(device.static_key, entry.staticKey)
  // Its psk opens nothing, and that harms nobody: the slave's later attempt stands.
  if (known && device.attempt >= entry.attempt) return
  await tx
    .updateTable('enrolment_tokens')
    .set({ burnt_by: Buffer.from(entry.staticKey), burnt_at: sql`coalesce(burnt_at, now())` })
    .where('id', '=', entry.token)
    .execute()
  await tx
    .updateTable('devices')
    .set({
      static_key: Buffer.from(entry.staticKey),
      psk: Buffer.from(entry.psk),
      attempt: entry.attempt,
      // It calls under the token's key first; its first CONFIRM shows which one that is.
      master_key: null,
    })
    .where('id', '=', entry.device)
    .execute()
}

async function commitEpoch(tx: Tx, epoch: EpochRecord, staticKey: Uint8Array): Promise<void> {
  const { device, id } = epoch
  // The caller may have been revoked since its link was last compared: its epoch must not close
  // those of the device's next owner.
  const caller = await tx
    .selectFrom('devices')
    .select('id')
    .where('id', '=', device)
    .where('static_key', '=', Buffer.from(staticKey))
    .where('revoked_at', 'is', null)
    .forShare()
    .executeTakeFirst()
  if (caller === undefined) throw new RosterConflict('the device has another key, or is revoked')
  const added = await tx
    .insertInto('epochs')
    .values({
      device_id: device,
      id,
      origin: new Date(epoch.origin),
      transcript: Buffer.from(epoch.transcript),
      keys: Buffer.from(epoch.keys),
      closed_at: epoch.closed ? sql`now()` : null,
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst()
  if (added.numInsertedOrUpdatedRows === 0n) {
    const known = await tx
      .selectFrom('epochs')
      .select('transcript')
      .where('device_id', '=', device)
      .where('id', '=', id)
      .executeTakeFirstOrThrow()
    if (equalConstantTime(known.transcript, epoch.transcript)) return
    throw new RosterConflict('another epoch has this number')
  }
  await tx
    .updateTable('epochs')
    .set({ closed_at: sql`now()` })
    .where('device_id', '=', device)
    .where('id', '<>', id)
    .where('closed_at', 'is', null)
    .execute()
}

/** The roster as masters see it. */
export function openRoster(db: Db): Roster {
  return {
    load: () =>
      // One snapshot: the revision belongs to exactly these rows.
      db
        .transaction()
        .setIsolationLevel('repeatable read')
        .execute(async (tx) => {
          const epochs = await readEpochs(tx)
          return {
            revision: await counted(tx, 'roster'),
            devices: await readDevices(tx),
            tokens: await readTokens(tx),
            epochs,
            positions: await readPositions(tx, epochs),
            letGo: await epochsLetGo(tx),
          }
        }),
    revision: () => counted(db, 'roster'),
    async enrol(entry) {
      try {
        await db.transaction().execute((tx) => enrol(tx, entry))
      } catch (error) {
        if (errorCode(error) !== UNIQUE_VIOLATION) throw error
        throw new RosterConflict('this key belongs to another device')
      }
    },
    commitEpoch: (epoch, staticKey) =>
      db.transaction().execute((tx) => commitEpoch(tx, epoch, staticKey)),
    drainEpoch: (name, keys) => drainEpoch(db, name, keys),
    drainedEpochs: (device, ids) => drainedEpochs(db, device, ids),
    reviveEpoch: (name, keys) => reviveEpoch(db, name, keys),
    doubt: (doubt) => raiseDoubts(db, [doubt], doubt.about),
    namedEpochs: (device, ids) => namedEpochs(db, device, ids),
    tidyEpochs: () => db.transaction().execute((tx) => tidyEpochs(tx)),
    rewrap: (rewrap) => rewrapEpochs(db, rewrap),
    rewrapSecrets: (rewrap) => rewrapSecrets(db, rewrap),
    calledUnder: (tags) => calledUnder(db, tags),
    olderKeys: (tag) => olderKeys(db, tag),
  }
}

/** Creates a device. `id`: 8 random bytes. `historyFrom`: how far back it fills from its meters'
 * load profiles; null: not at all. */
export async function createDevice(
  db: Db,
  device: {
    readonly id: Uint8Array
    readonly name: string
    readonly historyFrom: UnixMs | null
  },
): Promise<DeviceId> {
  const id = toHex(device.id)
  await db.transaction().execute(async (tx) => {
    await tx
      .insertInto('devices')
      .values({
        id,
        name: device.name,
        static_key: null,
        psk: null,
        history_from: device.historyFrom === null ? null : new Date(device.historyFrom),
        revoked_at: null,
        master_key: null,
      })
      .execute()
    await bump(tx)
  })
  return id
}

/** Stores a one-time token. It lets a revoked device in again, but only with a new key: the old key
 * and psk are wiped. */
export async function issueToken(
  db: Db,
  token: {
    /** 8 random bytes. */
    readonly id: Uint8Array
    readonly device: DeviceId
    /** Wrapped. */
    readonly secret: Uint8Array
    readonly expiresAt: UnixMs
    /** Tag of the master's key whose fingerprint it carries. */
    readonly masterKey: Uint8Array
  },
): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await tx
      .updateTable('devices')
      .set({ revoked_at: null, static_key: null, psk: null, attempt: 0 })
      .where('id', '=', token.device)
      .where('revoked_at', 'is not', null)
      .execute()
    await tx
      .insertInto('enrolment_tokens')
      .values({
        id: toHex(token.id),
        device_id: token.device,
        secret: Buffer.from(token.secret),
        expires_at: new Date(token.expiresAt),
        burnt_by: null,
        burnt_at: null,
        master_key: Buffer.from(token.masterKey),
      })
      .execute()
    await bump(tx)
  })
}

/** Revokes a device and takes away its tokens. False when there is no such device. */
export async function revokeDevice(db: Db, device: DeviceId): Promise<boolean> {
  return db.transaction().execute(async (tx) => {
    const { numUpdatedRows } = await tx
      .updateTable('devices')
      .set({ revoked_at: sql`coalesce(revoked_at, now())` })
      .where('id', '=', device)
      .executeTakeFirst()
    await tx.deleteFrom('enrolment_tokens').where('device_id', '=', device).execute()
    await bump(tx)
    return numUpdatedRows > 0n
  })
}

/** All devices, by name. */
export async function listDevices(db: Db): Promise<readonly DeviceRecord[]> {
  return (await readDevices(db)).toSorted((a, b) => a.name.localeCompare(b.name))
}
