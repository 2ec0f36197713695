// The lines of a file in the database: temporary tables of one transaction, filled in slices. They
// go with the transaction, so an import that is killed leaves nothing behind.

import type { PoolClient } from 'pg'
import type { Refusal, StagedLine, StagedReading } from '../../core/imports/lines.ts'

/** Makes the tables (migrations/0023_imports.sql): the role that Ticklock works with creates none
 * by itself, so a function of their owner does it. s_line and s_reading: what the file says.
 * s_refusal: what is wrong with it. The others are what the lines amount to, one row for each
 * customer and so on; `id` null: it does not exist yet. */
export const createStage = async (client: PoolClient): Promise<void> => {
  await client.query('select make_import_stage()')
}

const LINES = `
  insert into s_line select * from json_to_recordset($1) as r(
    line integer, customer text, name text, address text, email text, phone text, language text,
    point text, point_address text, zone text, meter text, make text, medium text,
    digits smallint, multiplier integer, billed_by text, installed timestamp, removed timestamp,
    main_meter text, contract text, from_date date, to_date date, billed_from date, tariff text,
    tariff_from date, missing text)`
const READINGS = `
  insert into s_reading select * from json_to_recordset($1) as r(
    line integer, target text, meter text, obis text, unit smallint, value bigint,
    exponent smallint, kind text, at timestamp, photo text, note text)`
const REFUSALS = `
  insert into s_refusal (line, target, reason, remedy) select * from json_to_recordset($1)
    as r(line integer, target text, reason text, remedy text)`

/** Some lines of a file, as they were read. */
export interface Slice {
  readonly lines: readonly StagedLine[]
  readonly readings: readonly StagedReading[]
  readonly refusals: readonly Refusal[]
}

export async function stageSlice(client: PoolClient, slice: Slice): Promise<void> {
  const put = async (text: string, rows: readonly object[]): Promise<void> => {
    if (rows.length > 0) await client.query(text, [JSON.stringify(rows)])
  }
  await put(LINES, slice.lines)
  await put(READINGS, slice.readings)
  const refused = slice.refusals.map(({ line, target, error }) => ({ line, target, ...error }))
  await put(REFUSALS, refused)
}

/** Without it every statement would be planned for a table of a thousand rows. */
export const analyseStage = async (
  client: PoolClient,
  part: 'lines' | 'parties' | 'periods',
): Promise<void> => {
  await client.query('select analyse_import_stage($1)', [part])
}

/** Takes refused lines out; returns how many went. Whatever else they said goes with them. */
export async function dropRefused(client: PoolClient): Promise<number> {
  await client.query(
    'delete from s_reading r where exists (select from s_refusal f where f.line = r.line)',
  )
  const { rowCount } = await client.query(
    'delete from s_line l where exists (select from s_refusal f where f.line = l.line)',
  )
  return rowCount ?? 0
}
