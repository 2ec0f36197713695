// Readings beside the one that stands in `readings` under the same meter, register and time. The
// first that came stands, and is billed as long as it counts; whatever says anything else is kept
// too, so that nothing forged can take a true reading's place for good: once an operator has set
// the forged one aside, the true one counts by itself (migrations/0013_standing.sql). Another value
// is an exception that names both (BIL-13). The same frame again leaves no trace.

import type { Pool } from 'pg'
import { int4Array } from '../../store/binary-arrays.ts'
import {
  READING_ARRAYS,
  READING_COLUMNS,
  readingColumns,
  type ReadingRows,
} from './reading-rows.ts'

type Client = Pick<Pool, 'query'>

const PLACED_ARRAYS = `$13::int4[], $14::int4[]`
const FRAMES = `unnest($15::text[], $16::bigint[], $17::bigint[], $18::bigint[]) with ordinality
  as f(device_id, epoch, run, sequence, number)`
const GIVEN = `select g.*, f.device_id, f.epoch, f.run, f.sequence
  from unnest(${READING_ARRAYS}, ${PLACED_ARRAYS}) as g(${READING_COLUMNS}, frame, item)
  join ${FRAMES} on f.number = g.frame`

const INTO = `insert into rival_readings (${READING_COLUMNS}, epoch, run, sequence, item)`
const AS_GIVEN = `${READING_COLUMNS}, epoch, run, sequence, item`

/** Keeps readings of a meter that nobody adopted and that another device claims. */
const STORE = `with given as (${GIVEN}) ${INTO} select ${AS_GIVEN} from given
  on conflict do nothing`

/** A bill may be made from it: migrations/0013_standing.sql. */
const timed = (row: string): string =>
  `(${row}.source = 1 or (${row}.clock_state <> 'U' and ${row}.clock_bound_ms <= 60000))`

/** Runs after the rows were stored, in the same transaction: what was stored compares as equal.
 * Rows of before know neither device nor second. */
const STORE_DIFFERING = `
with given as (${GIVEN}), other as (
  select g.*, r.value as stored, r.source as stored_source, r.sealed_at as stored_sealed_at
  from given g join readings r
    on (r.ts, r.meter_id, r.register_id) = (g.ts, g.meter_id, g.register_id)
  where r.value <> g.value or (${timed('g')} and not ${timed('r')})
    or (r.device_no is not null and (r.device_no, r.sealed_at) <> (g.device_no, g.sealed_at))
), beside as (
  ${INTO} select ${AS_GIVEN} from other on conflict do nothing
)
insert into exceptions (device_id, epoch, run, sequence, item, code, meter, detail, content)
select o.device_id, epoch, run, sequence, item, 'BIL-13', number,
  obis || ' at ' || to_char(ts at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC: '
    || o.value || ' came, ' || stored || ' is stored',
  convert_to(jsonb_build_object(
    'came', jsonb_build_object('value', o.value, 'source', source, 'sealed', sealed_at,
      'agentTime', agent_ts, 'clockState', clock_state, 'clockBoundMs', clock_bound_ms),
    'stored', jsonb_build_object('value', stored, 'source', stored_source,
      'sealed', stored_sealed_at))::text, 'UTF8')
from other o join meters on meters.id = meter_id join registers on registers.id = register_id
where o.value <> stored
on conflict (device_id, epoch, run, sequence, item) do nothing`

const placed = (rows: ReadingRows): readonly unknown[] => {
  const frames = [...new Set(rows.frame)]
  const numbers = new Map(frames.map((frame, index) => [frame, index + 1]))
  const positions = frames.map(({ position }) => position)
  return [
    ...readingColumns(rows),
    int4Array(rows.frame.map((frame) => numbers.get(frame) ?? 0)),
    int4Array(rows.item),
    positions.map(({ device }) => device),
    positions.map(({ epoch }) => epoch),
    positions.map(({ run }) => run),
    positions.map(({ sequence }) => sequence),
  ]
}

/** Call behind the statement that stores `rows`, in its transaction. */
export async function storeDiffering(client: Client, rows: ReadingRows): Promise<void> {
  if (rows.length > 0) await client.query(STORE_DIFFERING, [...placed(rows)])
}

export async function storeRivals(client: Client, rows: ReadingRows): Promise<void> {
  if (rows.length > 0) await client.query(STORE, [...placed(rows)])
}
