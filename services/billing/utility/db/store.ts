// What the pages of the settings ask and do.

import type { Kysely } from 'kysely'
import type { ProfileEntry } from '../core/profile.ts'
import type { CheckedLogo } from '../core/logo.ts'
import type { MailService, SmsService } from '../core/services.ts'
import { type Author, changesOf } from '../../store/changes.ts'
import { instant } from '../../store/instants.ts'
import type { Database } from '../../store/schema.ts'
import type { UnixMs } from '../../../../shared/units.ts'
import { checklistFacts, type StoredFacts } from './checklist.ts'
import {
  logoContent,
  type Saved,
  saveLogo,
  saveProfile,
  setSkipped,
  type StoredProfile,
  storedProfile,
  UTILITY_ROWS,
} from './profile.ts'
import {
  forgetService,
  MAIL,
  type NewSecret,
  saveService,
  type Shape,
  SMS,
  type StoredService,
} from './services.ts'

export interface ServiceStore<Service> {
  read(): Promise<StoredService<Service> | null>
  save(
    entry: { readonly service: Service; readonly secret: NewSecret; readonly version: number },
    author: Author,
  ): Promise<Saved | { readonly is: 'unbound' }>
  forget(author: Author): Promise<void>
}

export interface UtilityStore {
  stored(): Promise<StoredProfile>
  save(
    entry: { readonly profile: ProfileEntry; readonly version: number },
    author: Author,
  ): Promise<Saved>
  saveLogo(logo: CheckedLogo | null, author: Author): Promise<void>
  logo(hash: string): ReturnType<typeof logoContent>
  skip(step: string, skip: boolean): Promise<void>
  facts(): Promise<StoredFacts>
  /** Who changed it last, and when; null: nobody. */
  lastChange(what: keyof typeof UTILITY_ROWS): Promise<LastChange | null>
  readonly mail: ServiceStore<MailService>
  readonly sms: ServiceStore<SmsService>
}

export interface LastChange {
  readonly who: string
  readonly at: UnixMs
}

export function utilityStore(db: Kysely<Database>): UtilityStore {
  return {
    stored: () => storedProfile(db),
    save: (entry, author) => saveProfile(db, entry, author),
    saveLogo: (logo, author) => saveLogo(db, logo, author),
    logo: (hash) => logoContent(db, hash),
    skip: (step, skip) => setSkipped(db, { step, skip }),
    facts: () => checklistFacts(db),
    async lastChange(what) {
      const [last] = await changesOf(db, [{ what: 'utility', id: UTILITY_ROWS[what] }], 1)
      return last === undefined ? null : { who: last.who, at: instant(last.at) }
    },
    mail: serviceStore(db, MAIL),
    sms: serviceStore(db, SMS),
  }
}

const serviceStore = <Service>(
  db: Kysely<Database>,
  shape: Shape<Service>,
): ServiceStore<Service> => ({
  read: () => shape.read(db),
  save: (entry, author) => saveService(db, shape, entry, author),
  forget: (author) => forgetService(db, shape, author),
})
