// Who changed what, when and why, in words.

import type { UnixMs } from '../../../../shared/units.ts'
import { Ago, type Column, Section, Table } from '../../kit/parts.tsx'
import { changeLines, changeVerb } from '../core/change-words.ts'

export interface HistoryRow {
  readonly at: UnixMs
  readonly who: string
  readonly why: string
  readonly what: string
  readonly before: unknown
  readonly after: unknown
}

export function History(props: {
  readonly changes: readonly HistoryRow[]
  readonly zone: string
  readonly now: UnixMs
}) {
  const { changes, zone, now } = props
  const columns: readonly Column<HistoryRow>[] = [
    {
      title: 'When and who',
      cell: ({ at, who }) => (
        <>
          <Ago at={at} now={now} />
          <span class="sub">{who}</span>
        </>
      ),
    },
    {
      title: 'What',
      cell: (change) => (
        <>
          {`${change.what} ${changeVerb(change)}`}
          <span class="sub">{change.why}</span>
        </>
      ),
    },
    {
      title: 'Before and after',
      cell: (change) => (
        <ul class="plain">
          {changeLines(change, zone).map(({ field, before, after }) => (
            <li key={field}>{`${field}: ${before} → ${after}`}</li>
          ))}
        </ul>
      ),
    },
  ]
  return (
    <Section title="History" flush>
      <Table caption="Changes" columns={columns} rows={changes} empty="Nothing was changed yet." />
    </Section>
  )
}
