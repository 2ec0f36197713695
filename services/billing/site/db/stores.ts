// What the pages may ask the database: each domain's own reads, collected. A test can answer in
// their place.

import type { Kysely } from 'kysely'
import type { UnixMs } from '../../../../shared/units.ts'
import { type AccessStore, accessStore } from '../../access/db/access.ts'
import { type AccountStore, accountStore } from '../../access/db/operators.ts'
import { type AttentionReads, attentionReads } from '../../attention/db/board.ts'
import { boardStore, type BoardStore } from '../../bills/db/board-store.ts'
import { type BillReads, billReads } from '../../bills/db/reads.ts'
import { type ClockReads, clockReads } from '../../clocks/db/reads.ts'
import { type CustomerDetails, customerDetails } from '../../customers/db/details.ts'
import { type CustomerLists, customerLists } from '../../customers/db/lists.ts'
import { type CustomerWrites, customerWrites } from '../../customers/db/writes.ts'
import { type CustomerReads, customerReads } from '../../customers/db/reads.ts'
import { deviceName, type FleetReads, fleetReads } from '../../fleet/db/reads.ts'
import { type MeterStore, meterStore } from '../../fleet/db/meter-store.ts'
import { type NoticeReads, noticeReads } from '../../notices/db/reads.ts'
import type { UsageView } from '../../readings/core/views.ts'
import { type ManualStore, manualStore } from '../../readings/db/manual-store.ts'
import { type ReadingReads, readingReads } from '../../readings/db/reads.ts'
import { usageAt } from '../../readings/db/usage.ts'
import type { Database } from '../../store/schema.ts'
import { type TariffStore, tariffStore } from '../../tariffs/db/reads.ts'
import { type UtilityStore, utilityStore } from '../../utility/db/store.ts'
import { type AccountReads, accountReads } from './account.ts'
import { type SearchReads, searchReads } from './search.ts'

/** Everything that the web side reads and writes. */
export interface WebStores {
  readonly access: AccessStore
  readonly accounts: AccountStore
  readonly attention: AttentionReads
  readonly bills: BillReads
  readonly board: BoardStore
  readonly clocks: ClockReads
  readonly customers: CustomerReads
  readonly customerDetails: CustomerDetails
  readonly customerLists: CustomerLists
  readonly customerWrites: CustomerWrites
  readonly accountView: AccountReads
  readonly everything: SearchReads
  readonly fleet: FleetReads
  readonly meters: MeterStore
  readonly manual: ManualStore
  readonly notices: NoticeReads
  readonly readings: ReadingReads
  readonly tariffs: TariffStore
  readonly utility: UtilityStore
  readonly deviceName: (device: string) => Promise<string | null>
  readonly usage: (customer: number, now: UnixMs) => Promise<readonly UsageView[]>
}

export function webStores(db: Kysely<Database>): WebStores {
  const customers = customerReads(db)
  const bills = billReads(db)
  const notices = noticeReads(db)
  return {
    access: accessStore(db),
    accounts: accountStore(db),
    attention: attentionReads(db),
    board: boardStore(db),
    accountView: accountReads(db, { ofContract: bills.ofContract, aboutBill: notices.aboutBill }),
    bills,
    clocks: clockReads(db),
    customers,
    customerDetails: customerDetails(db),
    customerLists: customerLists(db),
    customerWrites: customerWrites(db),
    everything: searchReads(db),
    fleet: fleetReads(db),
    meters: meterStore(db),
    notices,
    manual: manualStore(db),
    readings: readingReads(db),
    tariffs: tariffStore(db),
    utility: utilityStore(db),
    deviceName: (device) => deviceName(db, device),
    usage: async (customer, now) => {
      const places = await customers.places(customer)
      const metered = places.flatMap(({ meter, zone, movedIn }) =>
        meter === null ? [] : [{ meter, zone, movedIn }],
      )
      return Promise.all(metered.map((place) => usageAt(db, place, now)))
    },
  }
}
