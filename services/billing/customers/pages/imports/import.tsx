// One import: how it is read, what it would do, how far it is, what it did.

import type { UnixMs } from '../../../../../shared/units.ts'
import type { PageContext } from '../../../kit/context.ts'
import { FormToken, Layout } from '../../../kit/layout.tsx'
import {
  Ago,
  Facts,
  FaultBadge,
  FaultWords,
  Headline,
  Progress,
  Section,
} from '../../../kit/parts.tsx'
import { KIND_PLANS } from '../../core/imports/kinds.ts'
import { totalOf } from '../../core/imports/outcome.ts'
import { type ImportView, isAtWork } from '../../core/imports/views.ts'
import { StateBadge } from './log.tsx'
import { Mapping, type MappingProps } from './mapping.tsx'
import { type Found, Outcome } from './outcome.tsx'

export interface ImportPageProps {
  readonly context: PageContext
  readonly view: ImportView
  /** Null once its columns can no longer be mapped. */
  readonly mapping: Pick<MappingProps, 'sample' | 'form'> | null
  readonly found: Found
  readonly now: UnixMs
}

export function ImportPage({ context, view, mapping, found, now }: ImportPageProps) {
  const working = isAtWork(view.state)
  return (
    <Layout context={context} title={`Import ${view.id}`} live={working}>
      <Headline title={`Import ${view.id}: ${view.fileName}`} lead={KIND_PLANS[view.kind].title}>
        <a class="button button-quiet" href="/imports">
          All imports
        </a>
      </Headline>
      <div data-live="import">
        {working ? <Working view={view} /> : <Standing context={context} view={view} />}
        {!working && view.counts !== null && <Outcome view={view} found={found} />}
        {!working && mapping !== null && (
          <Mapping
            context={context}
            view={view}
            {...mapping}
            open={view.state !== 'checked' || Object.keys(mapping.form.errors).length > 0}
          />
        )}
      </div>
      <Section title="The file">
        <Facts
          rows={[
            [
              'Uploaded',
              <>
                {view.uploadedBy}, <Ago at={view.uploadedAt} now={now} />
              </>,
            ],
            ...(view.appliedAt === null
              ? []
              : [
                  [
                    'Imported',
                    <>
                      {view.appliedBy}, <Ago at={view.appliedAt} now={now} />
                    </>,
                  ] as const,
                ]),
            ...(view.undoneAt === null
              ? []
              : [
                  [
                    'Undone',
                    <>
                      {view.undoneBy}, <Ago at={view.undoneAt} now={now} />
                    </>,
                  ] as const,
                ]),
            ['Size', `${view.bytes} bytes`],
            ['SHA-256', <code class="wrap">{view.sha256}</code>],
          ]}
        />
      </Section>
    </Layout>
  )
}

/** While somebody works on it. */
const Working = ({ view }: { readonly view: ImportView }) => (
  <Section title={view.state === 'checking' ? 'Dry run' : 'At work'}>
    <p>
      <StateBadge state={view.state} />
    </p>
    <Progress
      label="Progress of the import"
      value={view.done}
      max={Math.max(view.total, 1)}
      text={view.phase === '' ? 'waiting for its turn' : `${view.phase}: ${view.done} %`}
    />
    <p>
      <a href={`/imports/${view.id}`}>Refresh</a>
    </p>
  </Section>
)

/** What it is now, and what can be done with it. */
function Standing({ context, view }: { readonly context: PageContext; readonly view: ImportView }) {
  return (
    <Section title="State">
      <p>
        <StateBadge state={view.state} />
      </p>
      {view.sha256 === '' && (
        <div class="notice notice-warn" role="status">
          <p>
            The file is still arriving. If its upload was broken off, it goes by itself: upload it
            again.
          </p>
        </div>
      )}
      {view.code !== null && (
        <div class="notice notice-bad" role="alert">
          <p>
            <FaultBadge code={view.code} /> <FaultWords code={view.code} />
          </p>
          <p>{view.detail}</p>
        </div>
      )}
      {view.code === null && view.detail !== '' && (
        <div class="notice notice-warn" role="status">
          <p>{view.detail}</p>
        </div>
      )}
      <Deeds context={context} view={view} />
    </Section>
  )
}

function Deeds({ context, view }: { readonly context: PageContext; readonly view: ImportView }) {
  const { id, state, counts } = view
  const writes = counts === null ? 0 : totalOf(counts, 'new') + totalOf(counts, 'changed')
  const isOpen = ['uploaded', 'checked', 'refused', 'interrupted'].includes(state)
  return (
    <div class="actions">
      {state === 'checked' && writes > 0 && (
        <form method="post" action={`/imports/${id}/apply`}>
          <FormToken context={context} />
          <button type="submit">{`Import ${writes} rows`}</button>
        </form>
      )}
      {state === 'checked' && writes === 0 && <p>There is nothing to import.</p>}
      {state === 'applied' && (
        <a class="button button-quiet" href={`/imports/${id}/undo`}>
          Undo this import
        </a>
      )}
      {isOpen && view.appliedAt === null && (
        <form method="post" action={`/imports/${id}/drop`}>
          <FormToken context={context} />
          <button class="button-quiet" type="submit">
            Discard the file
          </button>
        </form>
      )}
    </div>
  )
}
