// The mail server and the SMS gateway as entered on pages. The secret is a wrapped blob that this
// file could not read; without a new one the kept one stays, as long as it goes to the same peer.

import { type Kysely, sql } from 'kysely'
import {
  type MailService,
  mailPeerName,
  mailValues,
  type SmsService,
  smsPeerName,
  smsValues,
} from '../core/services.ts'
import { type Author, recordChange } from '../../store/changes.ts'
import type { Database } from '../../store/schema.ts'
import { type Saved, UTILITY_ROWS } from './profile.ts'

type Db = Kysely<Database>

export interface StoredService<Service> {
  readonly service: Service
  /** Wrapped; null: the peer wants none. */
  readonly secret: Uint8Array | null
  readonly version: number
}

/** How one of the two lies in the database. */
export interface Shape<Service> {
  readonly what: 'mail' | 'sms'
  read(db: Db): Promise<StoredService<Service> | null>
  write(db: Db, service: Service, secret: Buffer | null): Promise<void>
  /** For the record of changes. */
  told(service: Service): Readonly<Record<string, string>>
  peerName(service: Service): string
}

export const MAIL: Shape<MailService> = {
  what: 'mail',
  async read(db) {
    const row = await db.selectFrom('mail_service').selectAll().executeTakeFirst()
    if (row === undefined) return null
    const { host, port, tls, login, sender, secret, version } = row
    return { service: { peer: { host, port, tls, login }, from: sender }, secret, version }
  },
  async write(db, { peer, from: sender }, secret) {
    const values = { ...peer, sender, secret }
    await db
      .insertInto('mail_service')
      .values(values)
      .onConflict((conflict) =>
        conflict
          .column('id')
          .doUpdateSet({ ...values, version: sql<number>`mail_service.version + 1` }),
      )
      .execute()
  },
  told: mailValues,
  peerName: ({ peer }) => mailPeerName(peer),
}

export const SMS: Shape<SmsService> = {
  what: 'sms',
  async read(db) {
    const row = await db.selectFrom('sms_service').selectAll().executeTakeFirst()
    if (row === undefined) return null
    const { kind, base, login, sender, secret, version } = row
    return { service: { peer: { kind, base, login }, from: sender }, secret, version }
  },
  async write(db, { peer, from: sender }, secret) {
    const values = { ...peer, sender, secret }
    await db
      .insertInto('sms_service')
      .values(values)
      .onConflict((conflict) =>
        conflict
          .column('id')
          .doUpdateSet({ ...values, version: sql<number>`sms_service.version + 1` }),
      )
      .execute()
  },
  told: smsValues,
  peerName: ({ peer }) => smsPeerName(peer),
}

/** What becomes of the secret: `kept` holds only while the peer stays the same. */
export type NewSecret =
  | { readonly is: 'kept' }
  | { readonly is: 'set'; readonly wrapped: Uint8Array | null }

/** Stores what was entered; `stale`: somebody changed it since that version (0: there was none);
 * `unbound`: the kept secret belongs to another peer. */
export async function saveService<Service>(
  db: Db,
  shape: Shape<Service>,
  entry: {
    readonly service: Service
    readonly secret: NewSecret
    readonly version: number
  },
  author: Author,
): Promise<Saved | { readonly is: 'unbound' }> {
  return db.transaction().execute(async (trx) => {
    // The profile's row is there from the first migration on: two first entries meet at it.
    await trx.selectFrom('utility').select('id').forUpdate().execute()
    const before = await shape.read(trx)
    if ((before?.version ?? 0) !== entry.version) return { is: 'stale' }
    const { service } = entry
    const kept = entry.secret.is === 'kept'
    const same = before !== null && shape.peerName(before.service) === shape.peerName(service)
    if (kept && before?.secret && !same) return { is: 'unbound' }
    const secret = entry.secret.is === 'kept' ? (before?.secret ?? null) : entry.secret.wrapped
    await shape.write(trx, service, secret === null ? null : Buffer.from(secret))
    await recordChange(trx, author, {
      what: 'utility',
      id: UTILITY_ROWS[shape.what],
      before: before === null ? null : told(shape, before, 'kept'),
      after: told(shape, { service, secret }, kept ? 'kept' : 'new'),
    })
    return { is: 'saved' }
  })
}

/** Forgets it: notices of that channel wait from now on. */
export async function forgetService<Service>(
  db: Db,
  shape: Shape<Service>,
  author: Author,
): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await trx.selectFrom('utility').select('id').forUpdate().execute()
    const before = await shape.read(trx)
    if (before === null) return
    await trx.deleteFrom(shape.what === 'mail' ? 'mail_service' : 'sms_service').execute()
    const record = told(shape, before, 'kept')
    await recordChange(trx, author, {
      what: 'utility',
      id: UTILITY_ROWS[shape.what],
      before: record,
      after: null,
    })
  })
}

/** Never the secret itself, wrapped or not. */
const told = <Service>(
  shape: Shape<Service>,
  { service, secret }: { readonly service: Service; readonly secret: Uint8Array | null },
  which: string,
): object => ({ ...shape.told(service), secret: secret === null ? 'none' : which })
