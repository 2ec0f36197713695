// Customers, service points, meters and their assignments: registered in bulk, in one transaction.
// Registering the same again changes nothing, so a start-up may do it every time. Numbers and codes
// are the operator's own; an open period stays open until it is ended and is never silently moved.

import type { Pool, PoolClient } from 'pg'
import { FaultError } from '../../../../shared/node/fault-error.ts'
import type { UnixMs } from '../../../../shared/units.ts'
import { isPlainText } from '../../kit/plain-text.ts'
import { type MeterEntry, registerMeters } from '../../readings/db/meters.ts'
import { mailProblem, phoneProblem } from '../core/addresses.ts'

export interface Registration {
  readonly customers?: readonly {
    readonly number: string
    readonly name: string
    readonly address: string
    readonly email: string | null
    readonly phone: string | null
    readonly language?: string
  }[]
  readonly servicePoints?: readonly {
    readonly code: string
    readonly address: string
    /** Time zone name, such as Europe/Berlin. */
    readonly zone: string
  }[]
  readonly meters?: readonly MeterEntry[]
  /** Meter number at service point code, from an instant on. */
  readonly installations?: readonly {
    readonly meter: string
    readonly servicePoint: string
    readonly from: UnixMs
  }[]
  /** Customer number at service point code, from a local date (YYYY-MM-DD) on. */
  readonly occupancies?: readonly {
    readonly customer: string
    readonly servicePoint: string
    readonly from: string
  }[]
  /** Tariff code at service point code, from a local date on. */
  readonly tariffs?: readonly {
    readonly tariff: string
    readonly servicePoint: string
    readonly from: string
  }[]
}

/** Runs `text` with the rows as one jsonb parameter and returns how many rows it touched. */
const bulk = async (client: PoolClient, text: string, rows: readonly object[] | undefined) =>
  rows === undefined || rows.length === 0
    ? 0
    : ((await client.query(text, [JSON.stringify(rows)])).rowCount ?? 0)

const CUSTOMERS = `
  insert into customers (number, name, address, email, phone, language)
  select number, name, address, email, phone, coalesce(language, 'en')
  from jsonb_to_recordset($1) as r(number text, name text, address text, email text, phone text,
    language text)
  on conflict (number) do nothing`

const SERVICE_POINTS = `
  insert into service_points (code, address, zone)
  select * from jsonb_to_recordset($1) as r(code text, address text, zone text)
  on conflict (code) do nothing`

/** An assignment: `what` (its table, key and number) at a service point, from a time on. */
const assignment = (options: {
  readonly table: string
  readonly what: string
  readonly column: string
  readonly from: string
  readonly type: string
  readonly key: string
}) => {
  const { table, what, column, from, type, key } = options
  const rows = `jsonb_to_recordset($1) as r(${key} text, "servicePoint" text, "from" ${type})`
  return {
    missing: `select coalesce(w.id::text, r.${key}) as what, r."servicePoint" as point
      from ${rows} left join ${what} w on w.${column} = r.${key}
      left join service_points p on p.code = r."servicePoint"
      where w.id is null or p.id is null limit 1`,
    insert: `insert into ${table} (${key}_id, service_point_id, ${from})
      select w.id, p.id, r."from" from ${rows} join ${what} w on w.${column} = r.${key}
      join service_points p on p.code = r."servicePoint"
      where not exists (select 1 from ${table} a where a.${key}_id = w.id
        and a.service_point_id = p.id and a.${from} = r."from")
      on conflict do nothing`,
  }
}

const INSTALLATIONS = assignment({
  table: 'installations',
  what: 'meters',
  column: 'number',
  from: 'from_ts',
  type: 'timestamptz',
  key: 'meter',
})
const OCCUPANCIES = assignment({
  table: 'occupancies',
  what: 'customers',
  column: 'number',
  from: 'from_date',
  type: 'date',
  key: 'customer',
})
const TARIFFS = assignment({
  table: 'tariff_assignments',
  what: 'tariffs',
  column: 'code',
  from: 'from_date',
  type: 'date',
  key: 'tariff',
})

async function assign(
  client: PoolClient,
  sql: { readonly missing: string; readonly insert: string },
  rows: readonly object[] | undefined,
): Promise<number> {
  if (rows === undefined || rows.length === 0) return 0
  const { rows: missing } = await client.query(sql.missing, [JSON.stringify(rows)])
  if (missing.length > 0) {
    throw new FaultError('OPS-05', `not registered: ${JSON.stringify(missing[0])}`)
  }
  return bulk(client, sql.insert, rows)
}

/** OPS-05 when a text holds what no database keeps, OPS-27 when a customer's field does not hold
 * one address. */
function assertEntries({ customers = [], servicePoints = [] }: Registration): void {
  const named = [
    ...customers.map(({ number, ...rest }) => ({ what: `customer ${number}`, fields: rest })),
    ...servicePoints.map(({ code, ...rest }) => ({ what: `service point ${code}`, fields: rest })),
  ]
  for (const { what, fields } of named) {
    const bad = Object.entries(fields).find(([, text]) => text !== null && !isPlainText(text))
    if (bad !== undefined || !isPlainText(what)) {
      const field = bad === undefined ? '' : `: ${bad[0]}`
      throw new FaultError('OPS-05', `${JSON.stringify(what).slice(1, -1)}${field} has controls`)
    }
  }
  for (const { number, email, phone } of customers) {
    const wrongMail = email === null ? null : mailProblem(email)
    if (wrongMail !== null)
      throw new FaultError('OPS-27', `customer ${number}: e-mail ${wrongMail}`)
    const wrongPhone = phone === null ? null : phoneProblem(phone)
    if (wrongPhone !== null)
      throw new FaultError('OPS-27', `customer ${number}: phone ${wrongPhone}`)
  }
}

/** Registers everything given, in one transaction, and returns how many rows were added or
 * completed. Where another assignment is already open (another meter, another occupant) it stays as
 * it is. OPS-05 when an assignment names something that is not registered, OPS-27 for an address
 * that is not one: then nothing is stored. */
export async function register(pool: Pool, entries: Registration): Promise<number> {
  assertEntries(entries)
  const client = await pool.connect()
  try {
    await client.query('begin')
    let touched = await bulk(client, CUSTOMERS, entries.customers)
    touched += await bulk(client, SERVICE_POINTS, entries.servicePoints)
    touched += await registerMeters(client, entries.meters ?? [])
    const installations = entries.installations?.map(({ from, ...rest }) => ({
      ...rest,
      from: new Date(from).toISOString(),
    }))
    touched += await assign(client, INSTALLATIONS, installations)
    touched += await assign(client, OCCUPANCIES, entries.occupancies)
    touched += await assign(client, TARIFFS, entries.tariffs)
    await client.query('commit')
    client.release()
    return touched
  } catch (error) {
    await client.query('rollback').catch(() => {})
    client.release(true)
    throw error
  }
}
