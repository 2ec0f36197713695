// Dates the readings of unsure clocks once their tie to UTC is known: a little work at a time,
// beside everything else. Doing it twice, or on two machines, changes nothing.

import type { Pool } from 'pg'
import { CLOCK_BOUND_UNKNOWN } from '../../../../shared/clock/clock-state.ts'
import { errorText } from '../../../../shared/node/fault-error.ts'
import { spanMs, type UnixMs, unixMs } from '../../../../shared/units.ts'
import {
  between,
  retime,
  startedBy,
  type Tie,
  type Timed,
  TRUSTED_BOUND_MS,
} from '../core/retiming.ts'
import { blamesRows } from '../../store/apart.ts'
import { recordTrouble } from './troubles.ts'

/** Readings dated per statement: 0.1 s of work. */
const ROWS_MAX = 5_000
/** For a process that gave no anchor: how many later processes are asked when they began. */
const LATER_MAX = 100

interface ProcessRow {
  readonly device_id: string
  readonly process: string
  readonly first_run: number | null
  readonly last_run: number | null
  readonly first_ms: number | null
  readonly first_utc: Date | null
  readonly first_bound_ms: number | null
  readonly best_ms: number | null
  readonly best_utc: Date | null
  readonly best_bound_ms: number | null
  readonly last_ms: number | null
  readonly last_utc: Date | null
  readonly last_bound_ms: number | null
  readonly sure_to: Date | null
  readonly news_at: Date | null
}

interface OpenRow {
  readonly epoch: number
  readonly run: number
  readonly sequence: number
  readonly item: number
  readonly received_at: Date
  readonly process_ms: number
  readonly agent_ts: Date
  readonly clock_state: string
  readonly clock_bound_ms: number
}

type Dated = (Timed & { readonly way: 'anchor' | 'between' }) | null

/** Dates everything that is due at `now`; returns how many readings got a time. */
export async function retimeDue(pool: Pool, now: UnixMs): Promise<number> {
  let dated = 0
  for (;;) {
    const { rows } = await pool.query<WhichProcess>(
      'select device_id, process from slave_processes where due_at <= $1 order by due_at limit 1',
      [new Date(now)],
    )
    const [which] = rows
    if (which === undefined) return dated
    dated += await dateApart(pool, which, now)
  }
}

type WhichProcess = Pick<ProcessRow, 'device_id' | 'process'>

/** A process whose readings cannot be dated is left out until there is news of it: those of all
 * others come after it. */
async function dateApart(pool: Pool, which: WhichProcess, now: UnixMs): Promise<number> {
  const { device_id: device, process } = which
  try {
    const { rows } = await pool.query<ProcessRow>(
      'select * from slave_processes where device_id = $1 and process = $2',
      [device, process],
    )
    const [row] = rows
    return row === undefined ? 0 : await dateProcess(pool, row, now)
  } catch (error) {
    if (!blamesRows(error)) throw error
    const detail = `readings of process ${process} are not dated: ${errorText(error)}`
    await recordTrouble(pool, { device, code: 'BIL-16', meter: null, detail })
    await nothingDue(pool, which, now)
    return 0
  }
}

async function nothingDue(pool: Pool, which: WhichProcess, now: UnixMs): Promise<void> {
  await pool.query(
    `update slave_processes set due_at = null
     where device_id = $1 and process = $2 and due_at <= $3`,
    [which.device_id, which.process, new Date(now)],
  )
}

async function dateProcess(pool: Pool, process: ProcessRow, now: UnixMs): Promise<number> {
  const open = await openRows(pool, process)
  const anchors = tiesOf(process)
  const times =
    anchors.length > 0
      ? open.map((row) => byAnchors(row, anchors))
      : await byNeighbours(pool, process, open)
  if (open.length > 0) {
    await pool.query(DATE, [
      process.device_id,
      open.map(({ epoch }) => epoch),
      open.map(({ run }) => run),
      open.map(({ sequence }) => sequence),
      open.map(({ item }) => item),
      times.map((time) => (time === null ? null : new Date(time.at))),
      times.map((time) => time?.bound ?? null),
      times.map((time) => time?.way ?? null),
      new Date(now),
    ])
  }
  if (open.length < ROWS_MAX) await nothingDue(pool, process, now)
  return times.filter((time) => time !== null).length
}

