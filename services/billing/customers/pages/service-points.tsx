// Service points: their list, one of them with its meters and contracts, and its form.

import type { UnixMs } from '../../../../shared/units.ts'
import { instantText } from '../../civil/calendar.ts'
import type { PageContext } from '../../kit/context.ts'
import type { FormState } from '../../kit/form.ts'
import { FormToken, Layout } from '../../kit/layout.tsx'
import type { ListQuery, Page } from '../../kit/list.ts'
import { List, type ListColumn } from '../../kit/list-view.tsx'
import { Badge, type Column, Facts, Headline, Section, Table } from '../../kit/parts.tsx'
import type { InstallationLine, ServicePointDetail } from '../core/details.ts'
import { SERVICE_POINTS, type ServicePointRow } from '../core/lists.ts'
import { contractColumns } from './customers.tsx'
import { FormPage, SERVICE_POINT_LABELS, ServicePointFields } from './forms.tsx'
import { History, type HistoryRow } from './history.tsx'

const columns: readonly ListColumn<ServicePointRow>[] = [
  {
    title: 'Code',
    sort: 'code',
    cell: ({ id, code }) => (
      <a class="strong" href={`/service-points/${id}`}>
        {code}
      </a>
    ),
  },
  {
    title: 'Address',
    sort: 'address',
    cell: ({ address, zone }) => (
      <>
        {address}
        <span class="sub">{zone}</span>
      </>
    ),
  },
  { title: 'Meter', cell: ({ meters }) => <MeterNames meters={meters} /> },
  {
    title: 'Supplied',
    cell: ({ contract }) =>
      contract === null ? (
        <Badge tone="quiet">vacant</Badge>
      ) : (
        <>
          {contract.customer}
          <span class="sub">
            <a href={`/accounts/${contract.id}`}>{contract.number}</a>
          </span>
        </>
      ),
  },
]

export const MeterNames = ({ meters }: { readonly meters: readonly string[] }) =>
  meters.length === 0 ? <Badge tone="warn">none</Badge> : <>{meters.join(', ')}</>

export interface ServicePointsProps {
  readonly context: PageContext
  readonly query: ListQuery
  readonly page: Page<ServicePointRow>
  readonly total: { readonly count: number; readonly most: number }
}

export const ServicePointsPage = ({ context, query, page, total }: ServicePointsProps) => (
  <Layout context={context} title="Service points">
    <Headline title="Service points" lead="Where something is supplied: flats, shops, wells.">
      <p class="actions">
        <a class="button" href="/service-points/new">
          New service point
        </a>
      </p>
    </Headline>
    <List
      context={context}
      spec={SERVICE_POINTS}
      query={query}
      page={page}
      caption="Service points"
      columns={columns}
      empty="No service point yet. Enter one, or import them all from a file."
      search="Code, address or meter"
      filterLabels={{ contract: 'Contract', meter: 'Meter' }}
      total={total}
      csv
    />
  </Layout>
)

export function ServicePointFormPage(props: {
  readonly context: PageContext
  readonly form: FormState
  /** Null: a new one. */
  readonly edited: { readonly id: number; readonly version: number } | null
}) {
  const { context, form, edited } = props
  const at = edited === null ? '/service-points/new' : `/service-points/${edited.id}/edit`
  return (
    <FormPage
      context={context}
      form={form}
      title={edited === null ? 'New service point' : 'Edit service point'}
      action={at}
      submit={edited === null ? 'Enter the service point' : 'Save'}
      cancel={edited === null ? '/service-points' : `/service-points/${edited.id}`}
      labels={SERVICE_POINT_LABELS}
      {...(edited === null ? {} : { version: edited.version })}
    >
      <ServicePointFields form={form} />
    </FormPage>
  )
}

/** The meters of a place, with what can be done with each. */
export function Installations(props: {
  readonly context: PageContext
  readonly point: ServicePointDetail
}) {
  const { context, point } = props
  const meterColumns: readonly Column<InstallationLine>[] = [
    {
      title: 'Meter',
      cell: ({ meter, meterId, medium, main }) => (
        <>
          <a class="strong" href={`/meters/${meterId}`}>
            {meter}
          </a>
          <span class="sub">{main === null ? medium : `${medium}, behind ${main}`}</span>
        </>
      ),
    },
    {
      title: 'Installed',
      cell: ({ from, to }) => (
        <>
          {instantText(from, point.zone)}
          {to !== null && <span class="sub">removed {instantText(to, point.zone)}</span>}
        </>
      ),
    },
    {
      title: 'Actions',
      cell: ({ id, to }) => (
        <span class="actions">
          {to === null ? (
            <>
              <a href={`/installations/${id}/exchange`}>Exchange</a>
              <a href={`/installations/${id}/remove`}>Remove</a>
            </>
          ) : (
            <ConfirmButton context={context} action={`/installations/${id}/undo`}>
              Undo the removal
            </ConfirmButton>
          )}
          <ConfirmButton context={context} action={`/installations/${id}/delete`}>
            Delete
          </ConfirmButton>
        </span>
      ),
    },
  ]
  return (
    <Section
      title="Meters"
      flush
      id="meters"
      actions={
        <a class="button button-quiet" href={`/service-points/${point.id}/install`}>
          Install a meter
        </a>
      }
    >
      <Table
        caption="Meters"
        columns={meterColumns}
        rows={point.installations}
        empty="No meter was ever installed here."
      />
    </Section>
  )
}

/** Leads to a page that asks once more. */
export const ConfirmButton = (props: {
  readonly context: PageContext
  readonly action: string
  readonly children: string
}) => (
  <form method="post" action={props.action}>
    <FormToken context={props.context} />
    <button class="plain" type="submit">
      {props.children}
    </button>
  </form>
)

export function ServicePointPage(props: {
  readonly context: PageContext
  readonly point: ServicePointDetail
  readonly changes: readonly HistoryRow[]
  readonly now: UnixMs
}) {
  const { context, point, changes, now } = props
  const { id, code, address, zone, contracts, installations } = point
  return (
    <Layout context={context} title={code}>
      <Headline title={code} lead={address}>
        <div class="actions">
          <a class="button" href={`/accounts/new?point=${encodeURIComponent(code)}`}>
            New account
          </a>
          <a class="button button-quiet" href={`/service-points/${id}/edit`}>
            Edit
          </a>
        </div>
      </Headline>
      <Section title="Where">
        <Facts
          rows={[
            ['Address', <span class="lines">{address}</span>],
            ['Time zone', zone],
          ]}
        />
      </Section>
      <Installations context={context} point={point} />
      <Section title="Accounts" flush>
        <Table
          caption="Accounts"
          columns={contractColumns('customer')}
          rows={contracts}
          empty="Nobody was ever supplied here."
        />
      </Section>
      <History changes={changes} zone={zone} now={now} />
      {contracts.length + installations.length === 0 && (
        <form method="post" action={`/service-points/${id}/delete`} class="actions">
          <FormToken context={context} />
          <button class="button-quiet" type="submit">
            Delete this service point
          </button>
        </form>
      )}
    </Layout>
  )
}
