// What a customer used, day by day.

import { dateText, monthOf, periodText } from '../../civil/calendar.ts'
import type { UsageDay, UsageMonth } from '../core/usage.ts'
import type { UsageView } from '../core/views.ts'
import type { PageContext } from '../../kit/context.ts'
import { Layout } from '../../kit/layout.tsx'
import { Headline, Table } from '../../kit/parts.tsx'
import { UsageChart } from './usage-chart.tsx'

interface UsagePageProps {
  readonly context: PageContext
  readonly view: readonly UsageView[]
}

export function UsagePage({ context, view }: UsagePageProps) {
  return (
    <Layout context={context} title="Usage" width="reading">
      <Headline
        title="Usage"
        lead="What you used each day: one midnight’s register minus that of the midnight before."
      />
      {view.length === 0 && <p class="card">No meter is installed at your service point.</p>}
      {view.map((usage) => (
        <>
          {usage.months.map((month) => (
            <MonthPart key={month.period.from} usage={usage} month={month} />
          ))}
        </>
      ))}
    </Layout>
  )
}

function MonthPart({ usage, month }: { readonly usage: UsageView; readonly month: UsageMonth }) {
  const known = month.days.filter(({ used }) => used !== null).length
  return (
    <section class="card">
      <div class="headline">
        <div>
          <h2>{periodText(monthOf(month.period.from))}</h2>
          <p class="soft">
            {periodText(month.period)}, meter {usage.meter}, days in {usage.zone}
          </p>
        </div>
        <p class="strong">
          {month.total} {usage.unit}
          <span class="sub">
            {known} of {month.days.length} days
          </span>
        </p>
      </div>
      <UsageChart month={month} unit={usage.unit} />
      <details>
        <summary>The same as a table</summary>
        <Table
          caption={`Usage per day, ${periodText(month.period)}`}
          columns={[
            { title: 'Day', cell: (day: UsageDay) => dateText(day.date) },
            { title: usage.unit, numeric: true, cell: dayCell },
          ]}
          rows={month.days}
          empty=""
          plain
        />
      </details>
    </section>
  )
}

const dayCell = (day: UsageDay) =>
  day.used === null ? (
    <span class="soft">not read yet</span>
  ) : (
    <>
      {day.used}
      {day.open && <span class="sub">so far today</span>}
    </>
  )
