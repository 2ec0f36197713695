// A list with its search, filters, order, pages and what can be done with a selection. Everything
// is a link or a form.

import type { ComponentChildren } from 'preact'
import type { PageContext } from './context.ts'
import { manyText } from './format.ts'
import { FormToken } from './layout.tsx'
import {
  choicesOf,
  csvHref,
  listHref,
  type ListQuery,
  type ListSpec,
  orderText,
  type Page,
  SEARCH_CHARS_MAX,
} from './list.ts'
import type { Column } from './parts.tsx'

export interface ListColumn<Row> extends Column<Row> {
  /** A name in the list's `sorts`. */
  readonly sort?: string
}

/** What can be done with the rows that are ticked. */
export interface Bulk<Row> {
  readonly action: string
  readonly idOf: (row: Row) => number
  /** What a screen reader calls the row. */
  readonly nameOf: (row: Row) => string
  /** Value of the field `do`, and what the button says. */
  readonly buttons: readonly (readonly [value: string, text: string])[]
  /** Offers to take all rows that the list's choices match, on every page. */
  readonly all?: boolean
  /** Further fields of the form: a tariff, a date. */
  readonly children?: ComponentChildren
}

export interface ListProps<Row> {
  readonly context: PageContext
  readonly spec: ListSpec
  readonly query: ListQuery
  readonly page: Page<Row>
  readonly caption: string
  readonly columns: readonly ListColumn<Row>[]
  /** When there are no rows and nothing was searched for. */
  readonly empty: ComponentChildren
  /** What the search looks at; null: the list has none. */
  readonly search: string | null
  readonly filterLabels?: Readonly<Record<string, string>>
  /** How many match, counted up to `most`; null: not counted. */
  readonly total?: { readonly count: number; readonly most: number } | null
  readonly bulk?: Bulk<Row>
  /** Offers the list as a file. */
  readonly csv?: boolean
}

const BULK_FORM = 'bulk'

export function List<Row>(props: ListProps<Row>) {
  const { context, spec, query, page, bulk } = props
  const rows = page.rows.length
  return (
    <section class="card card-flush list" aria-label={props.caption}>
      <Toolbar {...props} />
      {rows === 0 ? <Nothing {...props} /> : <Rows {...props} />}
      {bulk !== undefined && rows > 0 && (
        <BulkBar context={context} spec={spec} query={query} bulk={bulk} />
      )}
      <Pager spec={spec} query={query} page={page} caption={props.caption} />
    </section>
  )
}

function Toolbar<Row>(props: ListProps<Row>) {
  const { spec, query, search, filterLabels = {}, total = null, csv = false } = props
  const filters = Object.entries(spec.filters)
  const order = orderText(query)
  return (
    <div class="toolbar">
      {(search !== null || filters.length > 0) && (
        <form
          class="choices"
          method="get"
          action={spec.path}
          role="search"
          aria-label={props.caption}
        >
          {order !== spec.sort && <input type="hidden" name="sort" value={order} />}
          {search !== null && (
            <label class="grow">
              {search}
              <input type="search" name="q" value={query.q} maxLength={SEARCH_CHARS_MAX} />
            </label>
          )}
          {filters.map(([name, options]) => (
            <label key={name}>
              {filterLabels[name] ?? name}
              <select name={name}>
                <option value="">All</option>
                {options
                  .filter(([value]) => value !== '')
                  .map(([value, text]) => (
                    <option key={value} value={value} selected={value === query.filters[name]}>
                      {text}
                    </option>
                  ))}
              </select>
            </label>
          ))}
          <button class="button-quiet" type="submit">
            Show
          </button>
        </form>
      )}
      <p class="toolbar-end">
        {total !== null && (
          <span class="soft">{manyText(total.count, total.most)} in this list</span>
        )}
        {csv && <a href={csvHref(spec, query)}>Export as CSV</a>}
      </p>
    </div>
  )
}

const isNarrowed = (spec: ListSpec, { q, filters }: ListQuery): boolean =>
  q !== '' || Object.entries(filters).some(([name, value]) => value !== (spec.preset?.[name] ?? ''))

