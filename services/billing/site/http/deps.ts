// What the web side needs from the rest. db/stores.ts makes the readers from a Kysely; tests fake
// them.

import type { AccountDeps } from '../../access/http/account-routes.ts'
import type { AccessDeps } from '../../access/http/session.ts'
import type { MyBillDeps } from '../../bills/http/my-routes.ts'
import type { AttentionDeps } from '../../attention/http/routes.ts'
import type { BoardDeps } from '../../bills/http/board-routes.ts'
import type { BillDeps } from '../../bills/http/routes.ts'
import type { ClockDeps } from '../../clocks/http/routes.ts'
import type { FleetDeps } from '../../fleet/http/routes.ts'
import type { MeterDeps } from '../../fleet/http/meter-routes.ts'
import type { NoticeDeps } from '../../notices/http/routes.ts'
import type { ManualDeps } from '../../readings/http/manual-routes.ts'
import type { OwnReadingDeps } from '../../readings/http/own-routes.ts'
import type { ReadingDeps, UsageDeps } from '../../readings/http/routes.ts'
import type { TariffDeps } from '../../tariffs/http/routes.ts'
import type { UtilityDeps } from '../../utility/http/deps.ts'
import type { CustomerDeps } from '../../customers/http/deps.ts'
import type { SearchDeps } from './search-routes.ts'
import type { AccountViewDeps } from './account-view-routes.ts'
import type { ConnectionRules } from './connections.ts'
import type { ImportDeps } from '../../customers/http/import-routes.ts'
import type { DemoDeps } from './demo-routes.ts'
import type { HomeDeps } from './home-routes.ts'
import type { MachineDeps } from './machine-routes.ts'

export type WebDeps = AccessDeps &
  AccountViewDeps &
  SearchDeps &
  CustomerDeps &
  AccountDeps &
  AttentionDeps &
  BillDeps &
  BoardDeps &
  ClockDeps &
  DemoDeps &
  FleetDeps &
  HomeDeps &
  ImportDeps &
  MachineDeps &
  MeterDeps &
  ManualDeps &
  MyBillDeps &
  NoticeDeps &
  OwnReadingDeps &
  ReadingDeps &
  TariffDeps &
  UsageDeps &
  UtilityDeps &
  ConnectionRules
