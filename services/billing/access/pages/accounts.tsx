// Who can log in, and the way to end what is open.

import type { UnixMs } from '../../../../shared/units.ts'
import type { PageContext } from '../../kit/context.ts'
import { FormToken, Layout } from '../../kit/layout.tsx'
import { Ago, type Column, Headline, Table } from '../../kit/parts.tsx'
import type { OperatorRow } from '../core/views.ts'

/** What a redirect says was ended. */
export const ENDED_TEXTS = {
  operator: 'The operator’s sessions have ended.',
  customer: 'The customer’s sessions and links have ended. The next notice brings a new link.',
  customers: 'Every customer’s sessions and links have ended. The next notices bring new links.',
} as const
export type EndedText = keyof typeof ENDED_TEXTS

interface AccountsPageProps {
  readonly context: PageContext
  readonly operators: readonly OperatorRow[]
  readonly ended: EndedText | null
  readonly now: UnixMs
}

export function AccountsPage({ context, operators, ended, now }: AccountsPageProps) {
  const columns: readonly Column<OperatorRow>[] = [
    { title: 'Name', cell: ({ name }) => name },
    { title: 'Made', cell: ({ madeAt }) => <Ago at={madeAt} now={now} /> },
    { title: 'Open sessions', numeric: true, cell: ({ sessions }) => sessions },
    {
      title: 'End',
      cell: ({ id, name }) => (
        <form method="post" action={`/access/operators/${id}/end`}>
          <FormToken context={context} />
          <button class="plain" type="submit" aria-label={`End sessions of ${name}`}>
            End sessions
          </button>
        </form>
      ),
    },
  ]
  return (
    <Layout context={context} title="Access" width="reading">
      <Headline
        title="Access"
        lead="Operators are added, given a new password and removed on the server: ticklock operator."
      />
      {ended !== null && (
        <p class="notice" role="status">
          {ENDED_TEXTS[ended]}
        </p>
      )}
      <section class="card">
        <h2>Operators</h2>
        <Table caption="Operators" columns={columns} rows={operators} empty="No operator" />
      </section>
      <section class="card">
        <h2>A customer</h2>
        <p>
          Ends the customer’s sessions and every link that was sent to them: after a mail went to
          the wrong person, say.
        </p>
        <form class="stack" method="post" action="/access/customers/end">
          <FormToken context={context} />
          <label>
            Customer number
            <input name="number" required maxLength={64} autocomplete="off" />
          </label>
          <button type="submit">End sessions and links</button>
        </form>
      </section>
      <section class="card">
        <h2>Every customer</h2>
        <form class="stack" method="post" action="/access/customers/end-all">
          <FormToken context={context} />
          <label class="check">
            <input name="sure" type="checkbox" value="yes" required />
            <span>Every link in every notice that was sent stops working.</span>
          </label>
          <button type="submit">End all sessions and links</button>
        </form>
      </section>
    </Layout>
  )
}
