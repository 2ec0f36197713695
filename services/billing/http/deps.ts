// What the web side needs of the rest. db/browse.ts makes the readers from a Kysely; tests make them up.

import type { FastifyBaseLogger } from 'fastify'
import type { UnixMs } from '../../../shared/units.ts'
import type { AccessStore } from '../db/access.ts'
import type {
  Backfill,
  BillRow,
  BillView,
  DeviceView,
  ExceptionRow,
  FleetRow,
  HomeView,
  InboxMessage,
  LiveRow,
  NoticeRow,
  NoticeState,
  RefusalRow,
  TariffRow,
  UsageView,
} from '../pages/views.ts'

/** Keyset page: rows with an id below `before`, newest first. */
export interface Slice {
  readonly state: NoticeState | null
  readonly before: number | null
}

export interface OperatorReads {
  fleet(): Promise<readonly FleetRow[]>
  device(id: string, now: UnixMs): Promise<DeviceView | null>
  /** Newest first; `meter` is the start of a meter number, empty for all. */
  live(meter: string): Promise<readonly LiveRow[]>
  refusals(since: UnixMs): Promise<readonly RefusalRow[]>
  exceptions(): Promise<readonly ExceptionRow[]>
  bills(slice: Slice): Promise<readonly BillRow[]>
  bill(id: number): Promise<BillView | null>
  billNotices(id: number): Promise<readonly NoticeRow[]>
  notices(slice: Slice): Promise<readonly NoticeRow[]>
  tariffs(): Promise<readonly TariffRow[]>
}

/** Every question names the customer: there is no way to ask for somebody else's rows. */
export interface CustomerReads {
  home(customer: number): Promise<HomeView | null>
  bills(customer: number): Promise<readonly BillRow[]>
  bill(customer: number, id: number): Promise<BillView | null>
  usage(customer: number, now: UnixMs): Promise<readonly UsageView[]>
}

/** The public figures, with exactly these keys. */
export interface Summary {
  readonly meters: number
  readonly readings: number
  readonly refused: number
  readonly bills: number
  readonly notices: number
  /** Largest clock error bound of the connected devices; null while none is known. */
  readonly clockBoundMs: number | null
}

export interface Health {
  readonly ok: boolean
  /** Part by part, without secrets: `{ database: 'up' }`. */
  readonly parts: Readonly<Record<string, string>>
}

export interface Random {
  (length: number): Uint8Array
}

export interface WebDeps {
  readonly access: AccessStore
  readonly operators: OperatorReads
  readonly customers: CustomerReads
  readonly now: () => UnixMs
  readonly random: Random
  /** The stored or re-made document of an issued bill; null when there is no such bill. */
  readonly renderPdf: (bill: number) => Promise<Uint8Array | null>
  readonly summary: () => Promise<Summary>
  readonly health: () => Promise<Health>
  readonly metrics: { readonly contentType: string; metrics(): Promise<string> }
  readonly backfill: () => Promise<Backfill | null>
  /** Only in the demo; null elsewhere. */
  readonly inbox: { messages(): readonly InboxMessage[] } | null
  /** As people type it, without a slash at the end; `https:` makes cookies Secure. */
  readonly baseUrl: string
  readonly demo: boolean
  readonly log: FastifyBaseLogger | null
}
