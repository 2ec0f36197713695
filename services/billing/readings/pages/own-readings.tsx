// A customer's own readings: what they entered, and the form for the next one.

import { instantText } from '../../civil/calendar.ts'
import { quantityText, registerText } from '../../kit/format.ts'
import type { PageContext } from '../../kit/context.ts'
import { Form } from '../../kit/fields.tsx'
import { Layout } from '../../kit/layout.tsx'
import { Headline, Section, Table } from '../../kit/parts.tsx'
import type { ManualMeterView, OwnRow } from '../core/manual-views.ts'
import { ENTRY_LABELS, EntryFields, type EntryProps, MoreFields, StateBadge } from './manual.tsx'

interface OwnReadingsProps {
  readonly context: PageContext
  readonly meters: readonly ManualMeterView[]
  /** The form for a meter of theirs; null: none was chosen. */
  readonly entry: Omit<EntryProps, 'context'> | null
  readonly rows: readonly OwnRow[]
  /** One was just stored. */
  readonly isStored: boolean
}

export function OwnReadingsPage({ context, meters, entry, rows, isStored }: OwnReadingsProps) {
  return (
    <Layout context={context} title="Own readings" width="reading">
      <Headline
        title="Own readings"
        lead="Read your meter yourself. Your utility looks at it before it counts on a bill."
      />
      {isStored && (
        <p class="notice" role="status">
          Thank you: your reading is stored and waits for your utility.
        </p>
      )}
      {meters.length === 0 && <p class="card">No meter is installed at your service point.</p>}
      {entry !== null && (
        <Section title={`Meter ${entry.meter.number}`} lead={entry.meter.places[0]?.address}>
          <Form
            context={context}
            form={entry.form}
            action="/home/readings"
            labels={ENTRY_LABELS}
            submit="Send"
          >
            <input type="hidden" name="meter" value={entry.meter.id} />
            <EntryFields context={context} {...entry} />
            <MoreFields form={entry.form} />
          </Form>
        </Section>
      )}
      <OtherMeters meters={meters} shown={entry?.meter.id ?? 0} />
      <Section title="What you entered" flush>
        <Table caption="Your readings" columns={COLUMNS} rows={rows} empty="Nothing yet." />
      </Section>
    </Layout>
  )
}

function OtherMeters({
  meters,
  shown,
}: {
  readonly meters: readonly ManualMeterView[]
  readonly shown: number
}) {
  const others = meters.filter(({ id }) => id !== shown)
  if (others.length === 0) return null
  return (
    <Section title={shown === 0 ? 'Your meters' : 'Another meter'}>
      <ul class="errors">
        {others.map(({ id, number, places }) => (
          <li key={id}>
            <a href={`/home/readings?meter=${id}`}>{number}</a>
            <span class="sub">{places[0]?.address}</span>
          </li>
        ))}
      </ul>
    </Section>
  )
}

const COLUMNS = [
  { title: 'Meter', cell: ({ meter }: OwnRow) => meter },
  { title: 'Register', cell: ({ obis }: OwnRow) => registerText(obis) },
  {
    title: 'Reading',
    numeric: true,
    cell: ({ value, exponent, unit }: OwnRow) => quantityText(value, exponent, unit),
  },
  { title: 'Read', cell: ({ at, zone }: OwnRow) => instantText(at, zone) },
  {
    title: 'State',
    cell: ({ state, decidedWhy }: OwnRow) => (
      <>
        <StateBadge state={state} />
        {decidedWhy !== null && <span class="sub">{decidedWhy}</span>}
      </>
    ),
  },
]
