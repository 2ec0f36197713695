// The customers: their list, one of them, and its form.

import type { UnixMs } from '../../../../shared/units.ts'
import { addDays, dateText } from '../../civil/calendar.ts'
import type { PageContext } from '../../kit/context.ts'
import type { FormState } from '../../kit/form.ts'
import { FormToken, Layout } from '../../kit/layout.tsx'
import type { ListQuery, Page } from '../../kit/list.ts'
import { List, type ListColumn } from '../../kit/list-view.tsx'
import { type Column, Facts, Headline, Section, Table } from '../../kit/parts.tsx'
import type { ContractLine, CustomerDetail } from '../core/details.ts'
import { type CustomerRow, CUSTOMERS } from '../core/lists.ts'
import { CUSTOMER_LABELS, CustomerFields, FormPage } from './forms.tsx'
import { History, type HistoryRow } from './history.tsx'

const columns: readonly ListColumn<CustomerRow>[] = [
  {
    title: 'Customer',
    sort: 'name',
    cell: ({ id, name, address }) => (
      <>
        <a class="strong" href={`/customers/${id}`}>
          {name}
        </a>
        <span class="sub">{address}</span>
      </>
    ),
  },
  { title: 'Number', sort: 'number', cell: ({ number }) => number },
  { title: 'E-mail', cell: ({ email }) => email ?? <span class="soft">none</span> },
  { title: 'Phone', cell: ({ phone }) => phone ?? <span class="soft">none</span> },
  { title: 'Accounts', numeric: true, cell: ({ contracts }) => contracts },
]

export interface CustomersProps {
  readonly context: PageContext
  readonly query: ListQuery
  readonly page: Page<CustomerRow>
  readonly total: { readonly count: number; readonly most: number }
}

export const CustomersPage = ({ context, query, page, total }: CustomersProps) => (
  <Layout context={context} title="Customers">
    <Headline title="Customers" lead="Who is supplied, and where bills go.">
      <p class="actions">
        <a class="button" href="/customers/new">
          New customer
        </a>
      </p>
    </Headline>
    <List
      context={context}
      spec={CUSTOMERS}
      query={query}
      page={page}
      caption="Customers"
      columns={columns}
      empty="No customer yet. Enter one, or import them all from a file."
      search="Number, name, address, e-mail or phone"
      filterLabels={{ contract: 'Account', email: 'E-mail', phone: 'Phone' }}
      total={total}
      csv
    />
  </Layout>
)

export function CustomerFormPage(props: {
  readonly context: PageContext
  readonly form: FormState
  /** Null: a new one. */
  readonly edited: { readonly id: number; readonly version: number } | null
}) {
  const { context, form, edited } = props
  const at = edited === null ? '/customers/new' : `/customers/${edited.id}/edit`
  return (
    <FormPage
      context={context}
      form={form}
      title={edited === null ? 'New customer' : 'Edit customer'}
      action={at}
      submit={edited === null ? 'Enter the customer' : 'Save'}
      cancel={edited === null ? '/customers' : `/customers/${edited.id}`}
      labels={CUSTOMER_LABELS}
      {...(edited === null ? {} : { version: edited.version })}
    >
      <CustomerFields form={form} />
    </FormPage>
  )
}

/** From when to when, in words. */
export const spanWords = ({ from, to }: { readonly from: string; readonly to: string | null }) =>
  to === null ? `since ${dateText(from)}` : `from ${dateText(from)} to ${dateText(addDays(to, -1))}`

export const contractColumns = (other: 'customer' | 'point'): readonly Column<ContractLine>[] => [
  {
    title: 'Account',
    cell: ({ id, number }) => (
      <a class="strong" href={`/accounts/${id}`}>
        {number}
      </a>
    ),
  },
  other === 'customer'
    ? {
        title: 'Customer',
        cell: ({ customerId, customer }) => <a href={`/customers/${customerId}`}>{customer}</a>,
      }
    : {
        title: 'Service point',
        cell: ({ servicePointId, servicePoint, address }) => (
          <>
            <a href={`/service-points/${servicePointId}`}>{servicePoint}</a>
            <span class="sub">{address}</span>
          </>
        ),
      },
  { title: 'Supplied', cell: spanWords },
]

export function CustomerPage(props: {
  readonly context: PageContext
  readonly customer: CustomerDetail
  readonly changes: readonly HistoryRow[]
  readonly now: UnixMs
}) {
  const { context, customer, changes, now } = props
  const { id, number, name, address, email, phone, language, contracts } = customer
  return (
    <Layout context={context} title={name}>
      <Headline title={name} lead={`Customer ${number}`}>
        <div class="actions">
          <a class="button" href={`/accounts/new?customer=${encodeURIComponent(number)}`}>
            New account
          </a>
          <a class="button button-quiet" href={`/customers/${id}/edit`}>
            Edit
          </a>
        </div>
      </Headline>
      <Section title="Who">
        <Facts
          rows={[
            ['Address', <span class="lines">{address}</span>],
            ['E-mail', email ?? 'none'],
            ['Phone', phone ?? 'none'],
            ['Language', language],
          ]}
        />
      </Section>
      <Section title="Accounts" flush>
        <Table
          caption="Accounts"
          columns={contractColumns('point')}
          rows={contracts}
          empty="No account yet: open one with New account."
        />
      </Section>
      <History changes={changes} zone={contracts[0]?.zone ?? 'UTC'} now={now} />
      {contracts.length === 0 && (
        <form method="post" action={`/customers/${id}/delete`} class="actions">
          <FormToken context={context} />
          <button class="button-quiet" type="submit">
            Delete this customer
          </button>
        </form>
      )}
    </Layout>
  )
}
