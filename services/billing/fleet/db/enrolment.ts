// Many devices at once, each with its one-time token: all of them, or none.

import { type Kysely, sql } from 'kysely'
import { toHex } from '../../../../shared/bytes.ts'
import type { UnixMs } from '../../../../shared/units.ts'
import { bump } from './device-rows.ts'
import type { Database } from '../../store/schema.ts'

export interface NewDevice {
  /** 8 random bytes. */
  readonly id: Uint8Array
  readonly name: string
  readonly historyFrom: UnixMs | null
  /** 8 random bytes. */
  readonly token: Uint8Array
  /** The token's, wrapped. */
  readonly secret: Uint8Array
}

/** Those of the names that devices already have. */
export async function knownNames(
  db: Kysely<Database>,
  names: readonly string[],
): Promise<readonly string[]> {
  const { rows } = await sql<{ name: string }>`
    select distinct name from devices where name = any(${[...names]}::text[]) order by name`.execute(
    db,
  )
  return rows.map(({ name }) => name)
}

/** Creates them in one transaction. Returns the names that exist already; if there are any, nothing
 * was created. */
export async function enrolDevices(
  db: Kysely<Database>,
  devices: readonly NewDevice[],
  tokens: { readonly expiresAt: UnixMs; readonly masterKey: Uint8Array },
): Promise<readonly string[]> {
  const ids = devices.map(({ id }) => toHex(id))
  const names = devices.map(({ name }) => name)
  return db.transaction().execute(async (tx) => {
    // Two of these at once would not see each other's names.
    await sql`lock table devices in share row exclusive mode`.execute(tx)
    const known = await knownNames(tx, names)
    if (known.length > 0) return known
    await sql`insert into devices (id, name, history_from)
      select * from unnest(${ids}::text[], ${names}::text[],
        ${devices.map(({ historyFrom: at }) => (at === null ? null : new Date(at)))}::timestamptz[])
      `.execute(tx)
    await sql`insert into enrolment_tokens (id, device_id, secret, expires_at, master_key)
      select t.*, ${new Date(tokens.expiresAt)}::timestamptz, ${Buffer.from(tokens.masterKey)}::bytea
      from unnest(${devices.map(({ token }) => toHex(token))}::text[], ${ids}::text[],
        ${devices.map(({ secret }) => Buffer.from(secret))}::bytea[]) as t`.execute(tx)
    await bump(tx)
    return []
  })
}
