// The list of what needs attention: brought up to date by a look, read by the page, marked by
// operators. A look adds and refreshes what is found, and removes what is found no more; what
// somebody muted or closed stays as it was until it is over or happens again.

import { type Kysely, type Selectable, sql, type Transaction } from 'kysely'
import { unreachable } from '../../../../shared/assert.ts'
import type { UnixMs } from '../../../../shared/units.ts'
import {
  ATTENTION_SORTS,
  type AttentionRow,
  type AttentionState,
  type AttentionTotals,
  type Finding,
  harmOf,
  type Mark,
} from '../core/views.ts'
import type { ListQuery } from '../../kit/list.ts'
import { instant, instantOrNull } from '../../store/instants.ts'
import { keyset } from '../../store/keyset.ts'
import type { Database } from '../../store/schema.ts'
import { gather } from './gather.ts'

/** New exceptions taken in at one look; the next look takes the rest. */
const EXCEPTIONS_MAX = 20_000
/** How long an exception that does not come again is listed, days. */
const EXCEPTION_DAYS = 35
/** Key of the advisory lock of a look: 'attn' in ASCII. Two servers do not look at once. */
const LOCK_KEY = 0x6174746e

/** Looks at everything once; false when somebody else is just doing it. */
export async function look(db: Kysely<Database>, now: UnixMs): Promise<boolean> {
  return db.transaction().execute(async (trx) => {
    const { rows } = await sql<{ mine: boolean }>`
      select pg_try_advisory_xact_lock(${LOCK_KEY}) as mine`.execute(trx)
    if (rows[0]?.mine !== true) return false
    await store(trx, await gather(trx, now), now)
    await takeExceptions(trx, now)
    return true
  })
}

/** The order of the page as one number. */
const rankOf = (harm: string, since: string) =>
  sql.raw(`(3 - ${harm}) * 100000000000000 + floor(extract(epoch from ${since}) * 1000)::bigint`)

async function store(
  trx: Transaction<Database>,
  findings: readonly Finding[],
  now: UnixMs,
): Promise<void> {
  const rows = findings.map((finding) => ({
    ...finding,
    since: new Date(finding.since).toISOString(),
    lastAt: new Date(finding.lastAt).toISOString(),
    harm: harmOf(finding.code),
  }))
  const at = new Date(now)
  await sql`
    insert into attention as a
      (key, code, harm, subject, href, count, since, last_at, looked_at, rank)
    select key, code, harm, subject, href, count, since, "lastAt", ${at}, ${rankOf('harm', 'since')}
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r(key text, code text,
      harm smallint, subject text, href text, count bigint, since timestamptz,
      "lastAt" timestamptz)
    where harm > 0
    on conflict (key) do update set code = excluded.code, harm = excluded.harm,
      subject = excluded.subject, href = excluded.href, count = excluded.count,
      since = least(a.since, excluded.since), last_at = excluded.last_at,
      rank = ${rankOf('excluded.harm', 'least(a.since, excluded.since)')},
      looked_at = excluded.looked_at`.execute(trx)
  await sql`delete from attention where looked_at < ${at} and key not like 'exception:%'`.execute(
    trx,
  )
  await reopen(trx)
}

/** What was closed is open again once it has happened more often than when it was closed. */
const reopen = (trx: Transaction<Database>) =>
  sql`update attention set closed_at = null, closed_by = null, closed_count = null, reason = null
    where closed_count < count`.execute(trx)

/** Exceptions only come: the new ones are added to their entry. That a meter is unknown (BIL-05) is
 * told by its adoption, and not told again here. */
async function takeExceptions(trx: Transaction<Database>, now: UnixMs): Promise<void> {
  const at = new Date(now)
  await sql`
    with fresh as (
      select id, at, code, device_id, meter from exceptions
      where id > (select id from attention_cursors where name = 'exceptions')
      order by id limit ${EXCEPTIONS_MAX}
    ), moved as (
      update attention_cursors set id = (select max(id) from fresh)
      where name = 'exceptions' and exists (select from fresh)
    ), grouped as (
      select f.code, f.device_id, coalesce(d.name, f.device_id) as name, count(*) as count,
        case when count(distinct f.meter) = 1 then min(f.meter) end as meter,
        -- A page is asked for by its last row's milliseconds.
        date_trunc('milliseconds', min(f.at)) as since,
        date_trunc('milliseconds', max(f.at)) as last_at
      from fresh f left join devices d on d.id = f.device_id
      where f.code <> 'BIL-05' group by f.code, f.device_id, d.name
    )
    insert into attention as a
      (key, code, harm, subject, href, count, since, last_at, looked_at, rank)
    select 'exception:' || code || ':' || device_id, code, 0,
      case when meter is null then name else 'meter ' || meter || ' at ' || name end,
      '/fleet/' || device_id, count, since, last_at, ${at}, 0
    from grouped
    on conflict (key) do update set count = a.count + excluded.count, subject = excluded.subject,
      last_at = greatest(a.last_at, excluded.last_at), looked_at = excluded.looked_at`.execute(trx)
  await setHarm(trx, at)
  await sql`delete from attention where key like 'exception:%'
    and last_at < ${at}::timestamptz - make_interval(days => ${EXCEPTION_DAYS})`.execute(trx)
  await reopen(trx)
}

