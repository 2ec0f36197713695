// The page that says what went wrong.

import { FAULTS } from '../../../shared/faults.ts'
import type { PageContext } from './context.ts'
import { Layout } from './layout.tsx'
import { capital } from './parts.tsx'
import type { Trouble } from './trouble.ts'

export function TroublePage({
  context,
  trouble,
}: {
  readonly context: PageContext
  readonly trouble: Trouble
}) {
  const { fault } = trouble
  return (
    <Layout context={context} title={trouble.title} width="narrow">
      <section class="card">
        <h1>{trouble.title}</h1>
        <p>{trouble.text}</p>
        {fault !== null && (
          <p class="fault">
            <code>{fault}</code> {capital(FAULTS[fault].is)}. Remedy: {FAULTS[fault].then}.
          </p>
        )}
        <p>
          <a href="/">Back to the start</a>
        </p>
      </section>
    </Layout>
  )
}
