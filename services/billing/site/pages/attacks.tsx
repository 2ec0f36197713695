// The scoreboard of `ticklock attack`: what was tried, what refused it, what it failed to reach.

import type { PageContext } from '../../kit/context.ts'
import { Layout, FormToken } from '../../kit/layout.tsx'
import { FaultBadge, Headline, Table } from '../../kit/parts.tsx'
import type { AttackLine, AttackRun } from '../core/views.ts'
import { isFaultCode } from '../../../../shared/faults.ts'

export interface AttacksPageProps {
  readonly context: PageContext
  readonly run: AttackRun
}

export function AttacksPage({ context, run }: AttacksPageProps) {
  return (
    <Layout context={context} title="Attacks" live>
      <Headline
        title="Attacks"
        lead="A scripted attacker between real slaves and a head-end of its own, with a database of its own. It touches nothing in this demo."
      >
        {!run.running && (
          <form method="post" action="/attacks">
            <FormToken context={context} />
            <button type="submit">{run.lines.length === 0 ? 'Attack' : 'Attack again'}</button>
          </form>
        )}
      </Headline>
      <section class="card card-flush" data-live="attacks">
        <div class="card-head">
          <p class="soft">{wordsOf(run)}</p>
        </div>
        <Table
          caption="Attacks"
          columns={[
            { title: 'Attack', cell: (line) => line.name },
            { title: 'What is tried', cell: (line) => line.tries },
            { title: 'Sent', numeric: true, cell: (line) => String(line.sent) },
            { title: 'Refused by', cell: (line) => <RefusedBy line={line} /> },
            { title: 'Rows added', numeric: true, cell: (line) => String(line.rowsAdded) },
            { title: 'State moved', cell: (line) => (line.moved ? 'YES' : 'none') },
            {
              title: 'Cost of each',
              numeric: true,
              cell: ({ microsEach }) =>
                microsEach === null ? '–' : `${Math.round(microsEach)} µs`,
            },
            { title: 'Verdict', cell: (line) => (line.ok ? 'refused' : 'WENT THROUGH') },
          ]}
          rows={run.lines}
          empty="No attack yet."
        />
      </section>
    </Layout>
  )
}

function wordsOf({ running, lines }: AttackRun): string {
  const through = lines.filter((line) => !line.ok).length
  const done = `${lines.length} tried, ${lines.length - through} refused, ${through} went through.`
  if (!running) return lines.length === 0 ? 'It takes a few minutes.' : done
  return `Running: ${done}`
}

const RefusedBy = ({ line }: { readonly line: AttackLine }) => (
  <>
    {line.refusedBy.map((by) =>
      isFaultCode(by) ? <FaultBadge key={by} code={by} /> : <span key={by}>{by}</span>,
    )}
    {line.note !== '' && <span class="soft"> {line.note}</span>}
  </>
)
