// One account on one page: who, where, the meters, what keeps the next bill, bills, notices, manual
// readings and history; and everything that is done with it.

import type { UnixMs } from '../../../../shared/units.ts'
import { mendingOf, missingReadingForm } from '../../bills/core/mending.ts'
import type { BillRow } from '../../bills/core/views.ts'
import { amountText } from '../../civil/amount-text.ts'
import { civilDateAt, dateText, instantText, periodText } from '../../civil/calendar.ts'
import type { ContractDetail, TermLine } from '../../customers/core/details.ts'
import { stateOn } from '../../customers/core/lists.ts'
import { StateBadge } from '../../customers/pages/accounts.tsx'
import { spanWords } from '../../customers/pages/customers.tsx'
import { History } from '../../customers/pages/history.tsx'
import { ConfirmButton, Installations } from '../../customers/pages/service-points.tsx'
import type { PageContext } from '../../kit/context.ts'
import { quantityText, registerText } from '../../kit/format.ts'
import { FormToken, Layout } from '../../kit/layout.tsx'
import {
  Ago,
  Badge,
  type Column,
  Facts,
  FaultBadge,
  FaultWords,
  Headline,
  Section,
  Table,
  type Tone,
} from '../../kit/parts.tsx'
import { NoticeTable } from '../../notices/pages/notices.tsx'
import type { AccountView, EnteredReading, NewestReading, OpenPeriod } from '../core/account.ts'

interface AccountProps {
  readonly context: PageContext
  readonly view: AccountView
  readonly now: UnixMs
}

export function AccountPage({ context, view, now }: AccountProps) {
  const { account } = view
  const { customer, point } = account
  const today = civilDateAt(now, point.zone)
  return (
    <Layout context={context} title={`Account ${account.number}`}>
      <Headline
        title={`Account ${account.number}`}
        lead={
          <>
            {customer.name}, {point.address} <StateBadge state={stateOn(account, today)} />
          </>
        }
      >
        <Actions account={account} context={context} />
      </Headline>
      <KeepsSection account={account} open={view.open} now={now} />
      <WhoSection account={account} context={context} />
      <TermsSection account={account} context={context} today={today} />
      <Installations context={context} point={point} />
      <ReadingsSection view={view} now={now} />
      <BillsSection bills={view.bills} />
      {view.notices.length > 0 && (
        <Section title="Notices about the last bills" flush>
          <NoticeTable context={context} rows={view.notices} now={now} />
        </Section>
      )}
      <EnteredSection entered={view.entered} zone={point.zone} />
      <History changes={view.changes} zone={point.zone} now={now} />
      {account.billedUntil === null && (
        <p class="actions">
          <ConfirmButton context={context} action={`/accounts/${account.id}/delete`}>
            Delete this account
          </ConfirmButton>
        </p>
      )}
    </Layout>
  )
}

function Actions({
  account,
  context,
}: {
  readonly account: ContractDetail
  readonly context: PageContext
}) {
  const { id, to, point } = account
  const meter = point.installations.find((line) => line.to === null)
  return (
    <div class="actions">
      <a class="button" href={`/accounts/${id}/move-out`}>
        {to === null ? 'Move out' : 'Change the end'}
      </a>
      <a class="button button-quiet" href={`/accounts/${id}/terms`}>
        Change tariff
      </a>
      {meter === undefined ? (
        <a class="button button-quiet" href={`/service-points/${point.id}/install`}>
          Install a meter
        </a>
      ) : (
        <a class="button button-quiet" href={`/installations/${meter.id}/exchange`}>
          Exchange meter
        </a>
      )}
      {meter !== undefined && context.isPage('/readings/manual/new') && (
        <a
          class="button button-quiet"
          href={`/readings/manual/new?number=${encodeURIComponent(meter.meter)}`}
        >
          Enter a reading
        </a>
      )}
      <a class="button button-quiet" href={`/accounts/${id}/edit`}>
        Edit
      </a>
      {to !== null && (
        <ConfirmButton context={context} action={`/accounts/${id}/undo-end`}>
          Take the end back
        </ConfirmButton>
      )}
    </div>
  )
}

