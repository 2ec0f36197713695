// All meters: search, filters, and what can be done with many of them at once.

import type { UnixMs } from '../../../../shared/units.ts'
import type { PageContext } from '../../kit/context.ts'
import { Layout } from '../../kit/layout.tsx'
import type { ListQuery, ListSpec, Page } from '../../kit/list.ts'
import { type Bulk, List, type ListColumn } from '../../kit/list-view.tsx'
import { Headline } from '../../kit/parts.tsx'
import type { MeterListRow } from '../core/meters.ts'
import { MeterState, Newest } from './meter-parts.tsx'

export interface MetersPageProps {
  readonly context: PageContext
  readonly spec: ListSpec
  readonly query: ListQuery
  readonly page: Page<MeterListRow>
  readonly total: { readonly count: number; readonly most: number }
  /** What a bulk action did. */
  readonly said: string
  readonly now: UnixMs
}

export function MetersPage(props: MetersPageProps) {
  const { context, spec, query, page, total, said, now } = props
  return (
    <Layout context={context} title="Meters">
      <Headline title="Meters" lead="Every meter that a device reported or somebody entered.">
        <a class="button" href="/meters/assign">
          Assign meters
        </a>
      </Headline>
      {said !== '' && (
        <p class="notice" role="status">
          {said}
        </p>
      )}
      <List
        context={context}
        spec={spec}
        query={query}
        page={page}
        caption="Meters"
        columns={meterColumns(now, 'all')}
        empty="No meter yet. Each appears here with its first reading, or with an import of meters."
        search="Part of a number or make"
        filterLabels={{ state: 'State', medium: 'Medium' }}
        total={total}
        bulk={METER_BULK}
        csv
      />
    </Layout>
  )
}

/** What can be done with the meters that are ticked. */
export const METER_BULK: Bulk<MeterListRow> = {
  action: '/meters/bulk',
  idOf: ({ id }) => id,
  nameOf: ({ number }) => `meter ${number}`,
  buttons: [
    ['adopt', 'Adopt'],
    ['set', 'Set make, digits, multiplier'],
    ['assign', 'Assign to service points'],
  ],
  all: true,
}

/** `of`: all meters, or those of one device, which is not named again then. */
export const meterColumns = (
  now: UnixMs,
  of: 'all' | 'device',
): readonly ListColumn<MeterListRow>[] =>
  columnsAt(now).filter(({ title }) => of === 'all' || title !== 'Device')

const columnsAt = (now: UnixMs): readonly ListColumn<MeterListRow>[] => [
  {
    title: 'Meter',
    sort: 'number',
    cell: (row) => (
      <>
        <a class="strong" href={`/meters/${row.id}`}>
          {row.number}
        </a>
        <span class="sub">{[row.make, row.medium].filter((part) => part !== '').join(', ')}</span>
      </>
    ),
  },
  { title: 'State', cell: (row) => <MeterState row={row} /> },
  {
    title: 'Service point',
    cell: ({ id, place }) =>
      place === null ? (
        <a href={`/meters/${id}/assign`}>Assign</a>
      ) : (
        <a href={`/service-points/${place.id}`}>{place.code}</a>
      ),
  },
  {
    title: 'Device',
    cell: ({ device }) =>
      device === null ? (
        <span class="soft">none</span>
      ) : (
        <a href={`/fleet/${device.id}`}>{device.name}</a>
      ),
  },
  {
    title: 'Newest reading',
    numeric: true,
    cell: (row) => <Newest value={row.newest} now={now} />,
  },
]
