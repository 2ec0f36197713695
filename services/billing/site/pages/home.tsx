// The customer's first page: what is due, and where the electricity goes.

import { BillTable, LastBill } from '../../bills/pages/my-bills.tsx'
import type { PageContext } from '../../kit/context.ts'
import { Layout } from '../../kit/layout.tsx'
import { Facts, Headline } from '../../kit/parts.tsx'
import type { HomeView } from '../core/views.ts'

interface HomePageProps {
  readonly context: PageContext
  readonly view: HomeView
}

export function HomePage({ context, view }: HomePageProps) {
  const { lastBill } = view
  return (
    <Layout context={context} title="Home" width="reading">
      <Headline title={`Hello, ${view.name}`} lead={`Customer number ${view.number}`} />
      <section class="card">
        {lastBill === null ? (
          <>
            <h2>Nothing is due</h2>
            <p class="soft">Your first bill comes after the first full period.</p>
          </>
        ) : (
          <LastBill bill={lastBill} />
        )}
      </section>
      <section class="card">
        <h2>Your supply address</h2>
        {view.places.length === 0 && <p class="soft">No service point is assigned to you now.</p>}
        {view.places.map(({ address, meter }) => (
          <Facts
            key={address}
            rows={[
              ['Address', address],
              ['Meter', meter ?? 'none installed'],
            ]}
          />
        ))}
        <p class="actions">
          <a class="button button-quiet" href="/home/usage">
            See your usage by day
          </a>
        </p>
      </section>
      <section class="card card-flush">
        <h2>Your bills</h2>
        <BillTable rows={view.bills} />
      </section>
    </Layout>
  )
}
