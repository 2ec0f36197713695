// What the routes of customers need from the rest.

import type { UnixMs } from '../../../../shared/units.ts'
import type { CustomerDetails } from '../db/details.ts'
import type { CustomerLists } from '../db/lists.ts'
import type { CustomerWrites } from '../db/writes.ts'

export interface CustomerDeps {
  readonly customerLists: CustomerLists
  readonly customerDetails: CustomerDetails
  readonly customerWrites: CustomerWrites
  readonly now: () => UnixMs
}
