// Lists of any length: what the query of a page asks for (search, filters, order, place), and the
// pages of the answer. A place is the sort key and id of a row, never a number of rows to skip, so
// the last page costs what the first does and no row is seen twice while others are added.

import type { FastifyRequest } from 'fastify'
import { smallRowId } from './door.ts'
import { fieldsOf } from './form.ts'

/** The type of a sort key in the database. */
export type KeyType = 'text' | 'integer' | 'bigint' | 'date' | 'timestamptz'

export interface ListSpec {
  readonly path: string
  readonly sorts: Readonly<Record<string, KeyType>>
  /** The order without a choice: a name of `sorts`, with `-` in front for the largest first. */
  readonly sort: string
  /** Each filter with its choices; an empty value is the choice of none. */
  readonly filters: Readonly<Record<string, readonly (readonly [value: string, text: string])[]>>
  /** Filters that are set when an address does not name them; an empty value there unsets them. */
  readonly preset?: Readonly<Record<string, string>>
}

/** The sort key and id of a row: where a page begins or ends. */
export interface Place {
  readonly key: string
  readonly id: number
}

export interface ListQuery {
  readonly q: string
  readonly sort: string
  readonly down: boolean
  /** One entry for each filter of the list; '': not chosen. */
  readonly filters: Readonly<Record<string, string>>
  /** The page after this place, or before that one; at most one of them is given. */
  readonly after: Place | null
  readonly before: Place | null
  readonly limit: number
}

/** Rows of a page: two screens; a thumb reaches the next one. */
const PAGE_ROWS = 50
/** Longest search: a name and an address. */
export const SEARCH_CHARS_MAX = 100
/** Longest sort key in a place: names may have 200 letters. */
const KEY_CHARS_MAX = 400
/** A place in a query, coded: letters take up to three bytes, base64url a third more. */
const PLACE_CHARS_MAX = KEY_CHARS_MAX * 4 + 40

/** What a query asks of a list. Whatever it does not understand counts as not said. */
export function readList(query: unknown, spec: ListSpec): ListQuery {
  const said = (name: string): string => textIn(query, name)
  const order = isOrder(said('sort'), spec) ? said('sort') : spec.sort
  const filters: Record<string, string> = {}
  for (const [name, choices] of Object.entries(spec.filters)) {
    const preset = spec.preset?.[name] ?? ''
    const value = isSaid(query, name) ? said(name) : preset
    filters[name] = choices.some(([choice]) => choice === value) ? value : ''
  }
  const down = order.startsWith('-')
  const sort = down ? order.slice(1) : order
  const type = spec.sorts[sort] ?? 'text'
  const after = placeOf(said('after'), type)
  return {
    q: said('q').trim().slice(0, SEARCH_CHARS_MAX).toWellFormed(),
    sort,
    down,
    filters,
    after,
    before: after === null ? placeOf(said('before'), type) : null,
    limit: PAGE_ROWS,
  }
}

const isOrder = (text: string, spec: ListSpec): boolean =>
  Object.hasOwn(spec.sorts, text.replace(/^-/, ''))

const isSaid = (query: unknown, name: string): boolean =>
  typeof query === 'object' && query !== null && Object.hasOwn(query, name)

function textIn(query: unknown, name: string): string {
  if (typeof query !== 'object' || query === null || !isSaid(query, name)) return ''
  const text: unknown = Reflect.get(query, name)
  return typeof text === 'string' ? text : ''
}

/** A place as it stands in a query: opaque, and safe in a URL. */
export const placeText = ({ key, id }: Place): string =>
  Buffer.from(`${id} ${key}`, 'utf8').toString('base64url')

const KEY_SHAPES: Readonly<Record<KeyType, RegExp>> = {
  text: /^[^\0]*$/,
  integer: /^-?\d{1,9}$/,
  bigint: /^-?\d{1,18}$/,
  date: /^\d{4}-\d\d-\d\d$/,
  timestamptz: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z$/,
}

/** Null for whatever could not have come from `placeText` of such a list: a query is typed by
 * anybody, and the database would answer nonsense with an error. */
