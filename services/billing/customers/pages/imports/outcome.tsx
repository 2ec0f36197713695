// What an import would do or did: in numbers, field by field, and line by line where it refuses.

import { quantityText } from '../../../kit/format.ts'
import { Badge, Section, Table } from '../../../kit/parts.tsx'
import { columnLabel, ENTITY_WORDS } from '../../core/imports/labels.ts'
import { ENTITIES, type FieldChange } from '../../core/imports/outcome.ts'
import type { ImportView } from '../../core/imports/views.ts'

export interface PreviewRow {
  readonly what: string
  readonly state: 'new' | 'changed'
  readonly key: string
  readonly line: number
  readonly fields: readonly FieldChange[]
}

export interface RefusalRow {
  readonly line: number
  readonly target: string | null
  readonly reason: string
  readonly remedy: string
}

export interface Found {
  /** The first rows, changed ones first. */
  readonly previews: readonly PreviewRow[]
  /** The first refusals. */
  readonly refusals: readonly RefusalRow[]
}

export function Outcome({ view, found }: { readonly view: ImportView; readonly found: Found }) {
  const { counts } = view
  if (counts === null) return null
  const written = view.appliedAt !== null
  const rows = ENTITIES.flatMap((entity) => {
    const tally = counts.rows[entity]
    return tally === undefined ? [] : [{ entity, ...tally }]
  })
  return (
    <>
      <Section
        title={written ? 'What it wrote' : 'What it would write'}
        lead={`${counts.lines} lines, ${counts.refused} of them refused`}
      >
        <Table
          caption="Rows by what they are"
          rows={rows}
          empty="Nothing."
          plain
          columns={[
            { title: 'What', cell: ({ entity }) => ENTITY_WORDS[entity] },
            { title: 'New', numeric: true, cell: (row) => row.new },
            { title: 'Changed', numeric: true, cell: ({ changed }) => changed },
            { title: 'Equal', numeric: true, cell: ({ equal }) => equal },
          ]}
        />
      </Section>
      {counts.refused > 0 && <Refusals view={view} rows={found.refusals} />}
      {found.previews.length > 0 && <Previews rows={found.previews} />}
    </>
  )
}

const Refusals = (props: { readonly view: ImportView; readonly rows: readonly RefusalRow[] }) => (
  <Section
    title="Refused lines"
    lead="They are left out. Correct them in the file, then import that: what is in already stays equal."
    actions={
      props.view.hasFile && (
        <a class="button button-quiet" href={`/imports/${props.view.id}/refused.csv`}>
          Download the refused lines
        </a>
      )
    }
    flush
  >
    <Table
      caption="Refused lines"
      rows={props.rows}
      empty="The reasons are no longer kept."
      columns={[
        { title: 'Line', numeric: true, cell: ({ line }) => line },
        { title: 'Column', cell: ({ target }) => columnLabel(target) ?? 'the whole line' },
        { title: 'Reason', cell: ({ reason }) => reason },
        { title: 'Remedy', cell: ({ remedy }) => remedy },
      ]}
    />
  </Section>
)

const Previews = ({ rows }: { readonly rows: readonly PreviewRow[] }) => (
  <Section
    title="Rows, field by field"
    lead="The first ones of each kind; changed ones first."
    flush
  >
    <Table
      caption="Rows, field by field"
      rows={rows}
      empty="None."
      columns={[
        { title: 'Line', numeric: true, cell: ({ line }) => line },
        {
          title: 'Row',
          cell: ({ what, key }) => (
            <>
              {key}
              <span class="sub">{what}</span>
            </>
          ),
        },
        {
          title: 'State',
          cell: ({ state }) => <Badge tone={state === 'new' ? 'good' : 'warn'}>{state}</Badge>,
        },
        { title: 'Fields', cell: ({ fields }) => <Changes fields={readable(fields)} /> },
      ]}
    />
  </Section>
)

/** A register in the words of its display: `1.5 kWh`, not its integer and exponent. */
function readable(fields: readonly FieldChange[]): readonly FieldChange[] {
  const number = (name: string): number =>
    Number(fields.find(({ field }) => field === name)?.after ?? Number.NaN)
  const [value, exponent, unit] = [number('value'), number('exponent'), number('unit')]
  if (![value, exponent, unit].every(Number.isSafeInteger)) return fields
  const rest = fields.filter(({ field }) => !['value', 'exponent', 'unit'].includes(field))
  return [{ field: 'reading', before: null, after: quantityText(value, exponent, unit) }, ...rest]
}

const Changes = ({ fields }: { readonly fields: readonly FieldChange[] }) => (
  <ul class="changes">
    {fields.map(({ field, before, after }) => (
      <li key={field}>
        <span class="soft">{field.replaceAll('_', ' ')}:</span>{' '}
        {before !== null && before !== '' && (
          <>
            <del>{before}</del>{' '}
          </>
        )}
        <ins>{after}</ins>
      </li>
    ))}
  </ul>
)
