// Writing a tariff: from top to bottom the document, what it changes, a worked bill, and publishing
// it with its first day.

import { dateText } from '../../civil/calendar.ts'
import type { PageContext } from '../../kit/context.ts'
import { CheckField, DateField, FileField, Form, TextArea, TextField } from '../../kit/fields.tsx'
import { EMPTY_FORM, type FormState } from '../../kit/form.ts'
import { Layout } from '../../kit/layout.tsx'
import { Fold, Headline, Table } from '../../kit/parts.tsx'
import type { Difference } from '../core/differences.ts'
import type { Trial } from '../core/trial.ts'
import type { CheckedTariff, TextFault } from '../core/views.ts'
import { PriceList } from './price-list.tsx'

export const EDITOR_LABELS = {
  document: 'Document',
  kWh: 'Consumption',
  begin: 'From',
  end: 'Until, not included',
  from: 'First day',
  why: 'Why',
  sure: 'Publish it in spite of the warning',
} as const

/** A mistake with the line it is in. */
export interface ShownFault extends TextFault {
  readonly excerpt: string
}

export interface EditorProps {
  readonly context: PageContext
  /** The tariff that gets a new version; null: a new tariff. */
  readonly code: string | null
  readonly form: FormState
  readonly faults: readonly ShownFault[]
  /** Null: the document is no tariff yet. */
  readonly checked: CheckedTariff | null
  /** Id of the newest version that this page compares with; 0: none. */
  readonly seen: number
}

export function EditorPage({ context, code, form, faults, checked, seen }: EditorProps) {
  const title = code === null ? 'New tariff' : `New version of ${code}`
  const action = code === null ? '/tariffs/new' : `/tariffs/${encodeURIComponent(code)}/edit`
  return (
    <Layout context={context} title={title} width="reading">
      <Headline
        title={title}
        lead="Check as often as you like; nothing is published before you press Publish."
      />
      <UploadFold context={context} code={code} />
      <section class="card">
        <Form
          context={context}
          action={action}
          form={form}
          labels={EDITOR_LABELS}
          version={seen}
          submit={[
            ['check', 'Check'],
            ['publish', 'Publish'],
          ]}
          cancel="/tariffs"
        >
          <Faults faults={faults} />
          <TextArea
            form={form}
            name="document"
            label={EDITOR_LABELS.document}
            help="JSON in the format ticklock-tariff/1; every field is explained in docs/billing.md."
            rows={18}
            code
            required
          />
          {checked !== null && <Changes checked={checked} />}
          <TrialPart form={form} trial={checked?.trial ?? null} />
          <PublishPart form={form} warnings={checked?.warnings ?? []} />
        </Form>
      </section>
    </Layout>
  )
}

function UploadFold({
  context,
  code,
}: {
  readonly context: PageContext
  readonly code: string | null
}) {
  const form = { ...EMPTY_FORM, prefix: 'u', values: { code: code ?? '' } }
  return (
    <Fold title="Take the document from a file">
      <Form
        context={context}
        action="/tariffs/upload"
        form={form}
        labels={{ file: 'File' }}
        submit="Load it"
        upload
      >
        <input type="hidden" name="code" value={code ?? ''} />
        <FileField
          form={form}
          name="file"
          label="File"
          help="JSON as UTF-8 (or UTF-16 with its mark). It replaces what stands below."
          accept=".json,application/json"
          required
        />
      </Form>
    </Fold>
  )
}

function Faults({ faults }: { readonly faults: readonly ShownFault[] }) {
  if (faults.length === 0) return null
  return (
    <div class="notice notice-bad" role="alert">
      <p class="strong">
        BIL-20 Not a tariff yet: {faults.length === 1 ? '1 mistake' : `${faults.length} mistakes`}
      </p>
      <ol class="text-faults">
        {faults.map(({ line, column, path, why, excerpt }, index) => (
          <li key={index}>
            Line {line}, column {column}
            {path !== '' && (
              <>
                , <code>{path}</code>
              </>
            )}
            : {why}
            {excerpt !== '' && <pre tabIndex={0}>{excerpt}</pre>}
          </li>
        ))}
      </ol>
    </div>
  )
}

function Changes({ checked }: { readonly checked: CheckedTariff }) {
  const { tariff, against, changes } = checked
  return (
    <div class="form-part">
      <h2>What changes</h2>
      {against === null ? (
        <p>
          <code>{tariff.code}</code> is new: {tariff.name}.
        </p>
      ) : changes.length === 0 ? (
        <p>Nothing, against the version of {dateText(against)}.</p>
      ) : (
        <>
          <p class="soft">Against the version of {dateText(against)}, published last.</p>
          <ChangeTable changes={changes} />
        </>
      )}
      <details>
        <summary>The whole price list</summary>
        <PriceList tariff={tariff} />
      </details>
    </div>
  )
}

const ChangeTable = ({ changes }: { readonly changes: readonly Difference[] }) => (
  <Table
    caption="What changes"
    columns={[
      { title: 'What', cell: ({ what }) => <span class="strong">{what}</span> },
      { title: 'Before', cell: ({ before }) => before ?? <span class="soft">not there</span> },
      { title: 'Now', cell: ({ after }) => after ?? <span class="soft">gone</span> },
    ]}
    rows={changes}
    empty=""
  />
)

function TrialPart({ form, trial }: { readonly form: FormState; readonly trial: Trial | null }) {
  return (
    <div class="form-part">
      <h2>A worked bill</h2>
      <div class="field-row">
        <TextField
          form={form}
          name="kWh"
          label={EDITOR_LABELS.kWh}
          inputMode="decimal"
          unit="kWh"
        />
        <DateField form={form} name="begin" label={EDITOR_LABELS.begin} />
        <DateField form={form} name="end" label={EDITOR_LABELS.end} />
      </div>
      {trial !== null && <TrialTable trial={trial} />}
    </div>
  )
}

function TrialTable({ trial }: { readonly trial: Trial }) {
  const { lines, total, days, months } = trial
  return (
    <>
      <Table
        caption="Lines of the worked bill"
        columns={[
          { title: 'Line', cell: ({ label }) => <span class="strong">{label}</span> },
          {
            title: 'How',
            cell: ({ how }) =>
              how.map((step, index) => (
                <span key={index} class="step">
                  {step}
                </span>
              )),
          },
          { title: 'Amount', numeric: true, cell: ({ amount }) => amount },
        ]}
        rows={lines}
        empty=""
        foot={
          <tfoot role="rowgroup">
            <tr role="row">
              <td role="cell" colSpan={2}>
                Total
              </td>
              <td role="cell" class="num">
                {total}
              </td>
            </tr>
          </tfoot>
        }
      />
      <p class="soft">
        {days} days{months !== null && `; slab limits times ${months}`}.
      </p>
    </>
  )
}

function PublishPart({
  form,
  warnings,
}: {
  readonly form: FormState
  readonly warnings: readonly string[]
}) {
  return (
    <div class="form-part">
      <h2>Publish</h2>
      <DateField
        form={form}
        name="from"
        label={EDITOR_LABELS.from}
        help="The first of a month: bills for periods from this day on use it."
        required
      />
      <TextField
        form={form}
        name="why"
        label={EDITOR_LABELS.why}
        help="Recorded with your name: an order, a resolution, a correction."
        maxLength={300}
        required
      />
      {warnings.length > 0 && (
        <div class="notice notice-warn">
          {warnings.map((warning) => (
            <p key={warning}>{warning}</p>
          ))}
          <CheckField form={form} name="sure" label={EDITOR_LABELS.sure} />
        </div>
      )}
    </div>
  )
}
