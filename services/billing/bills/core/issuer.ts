// Who a bill is from, as its content holds it.

import type { Profile } from '../../utility/core/profile.ts'
import type { Utility } from './bill-content.ts'

/** What the utility says about bills. */
export interface BillOrders {
  /** Null: it has no name yet. */
  readonly utility: Utility | null
  readonly issuing: 'automatic' | 'by hand'
}

/** Null: the utility has no name, and no bill is issued for it (BIL-19). */
export const issuerOf = (profile: Profile): Utility | null =>
  profile.name === null
    ? null
    : {
        name: profile.name,
        address: profile.address,
        contact: profile.contact,
        payment: profile.payment,
        ...(profile.legal === '' ? {} : { legal: profile.legal }),
        ...(profile.logo === null ? {} : { logo: profile.logo.hash }),
      }
