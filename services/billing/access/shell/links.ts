// Links that let somebody in. The secret exists only in the address; the database keeps its hash.
// So a link is made at the moment it is printed or sent, and never stored in the text of a notice.

import type { Kysely } from 'kysely'
import { shiftMs, spanMs, type UnixMs } from '../../../../shared/units.ts'
import { storeLink } from '../db/access.ts'
import type { Database } from '../../store/schema.ts'
import type { Random } from '../../../../shared/bytes.ts'
import { CUSTOMER_LINK_MS, SETUP_LINK_MS } from '../core/limits.ts'
import { LINK_BYTES, tokenHash, tokenText } from './tokens.ts'

export interface LinkSource {
  readonly db: Kysely<Database>
  readonly random: Random
  readonly baseUrl: string
}

/** An address that lets one customer in until it expires. */
export async function customerLink(
  { db, random, baseUrl }: LinkSource,
  customerId: number,
  now: UnixMs,
): Promise<string> {
  const token = tokenText(random(LINK_BYTES))
  const expiresAt = shiftMs(now, spanMs(CUSTOMER_LINK_MS))
  await storeLink(db, { hash: tokenHash(token), purpose: 'customer', customerId, expiresAt })
  return `${baseUrl}/c/${token}`
}

/** An address that creates the first operator, once. */
export async function setupLink({ db, random, baseUrl }: LinkSource, now: UnixMs): Promise<string> {
  const token = tokenText(random(LINK_BYTES))
  const expiresAt = shiftMs(now, spanMs(SETUP_LINK_MS))
  await storeLink(db, { hash: tokenHash(token), purpose: 'setup', customerId: null, expiresAt })
  return `${baseUrl}/setup/${token}`
}
