// The list of accounts: each contract with who, where, its meter and what keeps its next bill.

import type { CivilDate } from '../../civil/calendar.ts'
import { addDays, dateText, periodText } from '../../civil/calendar.ts'
import type { PageContext } from '../../kit/context.ts'
import { Layout } from '../../kit/layout.tsx'
import type { ListQuery, Page } from '../../kit/list.ts'
import { List, type ListColumn } from '../../kit/list-view.tsx'
import { Badge, FaultBadge, Headline } from '../../kit/parts.tsx'
import { type AccountRow, ACCOUNTS, type ContractState, stateOn } from '../core/lists.ts'
import { MeterNames } from './service-points.tsx'

const STATE_WORDS = {
  running: ['good', 'running'],
  future: ['quiet', 'not begun'],
  ended: ['quiet', 'ended'],
} as const

export const StateBadge = ({ state }: { readonly state: ContractState }) => (
  <Badge tone={STATE_WORDS[state][0]}>{STATE_WORDS[state][1]}</Badge>
)

const columnsOn = (todayIn: (zone: string) => CivilDate): readonly ListColumn<AccountRow>[] => [
  {
    title: 'Account',
    sort: 'number',
    cell: (row) => (
      <>
        <a class="strong" href={`/accounts/${row.id}`}>
          {row.number}
        </a>
        <span class="sub">
          <StateBadge state={stateOn(row, todayIn(row.zone))} />
        </span>
      </>
    ),
  },
  {
    title: 'Customer',
    sort: 'customer',
    cell: ({ customer, customerId, email }) => (
      <>
        <a href={`/customers/${customerId}`}>{customer}</a>
        <span class="sub">{email ?? 'no e-mail'}</span>
      </>
    ),
  },
  {
    title: 'Service point',
    sort: 'point',
    cell: ({ servicePoint, servicePointId, address }) => (
      <>
        <a href={`/service-points/${servicePointId}`}>{servicePoint}</a>
        <span class="sub">{address}</span>
      </>
    ),
  },
  {
    title: 'Since',
    sort: 'from',
    cell: ({ from, to }) => (
      <>
        {dateText(from)}
        {to !== null && <span class="sub">to {dateText(addDays(to, -1))}</span>}
      </>
    ),
  },
  { title: 'Meter', cell: ({ meters }) => <MeterNames meters={meters} /> },
  { title: 'Tariff', cell: ({ tariff }) => tariff ?? <Badge tone="warn">none</Badge> },
  {
    title: 'Last bill',
    cell: ({ lastBill }) =>
      lastBill === null ? (
        <span class="soft">none</span>
      ) : (
        <>
          <a href={`/bills/${lastBill.id}`}>{lastBill.number}</a>
          <span class="sub">to {dateText(addDays(lastBill.to, -1))}</span>
        </>
      ),
  },
  { title: 'What keeps a bill', cell: ({ kept }) => <Kept kept={kept} /> },
]

function Kept({ kept }: { readonly kept: AccountRow['kept'] }) {
  if (kept === null) return <span class="soft">nothing</span>
  return (
    <>
      {kept.code === null ? (
        <Badge tone="warn">{kept.state}</Badge>
      ) : (
        <FaultBadge code={kept.code} />
      )}
      <span class="sub">{periodText(kept)}</span>
    </>
  )
}

export interface AccountsProps {
  readonly context: PageContext
  readonly query: ListQuery
  readonly page: Page<AccountRow>
  readonly total: { readonly count: number; readonly most: number }
  readonly todayIn: (zone: string) => CivilDate
}

export const AccountsPage = ({ context, query, page, total, todayIn }: AccountsProps) => (
  <Layout context={context} title="Accounts">
    <Headline title="Accounts" lead="Who is supplied where, and what keeps the next bill.">
      <p class="actions">
        <a class="button" href="/accounts/new">
          New account
        </a>
      </p>
    </Headline>
    <List
      context={context}
      spec={ACCOUNTS}
      query={query}
      page={page}
      caption="Accounts"
      columns={columnsOn(todayIn)}
      empty={
        <>
          No account yet. <a href="/accounts/new">Open the first one</a>, or import them from a
          file.
        </>
      }
      search="Number, name, address, meter, e-mail or phone"
      filterLabels={{
        state: 'State',
        tariff: 'Tariff',
        meter: 'Meter',
        bill: 'Bills',
        email: 'E-mail',
      }}
      total={total}
      bulk={{
        action: '/accounts/bulk',
        idOf: ({ id }) => id,
        nameOf: ({ number }) => number,
        all: true,
        buttons: [
          ['tariff', 'Set tariff…'],
          ['missing', 'Set rule for missing readings…'],
          ['end', 'End…'],
        ],
      }}
      csv
    />
  </Layout>
)
