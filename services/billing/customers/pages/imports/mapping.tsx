// How a file is read: its encoding, what parts its cells, numbers and dates, and which column is
// what. All of it is proposed, shown with a few lines of the file, and can be overruled.

import type { PageContext } from '../../../kit/context.ts'
import { Form, SelectField, TextField } from '../../../kit/fields.tsx'
import type { FormState } from '../../../kit/form.ts'
import { Fold } from '../../../kit/parts.tsx'
import { KIND_PLANS } from '../../core/imports/kinds.ts'
import type { ImportView } from '../../core/imports/views.ts'
import { COLUMN_WORDS } from '../../core/imports/words.ts'

/** Letters of a cell that are shown below its header. */
const CELL_SHOWN = 40

export interface MappingProps {
  readonly context: PageContext
  readonly view: ImportView
  /** The first lines of the file. */
  readonly sample: readonly (readonly string[])[]
  readonly form: FormState
  /** Folded away once there is a dry run. */
  readonly open: boolean
}

/** Name of the select of a column. */
export const columnField = (at: number): string => `column-${at}`

const LABELS = {
  encoding: 'Encoding',
  delimiter: 'Separator',
  decimal: 'Decimal mark',
  dates: 'Dates with slashes',
  zone: 'Time zone of new service points',
}

export function Mapping({ context, view, sample, form, open }: MappingProps) {
  const labels = {
    ...LABELS,
    ...Object.fromEntries(view.headers.map((header, at) => [columnField(at), header])),
  }
  const mapped = Object.entries(form.values).filter(
    ([name, value]) => name.startsWith('column-') && value !== '',
  ).length
  return (
    <Fold
      title="How the file is read"
      note={`${mapped} of ${view.headers.length} columns mapped`}
      open={open}
    >
      <Form
        context={context}
        form={form}
        action={`/imports/${view.id}/check`}
        labels={labels}
        submit="Dry run"
      >
        <div class="mapping">
          <Reading form={form} />
        </div>
        <h3>Columns</h3>
        <p class="soft">
          A blank cell changes nothing: what exists keeps its value, what is new gets the usual one.
        </p>
        <div class="mapping">
          {view.headers.map((header, at) => (
            <SelectField
              key={at}
              form={form}
              name={columnField(at)}
              label={header === '' ? `Column ${at + 1}` : header}
              help={sampleText(sample, at)}
              none="(left out)"
              options={KIND_PLANS[view.kind].columns.map((target) => [
                target,
                COLUMN_WORDS[target].label,
              ])}
            />
          ))}
        </div>
      </Form>
      <Legend view={view} />
    </Fold>
  )
}

const sampleText = (sample: readonly (readonly string[])[], at: number): string => {
  const cells = sample.map((line) => (line[at] ?? '').trim()).filter((cell) => cell !== '')
  const text = cells.slice(0, 2).join(' · ')
  if (text === '') return 'blank in the first lines'
  return text.length > CELL_SHOWN ? `${text.slice(0, CELL_SHOWN)}…` : text
}

function Reading({ form }: { readonly form: FormState }) {
  return (
    <>
      <SelectField
        form={form}
        name="encoding"
        label="Encoding"
        required
        options={[
          ['utf-8', 'UTF-8'],
          ['windows-1252', 'Windows-1252 (Latin-1)'],
          ['utf-16le', 'UTF-16, little end first'],
          ['utf-16be', 'UTF-16, big end first'],
        ]}
      />
      <SelectField
        form={form}
        name="delimiter"
        label="Separator"
        required
        options={[
          [',', 'comma ,'],
          [';', 'semicolon ;'],
          ['tab', 'tab'],
        ]}
      />
      <SelectField
        form={form}
        name="decimal"
        label="Decimal mark"
        required
        options={[
          ['.', 'point: 1234.5'],
          [',', 'comma: 1234,5'],
        ]}
      />
      <SelectField
        form={form}
        name="dates"
        label="Dates with slashes"
        required
        options={[
          ['none', 'none: 2026-05-31 or 31.05.2026'],
          ['day', 'day first: 31/05/2026'],
          ['month', 'month first: 05/31/2026'],
        ]}
      />
      <TextField
        form={form}
        name="zone"
        label="Time zone of new service points"
        help="For lines that name none, as Europe/Berlin."
        maxLength={40}
      />
    </>
  )
}

/** What each place means. */
function Legend({ view }: { readonly view: ImportView }) {
  const { columns, needs } = KIND_PLANS[view.kind]
  return (
    <details>
      <summary>What the columns mean</summary>
      <dl class="facts">
        {columns.map((target) => (
          <div key={target}>
            <dt>
              {COLUMN_WORDS[target].label}
              {needs.includes(target) && ' (needed)'}
            </dt>
            <dd>{COLUMN_WORDS[target].help}</dd>
          </div>
        ))}
      </dl>
    </details>
  )
}
