// The profile of the utility: one row, and logos that are kept under their hash.

import { type Kysely, sql, type Transaction } from 'kysely'
import { effectiveProfile, type UtilityEnvironment } from '../core/environment.ts'
import { NEW_PROFILE, type Profile, type ProfileEntry } from '../core/profile.ts'
import type { CheckedLogo } from '../core/logo.ts'
import { type Author, recordChange } from '../../store/changes.ts'
import type { Database } from '../../store/schema.ts'

type Db = Kysely<Database>

/** Which row of `changes` is about what of the utility. */
export const UTILITY_ROWS = { profile: 1, mail: 2, sms: 3 } as const

export interface StoredProfile {
  readonly profile: Profile
  /** Grows with every change. */
  readonly version: number
  /** Steps of the checklist that do not apply here. */
  readonly skipped: readonly string[]
}

/** What is stored, whatever the environment says. */
export async function storedProfile(db: Db): Promise<StoredProfile> {
  const row = await db
    .selectFrom('utility')
    .leftJoin('utility_logos', 'utility_logos.hash', 'utility.logo')
    .selectAll('utility')
    .select(['utility_logos.type', 'utility_logos.width', 'utility_logos.height'])
    .executeTakeFirst()
  if (row === undefined) return { profile: NEW_PROFILE, version: 1, skipped: [] }
  const { logo, type, width, height } = row
  const known = logo !== null && type !== null && width !== null && height !== null
  return {
    profile: {
      name: row.name,
      address: row.address,
      contact: row.contact,
      payment: row.payment,
      legal: row.legal,
      currency: row.currency,
      zone: row.zone,
      billedFrom: row.billed_from,
      issuing: row.issuing,
      publicUrl: row.public_url,
      logo: known ? { hash: logo.toString('hex'), type, width, height } : null,
    },
    version: row.version,
    skipped: row.skipped,
  }
}

/** The profile that holds now. Read for every bill run and every notice: a change on the page needs
 * no restart. */
export async function readUtility(
  db: Db,
  environment: Pick<UtilityEnvironment, 'profile'>,
): Promise<Profile> {
  return effectiveProfile((await storedProfile(db)).profile, environment)
}

export type Saved = { readonly is: 'saved' } | { readonly is: 'stale' }

/** Stores what was entered; `stale`: somebody changed it since that version. */
export async function saveProfile(
  db: Db,
  entry: { readonly profile: ProfileEntry; readonly version: number },
  author: Author,
): Promise<Saved> {
  return change(db, { version: entry.version, author }, async (trx, before) => {
    const { profile } = entry
    await trx
      .updateTable('utility')
      .set({
        name: profile.name,
        address: profile.address,
        contact: profile.contact,
        payment: [...profile.payment],
        legal: profile.legal,
        currency: profile.currency,
        zone: profile.zone,
        billed_from: profile.billedFrom,
        issuing: profile.issuing,
        public_url: profile.publicUrl,
      })
      .execute()
    return { ...profile, logo: before.logo }
  })
}

/** Stores another logo; null: none from now on. Bills that show an older one keep it. */
export async function saveLogo(db: Db, logo: CheckedLogo | null, author: Author): Promise<void> {
  await change(db, { version: null, author }, async (trx, before) => {
    const hash = logo === null ? null : Buffer.from(logo.hash, 'hex')
    if (logo !== null && hash !== null) {
      const { type, width, height } = logo
      await trx
        .insertInto('utility_logos')
        .values({ hash, type, width, height, content: Buffer.from(logo.content) })
        .onConflict((conflict) => conflict.doNothing())
        .execute()
    }
    await trx.updateTable('utility').set({ logo: hash }).execute()
    if (logo === null) return { ...before, logo: null }
    const { hash: name, type, width, height } = logo
    return { ...before, logo: { hash: name, type, width, height } }
  })
}

async function change(
  db: Db,
  { version, author }: { readonly version: number | null; readonly author: Author },
  write: (trx: Transaction<Database>, before: Profile) => Promise<Profile>,
): Promise<Saved> {
  return db.transaction().execute(async (trx) => {
    const row = await trx
      .selectFrom('utility')
      .select('version')
      .forUpdate()
      .executeTakeFirstOrThrow()
    if (version !== null && row.version !== version) return { is: 'stale' }
    const { profile: before } = await storedProfile(trx)
    const after = await write(trx, before)
    await trx.updateTable('utility').set({ version: sql<number>`version + 1` }).execute()
    await recordChange(trx, author, { what: 'utility', id: UTILITY_ROWS.profile, before, after })
    return { is: 'saved' }
  })
}

/** The bytes of a logo; null: there is none of that hash. */
export async function logoContent(
  db: Db,
  hash: string,
): Promise<{ readonly type: 'image/png' | 'image/jpeg'; readonly content: Buffer } | null> {
  const found = await db
    .selectFrom('utility_logos')
    .select(['type', 'content'])
    .where('hash', '=', Buffer.from(hash, 'hex'))
    .executeTakeFirst()
  return found ?? null
}

/** Marks a step of the checklist as not needed here, or as needed again. */
export async function setSkipped(
  db: Db,
  { step, skip }: { readonly step: string; readonly skip: boolean },
): Promise<void> {
  const without = sql<string[]>`array_remove(skipped, ${step})`
  await db
    .updateTable('utility')
    .set({ skipped: skip ? sql<string[]>`array_append(${without}, ${step})` : without })
    .execute()
}
