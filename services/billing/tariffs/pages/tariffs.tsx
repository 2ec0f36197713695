// Published tariffs, for operators.

import type { TariffRow } from '../core/views.ts'
import { dateText } from '../../civil/calendar.ts'
import type { PageContext } from '../../kit/context.ts'
import { Layout } from '../../kit/layout.tsx'
import { Headline } from '../../kit/parts.tsx'

export interface TariffsPageProps {
  readonly context: PageContext
  readonly rows: readonly TariffRow[]
}

export function TariffsPage({ context, rows }: TariffsPageProps) {
  return (
    <Layout context={context} title="Tariffs" width="reading">
      <Headline
        title="Tariffs"
        lead="Published versions. Once published, a version never changes."
      />
      {rows.length === 0 && <p class="card">No tariffs published yet.</p>}
      {rows.map((row) => (
        <section key={row.hash} class="card">
          <div>
            <h2>{row.name}</h2>
            <p class="soft">
              <code>{row.code}</code>, valid from {dateText(row.validFrom)}
            </p>
          </div>
          <details>
            <summary>Show the document</summary>
            <pre tabIndex={0}>{row.content}</pre>
          </details>
          <p class="soft">
            SHA-256 <code>{row.hash}</code>
          </p>
        </section>
      ))}
    </Layout>
  )
}
