// Customers, service points, meters, installations and contracts: registered in bulk, in one
// transaction.
// Registering the same again changes nothing, so a start-up may do it every time. Numbers and codes
// are the operator's own; an open period stays open until it is ended and is never silently moved.

import type { Pool, PoolClient } from 'pg'
import { FaultError } from '../../../../shared/node/fault-error.ts'
import type { UnixMs } from '../../../../shared/units.ts'
import { isPlainText } from '../../kit/plain-text.ts'
import { type MeterEntry, registerMeters } from '../../readings/db/meters.ts'
import { mailProblem, phoneProblem } from '../../utility/core/addresses.ts'

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
  /** Customer number at service point code under a tariff code (null: none agreed yet), from a
   * local date (YYYY-MM-DD) on; billed here from then on, or from a later date. */
  readonly contracts?: readonly {
    readonly customer: string
    readonly servicePoint: string
    readonly tariff: string | null
    readonly from: string
    readonly billedFrom?: string
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

const INSTALLATION_ROWS =
  'jsonb_to_recordset($1) as r(meter text, "servicePoint" text, "from" timestamptz)'
const INSTALLATIONS = {
  missing: `select coalesce(m.id::text, r.meter) as what, r."servicePoint" as point
    from ${INSTALLATION_ROWS} left join meters m on m.number = r.meter
    left join service_points p on p.code = r."servicePoint"
    where m.id is null or p.id is null limit 1`,
  insert: `insert into installations (meter_id, service_point_id, from_ts)
    select m.id, p.id, r."from" from ${INSTALLATION_ROWS} join meters m on m.number = r.meter
    join service_points p on p.code = r."servicePoint"
    on conflict do nothing`,
}

const CONTRACT_ROWS = `jsonb_to_recordset($1) as r(customer text, "servicePoint" text, tariff text,
  "from" date, "billedFrom" date)`
const CONTRACTS = {
  missing: `select r.customer as what, r."servicePoint" as point, r.tariff
    from ${CONTRACT_ROWS} left join customers c on c.number = r.customer
    left join service_points p on p.code = r."servicePoint"
    left join tariffs t on t.code = r.tariff
    where c.id is null or p.id is null or (r.tariff is not null and t.id is null) limit 1`,
  insert: `with made as (
      insert into contracts (customer_id, service_point_id, from_date, billed_from)
      select c.id, p.id, r."from", coalesce(r."billedFrom", r."from")
      from ${CONTRACT_ROWS} join customers c on c.number = r.customer
      join service_points p on p.code = r."servicePoint"
      on conflict do nothing returning id, service_point_id, from_date)
    insert into contract_terms (contract_id, from_date, tariff_id)
    select made.id, made.from_date, t.id from made
    join service_points p on p.id = made.service_point_id
    join ${CONTRACT_ROWS} on r."servicePoint" = p.code and r."from" = made.from_date
    left join tariffs t on t.code = r.tariff`,
}

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
 * completed. Where a period is taken (another place, another contract) it stays as it is. OPS-05
 * when an installation or contract names something that is not registered, OPS-27 for an address
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
    touched += await assign(client, CONTRACTS, entries.contracts)
    await client.query('commit')
    client.release()
    return touched
  } catch (error) {
    await client.query('rollback').catch(() => {})
    client.release(true)
    throw error
  }
}