const OPEN = `from retimed_readings where device_id = $1 and run between $2 and $3
  and (bound_ms is null or bound_ms > ${TRUSTED_BOUND_MS})`

async function openRows(pool: Pool, process: ProcessRow): Promise<readonly OpenRow[]> {
  const { device_id, first_run, last_run, news_at } = process
  if (first_run === null) return []
  const { rows } = await pool.query<OpenRow>(
    `select epoch, run, sequence, item, received_at, process_ms, agent_ts, clock_state,
       clock_bound_ms ${OPEN} and (retimed_at is null or retimed_at < $4)
     limit ${ROWS_MAX}`,
    [device_id, first_run, last_run, news_at],
  )
  return rows
}

const tie = (ms: number | null, utc: Date | null, bound: number | null): readonly Tie[] =>
  ms === null || utc === null || bound === null
    ? []
    : [{ processMs: ms, utc: unixMs(utc.getTime()), bound: spanMs(bound) }]

const tiesOf = (process: ProcessRow): readonly Tie[] => [
  ...tie(process.first_ms, process.first_utc, process.first_bound_ms),
  ...tie(process.best_ms, process.best_utc, process.best_bound_ms),
  ...tie(process.last_ms, process.last_utc, process.last_bound_ms),
]

/** The time in the stamp itself, if it has a bound. */
const stampedTime = ({ clock_state, clock_bound_ms, agent_ts }: OpenRow): Timed | null =>
  clock_state === 'U' || clock_bound_ms >= CLOCK_BOUND_UNKNOWN
    ? null
    : { at: unixMs(agent_ts.getTime()), bound: spanMs(clock_bound_ms) }

function byAnchors(row: OpenRow, anchors: readonly Tie[]): Dated {
  const time = retime(row.process_ms, stampedTime(row), anchors)
  return time === null ? null : { ...time, way: 'anchor' }
}

/** For a process that is over, because a later one has begun, and never gave an anchor. */
async function byNeighbours(
  pool: Pool,
  { device_id, first_run, last_run }: ProcessRow,
  open: readonly OpenRow[],
): Promise<readonly Dated[]> {
  const unknown = open.map(() => null)
  if (open.length === 0) return unknown
  const earlier = await pool.query<{ after: Date | null; end_ms: number | null }>(
    `select (select max(greatest(sure_from, last_utc - last_bound_ms * interval '1 ms'))
        from slave_processes where device_id = $1 and last_run < $2) as after,
       (select max(process_ms) ${OPEN}) as end_ms`,
    [device_id, first_run, last_run],
  )
  const later = await pool.query<ProcessRow>(
    `select * from slave_processes where device_id = $1 and first_run > $2
     order by first_run limit ${LATER_MAX}`,
    [device_id, last_run],
  )
  const [{ after, end_ms } = { after: null, end_ms: null }] = earlier.rows
  if (after === null || later.rows.length === 0) return unknown
  const bounds = later.rows.flatMap((process) => [
    ...tiesOf(process).map(startedBy),
    ...(process.sure_to === null ? [] : [process.sure_to.getTime()]),
  ])
  return open.map((row): Dated => {
    // One with a bound of its own is no worse than its neighbours.
    if (stampedTime(row) !== null) return null
    const time = between(row.process_ms, {
      after: unixMs(after.getTime()),
      before: unixMs(Math.min(row.received_at.getTime(), ...bounds)),
      endMs: end_ms ?? 0,
    })
    return time === null ? null : { ...time, way: 'between' }
  })
}

const DATE = `update retimed_readings r set ts = coalesce(of.ts, r.ts),
    bound_ms = coalesce(of.bound_ms, r.bound_ms), way = coalesce(of.way, r.way), retimed_at = $9
  from unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::integer[], $6::timestamptz[],
    $7::bigint[], $8::text[]) as of(epoch, run, sequence, item, ts, bound_ms, way)
  where r.device_id = $1 and r.epoch = of.epoch and r.run = of.run and r.sequence = of.sequence
    and r.item = of.item`
