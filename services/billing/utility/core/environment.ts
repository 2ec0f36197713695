// What the environment says of the utility: it stands above what is stored, and pages say so.

import type { Secret } from '../../../../shared/secret.ts'
import { faultLine } from '../../../../shared/faults.ts'
import {
  PROFILE_FIELDS,
  type Profile,
  type ProfileEntry,
  type ProfileErrors,
  type ProfileField,
  type ProfileValues,
} from './profile.ts'
import type { MailService, SmsService } from './services.ts'

/** A value, and what sets it: the name of a variable. */
export interface Fixed<T> {
  readonly value: T
  readonly by: string
}

/** A mail server or gateway with the secret that is sent to it; null: it wants none. */
export interface FixedService<Service> {
  readonly service: Service
  readonly secret: Secret | null
}

export interface UtilityEnvironment {
  readonly profile: { readonly [F in ProfileField]?: Fixed<ProfileEntry[F]> }
  readonly mail: Fixed<FixedService<MailService>> | null
  /** A sender alone, where the server is entered on the page. */
  readonly mailFrom: Fixed<string> | null
  readonly sms: Fixed<FixedService<SmsService>> | null
  readonly smsFrom: Fixed<string> | null
}

export const NO_ENVIRONMENT: UtilityEnvironment = {
  profile: {},
  mail: null,
  mailFrom: null,
  sms: null,
  smsFrom: null,
}

/** The profile that holds: what the environment sets, and otherwise what is stored. */
export function effectiveProfile(
  stored: Profile,
  { profile: fixed }: Pick<UtilityEnvironment, 'profile'>,
): Profile {
  return {
    name: fixed.name?.value ?? stored.name,
    address: fixed.address?.value ?? stored.address,
    contact: fixed.contact?.value ?? stored.contact,
    payment: fixed.payment?.value ?? stored.payment,
    legal: fixed.legal?.value ?? stored.legal,
    currency: fixed.currency?.value ?? stored.currency,
    zone: fixed.zone?.value ?? stored.zone,
    billedFrom: fixed.billedFrom?.value ?? stored.billedFrom,
    issuing: fixed.issuing?.value ?? stored.issuing,
    publicUrl: fixed.publicUrl?.value ?? stored.publicUrl,
    logo: stored.logo,
  }
}

/** Errors for what was sent for fields that the environment sets (OPS-37). The page offers no such
 * field; a form that was opened before a restart may. */
export function fixedErrors(
  typed: Partial<ProfileValues>,
  { profile: fixed }: Pick<UtilityEnvironment, 'profile'>,
): ProfileErrors {
  const errors: { -readonly [F in ProfileField]?: string } = {}
  for (const field of PROFILE_FIELDS) {
    const by = fixed[field]?.by
    if (by !== undefined && (typed[field] ?? '') !== '') errors[field] = faultLine('OPS-37', by)
  }
  return errors
}