const STATE_WORDS: Readonly<Record<string, string>> = {
  unseen: 'not looked at yet',
  waiting: 'waits',
  blocked: 'blocked',
  ready: 'ready to be issued',
  exempt: 'not to be billed',
}

function KeepsSection(props: {
  readonly account: ContractDetail
  readonly open: readonly OpenPeriod[]
  readonly now: UnixMs
}) {
  const { account, open, now } = props
  const supply = { contractId: account.id, servicePointId: account.point.id }
  const meters = account.point.installations.map(({ meter }) => meter)
  const columns: readonly Column<OpenPeriod>[] = [
    {
      title: 'Period',
      cell: (row) => (
        <>
          {periodText(row)}
          <span class="sub">
            {STATE_WORDS[row.state] ?? row.state} since <Ago at={row.since} now={now} />
          </span>
        </>
      ),
    },
    {
      title: 'Why',
      cell: ({ code, detail }) =>
        code === null ? (
          <span class="soft">{detail === '' ? 'nothing' : detail}</span>
        ) : (
          <>
            <FaultBadge code={code} /> <FaultWords code={code} />
            {detail !== '' && <span class="sub">{detail}</span>}
          </>
        ),
    },
    {
      title: 'Mend it',
      cell: ({ code, detail }) => {
        if (code === null) return <span class="soft">nothing to do</span>
        const [href, words] = mendingOf(code, supply)
        const form = missingReadingForm({ code, detail }, meters)
        if (form !== null) return <a href={form}>{words}</a>
        // What is mended on this page is mended at its meters.
        return <a href={href === `/accounts/${account.id}` ? '#meters' : href}>{words}</a>
      },
    },
  ]
  return (
    <Section title="What keeps the next bill" flush>
      <Table
        caption="Periods that are over and not billed"
        columns={columns}
        rows={open}
        empty="Nothing: every period that is over is billed."
      />
    </Section>
  )
}

function WhoSection({
  account,
  context,
}: {
  readonly account: ContractDetail
  readonly context: PageContext
}) {
  const { customer, point } = account
  return (
    <Section title="Who and where">
      <Facts
        rows={[
          ['Customer', <a href={`/customers/${customer.id}`}>{customer.name}</a>],
          ['Number', customer.number],
          ['E-mail', customer.email ?? <Badge tone="warn">none</Badge>],
          ['Phone', customer.phone ?? 'none'],
          ['Service point', <a href={`/service-points/${point.id}`}>{point.code}</a>],
          ['Address', <span class="lines">{point.address}</span>],
          ['Time zone', point.zone],
        ]}
      />
      <form method="post" action="/access/customers/end" class="actions">
        <FormToken context={context} />
        <input type="hidden" name="number" value={customer.number} />
        <a class="button button-quiet" href={`/customers/${customer.id}/edit`}>
          Edit the customer
        </a>
        <button class="button-quiet" type="submit">
          End links and sessions
        </button>
      </form>
    </Section>
  )
}

