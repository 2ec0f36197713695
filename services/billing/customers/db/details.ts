// One account, customer or service point with all that hangs on it.

import { type Kysely, sql } from 'kysely'
import { instant, instantOrNull } from '../../store/instants.ts'
import type { Database } from '../../store/schema.ts'
import type {
  ContractDetail,
  ContractLine,
  CustomerDetail,
  InstallationLine,
  MeterDetail,
  ServicePointDetail,
  TariffChoice,
} from '../core/details.ts'

/** Contracts and installations shown of one customer or place: a century of tenants. */
const LINES_MAX = 200
/** Registers asked for at an exchange: import and export, each in total and by four tariffs. */
const REGISTERS_MAX = 10
const TARIFFS_MAX = 500

export interface CustomerDetails {
  contract(id: number): Promise<ContractDetail | null>
  customer(id: number): Promise<CustomerDetail | null>
  servicePoint(id: number): Promise<ServicePointDetail | null>
  installation(id: number): Promise<InstallationLine | null>
  /** A meter by its number, with the registers that are known of it. */
  meter(number: string): Promise<MeterDetail | null>
  tariffs(): Promise<readonly TariffChoice[]>
  /** Where a new service point is likely to be: in the utility's zone, or in that of the last
   * one. */
  usualZone(): Promise<string | null>
}

export function customerDetails(db: Kysely<Database>): CustomerDetails {
  return {
    contract: (id) => contract(db, id),
    customer: (id) => customer(db, id),
    servicePoint: (id) => servicePoint(db, id),
    installation: async (id) => (await installationLines(db, { id }))[0] ?? null,
    meter: async (number) =>
      (await db
        .selectFrom('meters')
        .select(['id', 'number', 'medium', REGISTERS.as('registers')])
        .where('number', '=', number)
        .executeTakeFirst()) ?? null,
    usualZone: () => usualZone(db),
    tariffs: () =>
      db
        .selectFrom('tariffs')
        .select(['id', 'code', 'name'])
        .orderBy('code')
        .limit(TARIFFS_MAX)
        .execute(),
  }
}

const contractLines = (db: Kysely<Database>) =>
  db
    .selectFrom('contracts')
    .innerJoin('customers', 'customers.id', 'customer_id')
    .innerJoin('service_points', 'service_points.id', 'service_point_id')
    .select([
      'contracts.id as id',
      'contracts.number as number',
      'customers.id as customerId',
      'customers.name as customer',
      'service_points.id as servicePointId',
      'service_points.code as servicePoint',
      'service_points.address as address',
      'zone',
      'from_date as from',
      'to_date as to',
    ])
    .orderBy('from_date', 'desc')
    .limit(LINES_MAX)

async function customer(db: Kysely<Database>, id: number): Promise<CustomerDetail | null> {
  const row = await db
    .selectFrom('customers')
    .select(['id', 'number', 'name', 'address', 'email', 'phone', 'language', 'version'])
    .where('id', '=', id)
    .executeTakeFirst()
  if (row === undefined) return null
  const contracts: readonly ContractLine[] = await contractLines(db)
    .where('customer_id', '=', id)
    .execute()
  return { ...row, contracts }
}

async function servicePoint(db: Kysely<Database>, id: number): Promise<ServicePointDetail | null> {
  const row = await db
    .selectFrom('service_points')
    .select(['id', 'code', 'address', 'zone', 'version'])
    .where('id', '=', id)
    .executeTakeFirst()
  if (row === undefined) return null
  const [contracts, installations] = await Promise.all([
    contractLines(db).where('service_point_id', '=', id).execute(),
    installationLines(db, { servicePointId: id }),
  ])
  return { ...row, contracts, installations }
}

async function usualZone(db: Kysely<Database>): Promise<string | null> {
  const { rows } = await sql<{ zone: string | null }>`select coalesce(
    (select zone from utility limit 1),
    (select zone from service_points order by id desc limit 1)) as zone`.execute(db)
  return rows[0]?.zone ?? null
}

/** Of a meter: what is billed by, or else energy and volume, what counts up. 8-0:1.0.0 is a water
 * meter's, 7-0:3.0.0 a gas meter's. */
const REGISTERS = sql<string[]>`coalesce(meters.billed_by, array(
  select obis from (
    select r.obis from last_values v join registers r on r.id = v.register_id
      where v.meter_id = meters.id and r.obis ~ ':([1-4]\\.8|9\\.8|1\\.0|3\\.0|2\\.0)\\.\\d+\\*'
    union select obis from manual_readings where meter_id = meters.id) seen
  order by obis limit ${REGISTERS_MAX}))`

async function installationLines(
  db: Kysely<Database>,
  which: { readonly id: number } | { readonly servicePointId: number },
): Promise<readonly InstallationLine[]> {
  let query = db
    .selectFrom('installations')
    .innerJoin('meters', 'meters.id', 'installations.meter_id')
    .leftJoin('meters as mains', 'mains.id', 'installations.main_meter_id')
    .select([
      'installations.id as id',
      'meters.id as meterId',
      'meters.number as meter',
      'meters.medium as medium',
      'service_point_id as servicePointId',
      'from_ts',
      'to_ts',
      'mains.number as main',
      REGISTERS.as('registers'),
    ])
    .orderBy('from_ts', 'desc')
    .limit(LINES_MAX)
  if ('id' in which) query = query.where('installations.id', '=', which.id)
  else query = query.where('service_point_id', '=', which.servicePointId)
  const rows = await query.execute()
  return rows.map(({ from_ts, to_ts, ...row }) => ({
    ...row,
    from: instant(from_ts),
    to: instantOrNull(to_ts),
  }))
}

async function contract(db: Kysely<Database>, id: number): Promise<ContractDetail | null> {
  const row = await db
    .selectFrom('contracts')
    .select(['id', 'number', 'customer_id', 'service_point_id', 'version'])
    .select(['from_date as from', 'to_date as to', 'billed_from as billedFrom'])
    .where('id', '=', id)
    .executeTakeFirst()
  if (row === undefined) return null
  const [who, point, terms, billed] = await Promise.all([
    customer(db, row.customer_id),
    servicePoint(db, row.service_point_id),
    db
      .selectFrom('contract_terms')
      .leftJoin('tariffs', 'tariffs.id', 'tariff_id')
      .select(['contract_terms.id as id', 'from_date as from', 'tariff_id as tariffId'])
      .select(['tariffs.code as tariff', 'missing'])
      .where('contract_id', '=', id)
      .orderBy('from_date', 'desc')
      .execute(),
    db
      .selectFrom('bills')
      .select('period_to')
      .where('contract_id', '=', id)
      .orderBy('period_from', 'desc')
      .limit(1)
      .executeTakeFirst(),
  ])
  if (who === null || point === null) return null
  const { customer_id: _who, service_point_id: _point, ...rest } = row
  return { ...rest, customer: who, point, terms, billedUntil: billed?.period_to ?? null }
}
