// What operators told a device to do, and the outcome that it reports.

import { unreachable } from '../../../../shared/assert.ts'
import type { UnixMs } from '../../../../shared/units.ts'
import type { CommandTask } from '../../../../shared/wire/commands.ts'
import { utcSecondText } from '../../kit/format.ts'
import { Ago, Badge, type Column, FaultBadge, FaultWords, Table } from '../../kit/parts.tsx'
import type { CommandRow } from '../core/views.ts'

export function CommandsCard({
  rows,
  now,
}: {
  readonly rows: readonly CommandRow[]
  readonly now: UnixMs
}) {
  return (
    <section class="card card-flush">
      <h2>Commands</h2>
      <Table
        caption="Commands"
        columns={columnsAt(now)}
        rows={rows}
        empty="No command yet. “Read now” asks every meter of this device at once."
      />
    </section>
  )
}

function taskText(what: CommandTask): string {
  switch (what.task) {
    case 'read-now':
      return what.meter === null ? 'Read every meter now' : `Read meter ${what.meter} now`
    case 'schedule':
      return `Read meter ${what.meter} every ${what.seconds} s`
    case 'sync-clock':
      return `Set the clock of meter ${what.meter}`
    default:
      return unreachable(what)
  }
}

const columnsAt = (now: UnixMs): readonly Column<CommandRow>[] => [
  {
    title: 'Command',
    cell: (row) => (
      <>
        {row.what === null ? 'Not understood by this program' : taskText(row.what)}
        <span class="sub">
          <code>{row.number}</code>
        </span>
      </>
    ),
  },
  {
    title: 'Given',
    cell: (row) => (
      <>
        <Ago at={row.createdAt} now={now} />
        <span class="sub">by {row.askedBy}</span>
      </>
    ),
  },
  { title: 'Receipt', cell: (row) => <ReceiptCell row={row} now={now} /> },
]

function ReceiptCell({ row, now }: { readonly row: CommandRow; readonly now: UnixMs }) {
  const { outcome, detail, receiptAt } = row
  if (outcome === null) return <Waiting row={row} now={now} />
  return (
    <>
      {outcome === 'done' && <Badge tone="good">done</Badge>}
      {outcome === 'refused' && <FaultBadge code={detail} />}
      {outcome === 'unknown' && <Badge tone="warn">unknown</Badge>}
      <span class="sub">
        {outcome === 'refused' && 'refused '}
        <Ago at={receiptAt} now={now} />
      </span>
      {outcome === 'refused' && <FaultWords code={detail} />}
      {outcome === 'unknown' && 'The device was interrupted: it may or may not be done.'}
    </>
  )
}

/** An expired command is still sent: the device says whether it did it in time. */
function Waiting({ row, now }: { readonly row: CommandRow; readonly now: UnixMs }) {
  const { sentAt, expiresAt } = row
  return (
    <>
      <Badge tone="quiet">{sentAt === null ? 'waits for the link' : 'sent, no receipt yet'}</Badge>
      <span class="sub">
        {expiresAt <= now ? 'expired ' : 'to be started by '}
        {expiresAt <= now ? <Ago at={expiresAt} now={now} /> : utcSecondText(expiresAt)}
      </span>
    </>
  )
}