function TermsSection(props: {
  readonly account: ContractDetail
  readonly context: PageContext
  readonly today: string
}) {
  const { account, context, today } = props
  const current = account.terms.find(({ from }) => from <= today) ?? account.terms.at(-1)
  const columns: readonly Column<TermLine>[] = [
    {
      title: 'From',
      cell: (term) => (
        <>
          {dateText(term.from)}
          {term === current && <span class="sub">holds today</span>}
        </>
      ),
    },
    {
      title: 'Tariff',
      cell: ({ tariff, missing }) => (
        <>
          {tariff ?? <Badge tone="warn">none agreed</Badge>}
          <span class="sub">
            {missing === 'wait' ? 'waits for a missing reading' : 'estimates a missing reading'}
          </span>
        </>
      ),
    },
    {
      title: 'Action',
      cell: ({ id, from }) =>
        from === account.from || from < (account.billedUntil ?? '') ? (
          <span class="soft">none</span>
        ) : (
          <ConfirmButton context={context} action={`/accounts/${account.id}/terms/${id}/delete`}>
            Take back
          </ConfirmButton>
        ),
    },
  ]
  return (
    <Section
      title="Contract"
      lead={`Supplied ${spanWords(account)}; billed from ${dateText(account.billedFrom)}.`}
      flush
    >
      <Table caption="Terms" columns={columns} rows={account.terms} empty="No terms." />
    </Section>
  )
}

function ReadingsSection({ view, now }: { readonly view: AccountView; readonly now: UnixMs }) {
  const { account, newest } = view
  const numbers = new Map(account.point.installations.map((line) => [line.meterId, line.meter]))
  const columns: readonly Column<NewestReading>[] = [
    { title: 'Meter', cell: ({ meterId }) => numbers.get(meterId) ?? meterId },
    {
      title: 'Register',
      cell: ({ obis }) => (
        <>
          {registerText(obis)}
          <span class="sub">{obis}</span>
        </>
      ),
    },
    {
      title: 'Value',
      numeric: true,
      cell: ({ value, exponent, unit }) => (
        <span class="strong">{quantityText(value, exponent, unit)}</span>
      ),
    },
    { title: 'Read', cell: ({ at }) => <Ago at={at} now={now} /> },
  ]
  return (
    <Section title="Newest readings" flush>
      <Table
        caption="Newest readings"
        columns={columns}
        rows={newest}
        empty="No reading of a meter that hangs here now."
      />
    </Section>
  )
}

const billColumns: readonly Column<BillRow>[] = [
  {
    title: 'Bill',
    cell: ({ id, number }) => (
      <a class="strong" href={`/bills/${id}`}>
        {number}
      </a>
    ),
  },
  { title: 'Period', cell: ({ period }) => periodText(period) },
  { title: 'Total', numeric: true, cell: (row) => amountText(row.total, row) },
  { title: 'Due', cell: ({ dueOn }) => dateText(dueOn) },
  { title: 'Document', cell: ({ id }) => <a href={`/bills/${id}/pdf`}>PDF</a> },
]

const BillsSection = ({ bills }: { readonly bills: readonly BillRow[] }) => (
  <Section title="Bills" flush>
    <Table caption="Bills" columns={billColumns} rows={bills} empty="No bill yet." />
  </Section>
)

const TONES: Readonly<Record<string, Tone>> = {
  approved: 'good',
  refused: 'bad',
  waiting: 'warn',
}

function EnteredSection({
  entered,
  zone,
}: {
  readonly entered: readonly EnteredReading[]
  readonly zone: string
}) {
  const columns: readonly Column<EnteredReading>[] = [
    {
      title: 'Read',
      cell: ({ at, meter }) => (
        <>
          {instantText(at, zone)}
          <span class="sub">meter {meter}</span>
        </>
      ),
    },
    { title: 'Register', cell: ({ obis }) => registerText(obis) },
    {
      title: 'Value',
      numeric: true,
      cell: ({ value, exponent, unit }) => quantityText(value, exponent, unit),
    },
    {
      title: 'Kind',
      cell: ({ kind, state, enteredBy, note }) => (
        <>
          {kind} <Badge tone={TONES[state] ?? 'quiet'}>{state}</Badge>
          <span class="sub">{note === '' ? enteredBy : `${enteredBy}: ${note}`}</span>
        </>
      ),
    },
  ]
  return (
    <Section title="Manual readings" flush>
      <Table
        caption="Manual readings"
        columns={columns}
        rows={entered}
        empty="Nobody has entered a reading of these meters."
      />
    </Section>
  )
}