export function placeOf(text: string, type: KeyType): Place | null {
  if (text === '' || text.length > PLACE_CHARS_MAX || !/^[\w-]+$/.test(text)) return null
  const [, digits = '', key = ''] =
    /^(\d+) ([\s\S]*)$/.exec(Buffer.from(text, 'base64url').toString('utf8')) ?? []
  const id = smallRowId(digits)
  if (id === null || key.length > KEY_CHARS_MAX || key.includes('\uFFFD')) return null
  if (!KEY_SHAPES[type].test(key) || !isRealTime(key, type)) return null
  return { key, id }
}

function isRealTime(key: string, type: KeyType): boolean {
  if (type !== 'date' && type !== 'timestamptz') return true
  const at = Date.parse(key)
  return !Number.isNaN(at) && new Date(at).toISOString().slice(0, 10) === key.slice(0, 10)
}

/** The address of the list with some of its choices changed. A change of anything but the place
 * begins at the first page again. */
export function listHref(
  spec: ListSpec,
  query: ListQuery,
  changes: Readonly<Record<string, string>> = {},
): string {
  return hrefOf(spec, spec.path, { ...choicesOf(spec, query), ...changes })
}

/** The choices of a query without its place, as the fields of a form have them. */
export function choicesOf(spec: ListSpec, query: ListQuery): Readonly<Record<string, string>> {
  const order = orderText(query)
  return { ...(order === spec.sort ? {} : { sort: order }), q: query.q, ...query.filters }
}

/** The same list as a file, all pages of it. */
export const csvHref = (spec: ListSpec, query: ListQuery): string =>
  hrefOf(spec, `${spec.path}.csv`, choicesOf(spec, query))

export const orderText = ({ sort, down }: Pick<ListQuery, 'sort' | 'down'>): string =>
  `${down ? '-' : ''}${sort}`

function hrefOf(
  { preset = {} }: ListSpec,
  path: string,
  choices: Readonly<Record<string, string>>,
): string {
  const said = Object.entries(choices).filter(([name, value]) => value !== (preset[name] ?? ''))
  const text = new URLSearchParams(said.map(([name, value]) => [name, value])).toString()
  return text === '' ? path : `${path}?${text}`
}

export interface Page<Row> {
  readonly rows: readonly Row[]
  /** Where the page after and the page before this one begin; null: there is none. */
  readonly next: string | null
  readonly previous: string | null
}

/** The page of rows that were fetched as store/keyset.ts asks: up to limit + 1, and backwards when
 * the query asks for what is before a place. */
export function pageOf<Row>(
  fetched: readonly Row[],
  query: ListQuery,
  placeOfRow: (row: Row) => Place,
): Page<Row> {
  const more = fetched.length > query.limit
  const cut = fetched.slice(0, query.limit)
  const rows = query.before === null ? cut : cut.toReversed()
  const first = rows[0]
  const last = rows.at(-1)
  const hasNext = query.before === null ? more : true
  const hasPrevious = query.before === null ? query.after !== null : more
  return {
    rows,
    next: hasNext && last !== undefined ? placeText(placeOfRow(last)) : null,
    previous: hasPrevious && first !== undefined ? placeText(placeOfRow(first)) : null,
  }
}

/** What a bulk action is for: rows by id, or all that the list's choices match. */
export type Selection =
  | { readonly all: true; readonly list: ListQuery }
  | { readonly all: false; readonly ids: readonly number[] }

/** Most rows that can be ticked: those of a page. */
const TICKS_MAX = PAGE_ROWS

/** The rows ticked in a list, or all of it; null when none is ticked. */
export function readSelection(request: FastifyRequest, spec: ListSpec): Selection | null {
  if (fieldsOf(request, 'all')[0] === 'yes')
    return { all: true, list: readList(request.body, spec) }
  const ids = fieldsOf(request, 'id')
    .slice(0, TICKS_MAX)
    .map(smallRowId)
    .filter((id) => id !== null)
  return ids.length === 0 ? null : { all: false, ids: [...new Set(ids)] }
}
