// The few building blocks that all pages share.

import type { ComponentChildren } from 'preact'
import { FAULTS, isFaultCode } from '../../../shared/faults.ts'
import type { UnixMs } from '../../../shared/units.ts'
import { agoText, pastText, utcSecondText } from './format.ts'
import { remedyOf } from './remedies.ts'

export interface Column<Row> {
  readonly title: string
  readonly numeric?: boolean
  readonly cell: (row: Row) => ComponentChildren
}

interface TableProps<Row> {
  readonly caption: string
  readonly columns: readonly Column<Row>[]
  readonly rows: readonly Row[]
  readonly empty: string
  readonly foot?: ComponentChildren
  /** Two narrow columns stay a table on a phone too. */
  readonly plain?: boolean
}

/** A table that becomes a stack of cards on a phone. The roles are spelt out because a browser
 * drops them from a table that is displayed as blocks. */
export function Table<Row>({
  caption,
  columns,
  rows,
  empty,
  foot,
  plain = false,
}: TableProps<Row>) {
  if (rows.length === 0) return <p class="empty">{empty}</p>
  return (
    <table role="table" aria-label={caption} class={plain ? 'plain-table' : 'stacked'}>
      <thead role="rowgroup">
        <tr role="row">
          {columns.map(({ title, numeric }) => (
            <th key={title} role="columnheader" scope="col" class={numeric ? 'num' : undefined}>
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {rows.map((row, index) => (
          <tr key={index} role="row">
            {columns.map(({ title, numeric, cell }) => (
              <td key={title} role="cell" data-label={title} class={numeric ? 'num' : undefined}>
                <div>{cell(row)}</div>
              </td>
            ))}
          </tr>
        ))}
      </tbody>
      {foot}
    </table>
  )
}

export function Headline(props: {
  readonly title: string
  readonly lead?: ComponentChildren
  readonly children?: ComponentChildren
}) {
  return (
    <div class="headline">
      <div>
        <h1>{props.title}</h1>
        {props.lead !== undefined && <p class="lead">{props.lead}</p>}
      </div>
      {props.children}
    </div>
  )
}

export type Tone = 'good' | 'warn' | 'bad' | 'quiet'

/** A state in words; the colour only repeats it. */
export const Badge = ({ tone, children }: { tone: Tone; children: ComponentChildren }) => (
  <span class={tone === 'quiet' ? 'badge' : `badge badge-${tone}`}>{children}</span>
)

/** `12 s ago`, with the instant for machines and on hover. `past`: it has happened; where it seems
 * to lie ahead, two clocks disagree, and that is said. */
export function Ago({
  at,
  now,
  past = false,
}: {
  readonly at: UnixMs | null
  readonly now: UnixMs
  readonly past?: boolean
}) {
  if (at === null) return <span class="soft">never</span>
  return (
    <time dateTime={new Date(at).toISOString()} title={utcSecondText(at)}>
      {past ? pastText(at, now) : agoText(at, now)}
    </time>
  )
}

export function Facts({ rows }: { rows: readonly (readonly [string, ComponentChildren])[] }) {
  return (
    <dl class="facts">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}

export function Tiles({
  rows,
}: {
  rows: readonly { name: string; value: ComponentChildren; note?: string }[]
}) {
  return (
    <dl class="tiles">
      {rows.map(({ name, value, note }) => (
        <div key={name} class="tile">
          <dt>{name}</dt>
          <dd>
            {value}
            {note !== undefined && <span class="sub">{note}</span>}
          </dd>
        </div>
      ))}
    </dl>
  )
}

export function Tabs({
  label,
  entries,
  current,
}: {
  readonly label: string
  readonly entries: readonly (readonly [href: string, text: string])[]
  readonly current: string
}) {
  return (
    <nav class="tabs" aria-label={label}>
      {entries.map(([href, text]) => (
        <a key={href} href={href} aria-current={href === current ? 'page' : undefined}>
          {text}
        </a>
      ))}
    </nav>
  )
}

const TONES = { info: 'quiet', warn: 'warn', error: 'bad', alarm: 'bad' } as const

/** The code with its severity as tone and word. */
export function FaultBadge({ code }: { readonly code: string }) {
  if (!isFaultCode(code)) return <Badge tone="quiet">{code}</Badge>
  const { severity } = FAULTS[code]
  return <Badge tone={TONES[severity]}>{`${code} ${severity}`}</Badge>
}

/** What the code means and what to do about it. */
export function FaultWords({ code }: { readonly code: string }) {
  if (!isFaultCode(code)) return <>not in the table of this version</>
  const { is, then } = FAULTS[code]
  return (
    <>
      {capital(is)}
      <span class="sub">Remedy: {then}.</span>
      <RemedyLink code={code} />
    </>
  )
}

/** Leads to the page where it is mended, or names the command that does it. */
export function RemedyLink({ code }: { readonly code: string }) {
  const remedy = remedyOf(code)
  if (remedy === null) return null
  return (
    <span class="sub">
      {'page' in remedy ? (
        <a href={remedy.page}>{remedy.words}</a>
      ) : (
        <code>{`ticklock ${remedy.command}`}</code>
      )}
    </span>
  )
}

export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

/** A card with a head. */
export function Section(props: {
  readonly title: string
  readonly lead?: ComponentChildren
  /** Links and buttons beside the title. */
  readonly actions?: ComponentChildren
  /** For a table: it reaches to the card's edges. */
  readonly flush?: boolean
  /** So that a link can lead here. */
  readonly id?: string
  readonly children: ComponentChildren
}) {
  const { title, lead, actions, flush = false, id, children } = props
  return (
    <section class={flush ? 'card card-flush' : 'card'} id={id}>
      <div class={actions === undefined ? 'card-head' : 'card-head split'}>
        <div class="card-head">
          <h2>{title}</h2>
          {lead !== undefined && <p class="soft">{lead}</p>}
        </div>
        {actions !== undefined && <div class="actions">{actions}</div>}
      </div>
      {children}
    </section>
  )
}

/** A part that opens at its head: of many meters, or of what few need. */
export function Fold(props: {
  readonly title: ComponentChildren
  /** Beside the title, also while it is closed. */
  readonly note?: ComponentChildren
  readonly open?: boolean
  readonly flush?: boolean
  readonly children: ComponentChildren
}) {
  const { title, note, open = false, flush = false, children } = props
  return (
    <details class={flush ? 'card card-flush fold' : 'card fold'} open={open}>
      <summary>
        <span class="strong">{title}</span>
        {note !== undefined && <span class="soft"> {note}</span>}
      </summary>
      {children}
    </details>
  )
}

/** How far something is, for eyes and for screen readers. */
export function Progress(props: {
  readonly label: string
  readonly value: number
  readonly max: number
  readonly text?: ComponentChildren
}) {
  const { label, value, max, text } = props
  const percent = max <= 0 ? 0 : Math.floor((Math.min(value, max) / max) * 100)
  return (
    <div class="progress">
      <progress value={Math.min(value, max)} max={Math.max(max, 1)} aria-label={label}>
        {percent} %
      </progress>
      <p class="soft">{text ?? `${percent} %`}</p>
    </div>
  )
}
