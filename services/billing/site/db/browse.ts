// What the pages may ask the database. Fleet, bills and usage each have their own file; the
// interfaces are here, so that a test can answer in their place.

import type { Kysely } from 'kysely'
import type { UnixMs } from '../../../../shared/units.ts'
import type {
  BillRow,
  BillView,
  DeviceView,
  ExceptionRow,
  FleetRow,
  HomeView,
  LiveRow,
  NoticeRow,
  NoticeState,
  RefusalRow,
  RetimedRow,
  TariffRow,
  UsageView,
} from '../pages/views.ts'
import { type AccessStore, accessStore } from '../../access/db/access.ts'
import { billReads } from '../../bills/db/reads.ts'
import { type ClockReads, clockReads } from '../../clocks/db/reads.ts'
import { customerReads } from '../../customers/db/reads.ts'
import { fleetReads } from '../../fleet/db/reads.ts'
import { retimedReads } from '../../readings/db/retimed-reads.ts'
import type { Database } from '../../store/schema.ts'

/** Keyset page: rows with an id below `before`, newest first. */
export interface Slice {
  readonly state: NoticeState | null
  readonly before: number | null
}

export interface OperatorReads extends ClockReads {
  fleet(): Promise<readonly FleetRow[]>
  device(id: string, now: UnixMs): Promise<DeviceView | null>
  /** Newest first; `meter` is the start of a meter number, empty for all. */
  live(meter: string): Promise<readonly LiveRow[]>
  /** Readings taken under an unsure clock, newest first; `meter` as for `live`. */
  retimed(meter: string): Promise<readonly RetimedRow[]>
  refusals(since: UnixMs): Promise<readonly RefusalRow[]>
  exceptions(): Promise<readonly ExceptionRow[]>
  bills(slice: Slice): Promise<readonly BillRow[]>
  bill(id: number): Promise<BillView | null>
  billNotices(id: number): Promise<readonly NoticeRow[]>
  notices(slice: Slice): Promise<readonly NoticeRow[]>
  tariffs(): Promise<readonly TariffRow[]>
}

/** Every query names the customer: there is no way to ask for somebody else's rows. */
export interface CustomerReads {
  home(customer: number): Promise<HomeView | null>
  bills(customer: number): Promise<readonly BillRow[]>
  bill(customer: number, id: number): Promise<BillView | null>
  usage(customer: number, now: UnixMs): Promise<readonly UsageView[]>
}

/** All that the web side reads and writes. */
export const webStores = (
  db: Kysely<Database>,
): { access: AccessStore; operators: OperatorReads; customers: CustomerReads } => ({
  access: accessStore(db),
  operators: { ...fleetReads(db), ...clockReads(db), ...retimedReads(db), ...billReads(db) },
  customers: customerReads(db),
})
