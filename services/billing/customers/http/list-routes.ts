// The two routes of a list: its page, and the whole of it as a file.

import type { FastifyInstance } from 'fastify'
import type { VNode } from 'preact'
import type { PageContext } from '../../kit/context.ts'
import type { CsvValue } from '../../kit/csv.ts'
import type { Door } from '../../kit/door.ts'
import { type ListQuery, type ListSpec, type Page, pageOf, readList } from '../../kit/list.ts'

/** Counted so far for the head of a list; more is "more than". */
const COUNTED_MAX = 1_000
/** Rows fetched at a time for a file. */
const FILE_ROWS = 1_000

export interface ListPageProps<Row> {
  readonly context: PageContext
  readonly query: ListQuery
  readonly page: Page<Row>
  readonly total: { readonly count: number; readonly most: number }
}

interface Listed<Row extends { readonly id: number }> {
  readonly spec: ListSpec
  readonly rows: (query: ListQuery) => Promise<readonly Row[]>
  readonly count: (query: ListQuery, most: number) => Promise<number>
  /** The sort key of a row as text. */
  readonly key: (row: Row, sort: string) => string
  readonly page: (props: ListPageProps<Row>) => VNode | Promise<VNode>
  readonly csv: {
    readonly head: readonly string[]
    readonly row: (row: Row) => readonly CsvValue[]
  }
}

export function listAnswers<Row extends { readonly id: number }>(
  app: FastifyInstance,
  page: Door,
  list: Listed<Row>,
): void {
  const { spec } = list
  const placeOf = (row: Row, { sort }: ListQuery) => ({ key: list.key(row, sort), id: row.id })
  app.get(
    spec.path,
    page(async ({ context, request }) => {
      const query = readList(request.query, spec)
      const [rows, count] = await Promise.all([list.rows(query), list.count(query, COUNTED_MAX)])
      const shown = pageOf(rows, query, (row) => placeOf(row, query))
      const total = { count, most: COUNTED_MAX }
      return { page: await list.page({ context, query, page: shown, total }) }
    }),
  )
  app.get(
    `${spec.path}.csv`,
    page(async ({ request }) => {
      const query = readList(request.query, spec)
      const name = `${spec.path.slice(1)}.csv`
      return { csv: { head: list.csv.head, rows: fileRows(list, query, placeOf) }, name }
    }),
  )
}

async function* fileRows<Row extends { readonly id: number }>(
  list: Listed<Row>,
  query: ListQuery,
  placeOf: (row: Row, query: ListQuery) => { readonly key: string; readonly id: number },
): AsyncGenerator<readonly CsvValue[]> {
  let after: ListQuery['after'] = null
  for (;;) {
    const rows: readonly Row[] = await list.rows({
      ...query,
      after,
      before: null,
      limit: FILE_ROWS,
    })
    const some = rows.slice(0, FILE_ROWS)
    for (const row of some) yield list.csv.row(row)
    const last = some.at(-1)
    if (rows.length <= FILE_ROWS || last === undefined) return
    after = placeOf(last, query)
  }
}
