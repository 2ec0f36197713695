// On a device's page: what of its readings does not count, and which of its meters nobody adopted.

import { utcSecondText } from '../../kit/format.ts'
import { type Column, FaultBadge, Table } from '../../kit/parts.tsx'
import type { SetAsideRow } from '../core/views.ts'

const COLUMNS: readonly Column<SetAsideRow>[] = [
  { title: 'Range', numeric: true, cell: (row) => row.number },
  {
    title: 'Sealed from',
    cell: (row) => (row.from === null ? 'the beginning' : utcSecondText(row.from)),
  },
  { title: 'Until', cell: (row) => (row.to === null ? 'no end' : utcSecondText(row.to)) },
  { title: 'Meter', cell: (row) => row.meter ?? 'all' },
  {
    title: 'Reason',
    cell: (row) => (
      <>
        {row.reason}
        <span class="sub">
          {row.by}, {utcSecondText(row.at)}
        </span>
      </>
    ),
  },
  {
    title: 'State',
    cell: (row) =>
      row.liftedAt === null
        ? 'does not count'
        : `counts again since ${utcSecondText(row.liftedAt)}`,
  },
]

/** Nothing while no range was ever set aside. */
export function SetAsideCard({ rows }: { readonly rows: readonly SetAsideRow[] }) {
  if (rows.length === 0) return null
  return (
    <section class="card card-flush">
      <div class="card-head">
        <h2>Readings set aside</h2>
        <p class="soft">
          What the device sealed then is kept, but bills, usage and last values do not use it.
        </p>
      </div>
      <Table caption="Ranges set aside" columns={COLUMNS} rows={rows} empty="" />
    </section>
  )
}

/** Meters named on the page; the rest are only said to exist. */
const NAMED_MAX = 10

export function Unadopted({ meters }: { readonly meters: readonly string[] }) {
  if (meters.length === 0) return <>none</>
  const more = meters.length > NAMED_MAX ? ' and more' : ''
  return (
    <>
      <FaultBadge code="BIL-14" />
      <span class="sub">
        {meters.slice(0, NAMED_MAX).join(', ')}
        {more}: no bill is made from them until somebody adopts them:{' '}
        <a href="/meters?state=not-adopted">meters that nobody adopted</a>
      </span>
    </>
  )
}