function Nothing<Row>({ spec, query, empty }: ListProps<Row>) {
  if (query.after !== null || query.before !== null) {
    return (
      <p class="empty">
        Nothing on this page any more. <a href={listHref(spec, query)}>To the first page</a>
      </p>
    )
  }
  if (!isNarrowed(spec, query)) return <div class="empty">{empty}</div>
  return (
    <p class="empty">
      Nothing matches. <a href={spec.path}>Back to the list</a>
    </p>
  )
}

function Rows<Row>({ spec, query, page, caption, columns, bulk }: ListProps<Row>) {
  return (
    <table role="table" aria-label={caption} class="stacked">
      <thead role="rowgroup">
        <tr role="row">
          {bulk !== undefined && (
            <th role="columnheader" scope="col" class="tick">
              <span class="unseen">Selected</span>
              <input type="checkbox" data-ticks="id" aria-label="All on this page" hidden />
            </th>
          )}
          {columns.map((column) => (
            <Head key={column.title} spec={spec} query={query} column={column} />
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {page.rows.map((row, index) => (
          <tr key={index} role="row">
            {bulk !== undefined && (
              <td role="cell" class="tick" data-label="Selected">
                <input
                  type="checkbox"
                  name="id"
                  value={bulk.idOf(row)}
                  form={BULK_FORM}
                  aria-label={`Select ${bulk.nameOf(row)}`}
                />
              </td>
            )}
            {columns.map(({ title, numeric, cell }) => (
              <td key={title} role="cell" data-label={title} class={numeric ? 'num' : undefined}>
                <div>{cell(row)}</div>
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function Head<Row>({
  spec,
  query,
  column,
}: {
  readonly spec: ListSpec
  readonly query: ListQuery
  readonly column: ListColumn<Row>
}) {
  const { title, sort, numeric } = column
  const kind = numeric ? 'num' : undefined
  if (sort === undefined) {
    return (
      <th role="columnheader" scope="col" class={kind}>
        {title}
      </th>
    )
  }
  const here = query.sort === sort
  const next = here && !query.down ? `-${sort}` : sort
  const direction = query.down ? 'descending' : 'ascending'
  return (
    <th role="columnheader" scope="col" class={kind} aria-sort={here ? direction : undefined}>
      <a href={listHref(spec, query, { sort: next })}>
        {title}
        {here && <span aria-hidden="true">{query.down ? ' ↓' : ' ↑'}</span>}
      </a>
    </th>
  )
}

function BulkBar<Row>({
  context,
  spec,
  query,
  bulk,
}: {
  readonly context: PageContext
  readonly spec: ListSpec
  readonly query: ListQuery
  readonly bulk: Bulk<Row>
}) {
  const { action, buttons, all = false, children } = bulk
  return (
    <form class="bulk" id={BULK_FORM} method="post" action={action} aria-label="With the selection">
      <FormToken context={context} />
      {Object.entries(choicesOf(spec, query)).map(([name, value]) => (
        <input key={name} type="hidden" name={name} value={value} />
      ))}
      <span class="soft">With the selection:</span>
      {children}
      {all && (
        <label class="check">
          <input type="checkbox" name="all" value="yes" />
          {isNarrowed(spec, query)
            ? 'All that match, on every page'
            : 'All of the list, on every page'}
        </label>
      )}
      {buttons.map(([value, text]) => (
        <button key={value} class="button-quiet" type="submit" name="do" value={value}>
          {text}
        </button>
      ))}
    </form>
  )
}

function Pager<Row>({
  spec,
  query,
  page,
  caption,
}: {
  readonly spec: ListSpec
  readonly query: ListQuery
  readonly page: Page<Row>
  readonly caption: string
}) {
  const { next, previous } = page
  if (next === null && previous === null) return null
  return (
    <nav class="pager" aria-label={`Pages of ${caption}`}>
      {previous !== null && (
        <>
          <a href={listHref(spec, query)}>First page</a>
          <a rel="prev" href={listHref(spec, query, { before: previous })}>
            Previous
          </a>
        </>
      )}
      {next !== null && (
        <a rel="next" class="pager-next" href={listHref(spec, query, { after: next })}>
          Next
        </a>
      )}
    </nav>
  )
}
