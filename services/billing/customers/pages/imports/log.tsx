// The log of imports, and where a new one begins.

import type { UnixMs } from '../../../../../shared/units.ts'
import type { PageContext } from '../../../kit/context.ts'
import { FileField, Form, SelectField } from '../../../kit/fields.tsx'
import type { FormState } from '../../../kit/form.ts'
import { Layout } from '../../../kit/layout.tsx'
import { Ago, Badge, Headline, Section, Table, type Tone } from '../../../kit/parts.tsx'
import { KIND_PLANS, KINDS } from '../../core/imports/kinds.ts'
import { STATE_WORDS } from '../../core/imports/labels.ts'
import { totalOf } from '../../core/imports/outcome.ts'
import type { ImportState, ImportView } from '../../core/imports/views.ts'

const TONES: Readonly<Record<ImportState, Tone>> = {
  uploaded: 'quiet',
  checking: 'warn',
  checked: 'warn',
  applying: 'warn',
  applied: 'good',
  undoing: 'warn',
  undone: 'quiet',
  refused: 'bad',
  interrupted: 'bad',
}

export const StateBadge = ({ state }: { readonly state: ImportState }) => (
  <Badge tone={TONES[state]}>{STATE_WORDS[state]}</Badge>
)

/** Letters of the hash that are shown; enough to tell files apart. */
const HASH_CHARS = 12

const LABELS = { kind: 'What is in it', file: 'CSV file' }

export function ImportsPage(props: {
  readonly context: PageContext
  readonly imports: readonly ImportView[]
  /** Where the next page begins; null: this is the last. */
  readonly next: number | null
  readonly form: FormState
  readonly now: UnixMs
}) {
  const { context, imports, next, form, now } = props
  return (
    <Layout context={context} title="Imports">
      <Headline
        title="Imports"
        lead="A file from a spreadsheet becomes customers, meters and contracts. First it is only looked at: nothing is written before you say so."
      />
      <Section title="New import">
        <Form
          context={context}
          form={form}
          action="/imports"
          labels={LABELS}
          submit="Upload and map columns"
          upload
        >
          <SelectField
            form={form}
            name="kind"
            label="What is in it"
            required
            options={KINDS.map((kind) => [kind, KIND_PLANS[kind].title] as const)}
          />
          <FileField
            form={form}
            name="file"
            label="CSV file"
            required
            help="Up to 32 MiB; separated by comma, semicolon or tab, the first line with the names of the columns."
            accept=".csv,.txt,text/csv,text/plain"
          />
        </Form>
        <Samples />
      </Section>
      <Section title="Log" flush>
        <Table
          caption="Imports"
          rows={imports}
          empty="No import yet."
          columns={[
            {
              title: 'Import',
              cell: ({ id, fileName, kind }) => (
                <>
                  <a href={`/imports/${id}`}>{`${id}: ${fileName}`}</a>
                  <span class="sub">{KIND_PLANS[kind].title}</span>
                </>
              ),
            },
            { title: 'State', cell: ({ state }) => <StateBadge state={state} /> },
            {
              title: 'By',
              cell: ({ uploadedBy, uploadedAt, appliedBy, appliedAt }) => (
                <>
                  {appliedBy ?? uploadedBy}
                  <span class="sub">
                    <Ago at={appliedAt ?? uploadedAt} now={now} />
                  </span>
                </>
              ),
            },
            { title: 'Lines', numeric: true, cell: ({ counts }) => counts?.lines ?? '' },
            {
              title: 'New',
              numeric: true,
              cell: ({ counts }) => (counts === null ? '' : totalOf(counts, 'new')),
            },
            {
              title: 'Changed',
              numeric: true,
              cell: ({ counts }) => (counts === null ? '' : totalOf(counts, 'changed')),
            },
            { title: 'Refused', numeric: true, cell: ({ counts }) => counts?.refused ?? '' },
            { title: 'SHA-256', cell: ({ sha256 }) => <code>{sha256.slice(0, HASH_CHARS)}</code> },
          ]}
        />
        {next !== null && (
          <p class="pager">
            <a href={`/imports?before=${next}`}>Earlier imports</a>
          </p>
        )}
      </Section>
    </Layout>
  )
}

/** A file to begin with, for each kind. */
const Samples = () => (
  <>
    <h3>Sample files</h3>
    <ul class="plain-list">
      {KINDS.map((kind) => (
        <li key={kind}>
          <a href={`/imports/samples/${kind}.csv`}>{KIND_PLANS[kind].title}</a>{' '}
          <span class="soft">{KIND_PLANS[kind].about}</span>
        </li>
      ))}
    </ul>
  </>
)