async function setHarm(trx: Transaction<Database>, at: Date): Promise<void> {
  const { rows } = await sql<{ code: string }>`
    select distinct code from attention where looked_at = ${at} and key like 'exception:%'`.execute(
    trx,
  )
  await sql`update attention a set harm = h.harm, rank = ${rankOf('h.harm', 'a.since')}
    from unnest(${rows.map(({ code }) => code)}::text[],
      ${rows.map(({ code }) => Math.max(1, harmOf(code)))}::smallint[]) as h(code, harm)
    where a.code = h.code and a.key like 'exception:%'`.execute(trx)
}

export interface AttentionPart {
  readonly state: AttentionState
  /** As the page's list asks (kit/list.ts): search, order, place. */
  readonly query: ListQuery
}

export interface AttentionReads {
  /** Up to one row more than a page has. */
  list(part: AttentionPart, now: UnixMs): Promise<readonly AttentionRow[]>
  /** How many are open, those of error and alarm apart; and when it was last looked. */
  totals(now: UnixMs): Promise<AttentionTotals>
  /** Returns how many entries there were. */
  mark(ids: readonly number[], mark: Mark, by: string, now: UnixMs): Promise<number>
}

const isOpen = (now: UnixMs) =>
  sql<boolean>`closed_at is null and coalesce(muted_until <= ${new Date(now)}, true)`
const IS = {
  open: isOpen,
  muted: (now: UnixMs) => sql<boolean>`closed_at is null and muted_until > ${new Date(now)}`,
  closed: () => sql<boolean>`closed_at is not null`,
} as const

/** Letters that LIKE would read as wildcards. */
const literal = (text: string): string => text.replaceAll(/[\\%_]/g, String.raw`\$&`)

const KEYS = {
  rank: sql`rank`,
  since: sql`since`,
  last: sql`last_at`,
  count: sql`count`,
} as const
const isKey = (name: string): name is keyof typeof KEYS => Object.hasOwn(KEYS, name)

export function attentionReads(db: Kysely<Database>): AttentionReads {
  return {
    list: (part, now) => listed(db, part, now),
    totals: (now) => totalsOf(db, now),
    mark: (ids, mark, by, now) => marked(db, { ids, mark, by, now }),
  }
}

type Stored = Selectable<Database['attention']>

async function listed(
  db: Kysely<Database>,
  { state, query }: AttentionPart,
  now: UnixMs,
): Promise<readonly AttentionRow[]> {
  const name = isKey(query.sort) ? query.sort : 'rank'
  const order = { query, key: KEYS[name], type: ATTENTION_SORTS[name], id: sql`id` } as const
  const { where, orderBy, limit } = keyset(order)
  const { rows } = await sql<Stored>`
    select * from attention where ${IS[state](now)} and ${where}
      and (subject || ' ' || code) ilike ${`%${literal(query.q)}%`}
    order by ${orderBy} limit ${limit}`.execute(db)
  return rows.map(attentionRow)
}

async function totalsOf(db: Kysely<Database>, now: UnixMs): Promise<AttentionTotals> {
  const { rows } = await sql<{ open: number; grave: number; looked_at: Date | null }>`
    select count(*) filter (where ${isOpen(now)}) as open,
      count(*) filter (where harm >= 2 and ${isOpen(now)}) as grave,
      max(looked_at) as looked_at from attention`.execute(db)
  const [row] = rows
  return {
    open: row?.open ?? 0,
    grave: row?.grave ?? 0,
    lookedAt: instantOrNull(row?.looked_at ?? null),
  }
}

const attentionRow = (row: Stored): AttentionRow => ({
  id: row.id,
  key: row.key,
  code: row.code,
  harm: row.harm,
  rank: row.rank,
  subject: row.subject,
  href: row.href,
  count: row.count,
  since: instant(row.since),
  lastAt: instant(row.last_at),
  seenBy: row.seen_by,
  mutedUntil: instantOrNull(row.muted_until),
  mutedBy: row.muted_by,
  closedAt: instantOrNull(row.closed_at),
  closedBy: row.closed_by,
  reason: row.reason,
})

async function marked(
  db: Kysely<Database>,
  task: {
    readonly ids: readonly number[]
    readonly mark: Mark
    readonly by: string
    readonly now: UnixMs
  },
): Promise<number> {
  const { ids, by } = task
  if (ids.length === 0) return 0
  const result = await db
    .updateTable('attention')
    .set(valuesOf(task.mark, by, new Date(task.now)))
    .where('id', 'in', ids)
    .executeTakeFirst()
  return Number(result.numUpdatedRows)
}

const NOT_CLOSED = { closed_at: null, closed_by: null, closed_count: null } as const
const NOT_MUTED = { muted_until: null, muted_by: null } as const

function valuesOf(mark: Mark, by: string, at: Date) {
  switch (mark.kind) {
    case 'seen':
      return { seen_at: at, seen_by: by }
    case 'mute':
      return {
        muted_until: new Date(mark.until),
        muted_by: by,
        reason: mark.reason,
        ...NOT_CLOSED,
      }
    case 'close':
      return {
        closed_at: at,
        closed_by: by,
        closed_count: sql<number>`count`,
        reason: mark.reason,
        ...NOT_MUTED,
      }
    case 'open':
      return { seen_at: null, seen_by: null, reason: null, ...NOT_CLOSED, ...NOT_MUTED }
    default:
      return unreachable(mark)
  }
}
