// The lists of accounts, customers and service points: what a row shows, and what can be asked.

import type { CivilDate } from '../../civil/calendar.ts'

/** A contract with everything that people look for in a list. */
export interface AccountRow {
  readonly id: number
  readonly number: string
  readonly customerId: number
  readonly customer: string
  readonly email: string | null
  readonly servicePointId: number
  readonly servicePoint: string
  readonly address: string
  readonly zone: string
  readonly from: CivilDate
  readonly to: CivilDate | null
  /** Numbers of the meters that hang there now, and how many more there are. */
  readonly meters: readonly string[]
  /** Code of the tariff of today; null: none agreed. */
  readonly tariff: string | null
  readonly lastBill: { readonly id: number; readonly number: string; readonly to: CivilDate } | null
  /** The oldest period that waits or is blocked. */
  readonly kept: {
    readonly from: CivilDate
    readonly to: CivilDate
    readonly state: string
    readonly code: string | null
  } | null
}

export const ACCOUNTS = {
  path: '/accounts',
  sorts: { number: 'text', customer: 'text', point: 'text', from: 'date' },
  sort: 'number',
  filters: {
    state: [
      ['running', 'Running'],
      ['future', 'Not yet begun'],
      ['ended', 'Ended'],
    ],
    tariff: [
      ['with', 'With a tariff'],
      ['without', 'Without a tariff'],
    ],
    meter: [
      ['with', 'With a meter'],
      ['without', 'Without a meter'],
    ],
    bill: [
      ['kept', 'Something keeps a bill'],
      ['blocked', 'A bill is blocked'],
    ],
    email: [['without', 'Without e-mail']],
  },
} as const

export interface CustomerRow {
  readonly id: number
  readonly number: string
  readonly name: string
  readonly address: string
  readonly email: string | null
  readonly phone: string | null
  /** Contracts, running and ended. */
  readonly contracts: number
}

export const CUSTOMERS = {
  path: '/customers',
  sorts: { number: 'text', name: 'text' },
  sort: 'name',
  filters: {
    contract: [
      ['with', 'With a running contract'],
      ['without', 'Without a running contract'],
    ],
    email: [
      ['with', 'With e-mail'],
      ['without', 'Without e-mail'],
    ],
    phone: [['without', 'Without phone']],
  },
} as const

export interface ServicePointRow {
  readonly id: number
  readonly code: string
  readonly address: string
  readonly zone: string
  readonly meters: readonly string[]
  /** Who is supplied there now. */
  readonly contract: {
    readonly id: number
    readonly number: string
    readonly customer: string
  } | null
}

export const SERVICE_POINTS = {
  path: '/service-points',
  sorts: { code: 'text', address: 'text' },
  sort: 'code',
  filters: {
    contract: [
      ['with', 'Supplied'],
      ['without', 'Vacant'],
    ],
    meter: [
      ['with', 'With a meter'],
      ['without', 'Without a meter'],
    ],
  },
} as const

export type ContractState = 'running' | 'future' | 'ended'

/** What a contract is on a local day. */
export function stateOn(
  { from, to }: { readonly from: CivilDate; readonly to: CivilDate | null },
  today: CivilDate,
): ContractState {
  if (from > today) return 'future'
  return to !== null && to <= today ? 'ended' : 'running'
}
