// The facts of periods that may be billed: who is supplied where, under which terms, by which
// meters, and what these showed at the edges. For a whole batch at once, in a fixed number of
// statements however many periods it has; what is missing is missing in the facts.

import { type Kysely, sql } from 'kysely'
import { assert } from '../../../../shared/assert.ts'
import { TEXT_LENGTH_MAX } from '../../../../shared/documents/document.ts'
import type { UnixMs } from '../../../../shared/units.ts'
import {
  type CivilDate,
  type CivilPeriod,
  type InstantPeriod,
  instantsOf,
} from '../../civil/calendar.ts'
import type { Database } from '../../store/schema.ts'
import type { BillFacts } from '../core/facts.ts'
import { stretchesOf, type PlacePeriod } from './stretches.ts'
import { type Term, tariffReader } from './terms.ts'

/** A period of a contract, local dates [from, to). */
export interface PeriodAsked {
  readonly contractId: number
  readonly from: CivilDate
  readonly to: CivilDate
}

export interface Candidate {
  readonly contractId: number
  readonly customerId: number
  readonly servicePointId: number
  /** Of the version in force; null without one, and then there is no draft. */
  readonly tariffVersionId: number | null
  readonly email: string | null
  readonly phone: string | null
  readonly facts: BillFacts
}

interface ContractRow {
  readonly n: number
  readonly contract_id: number
  readonly customer_id: number
  readonly customer: string
  readonly name: string
  readonly customer_address: string
  readonly email: string | null
  readonly phone: string | null
  readonly point_id: number
  readonly code: string
  readonly address: string
  readonly zone: string
  readonly terms: readonly Term[]
}

/** One for each period whose contract exists, in the order asked. */
export async function factsOf(
  db: Kysely<Database>,
  periods: readonly PeriodAsked[],
  now: UnixMs,
): Promise<readonly Candidate[]> {
  if (periods.length === 0) return []
  const asked = (await contractRows(db, periods)).map((row) => askedOf(row, periods))
  const tariffOf = await tariffReader(
    db,
    asked.flatMap(({ row, period }) => row.terms.map((term) => ({ ...term, before: period.to }))),
  )
  const stretches = await stretchesOf(
    db,
    asked.map(({ place }) => place),
    now,
  )
  return asked.map(({ row, period }, index) => {
    const { fact, versionId } = tariffOf(row.terms, period)
    return {
      contractId: row.contract_id,
      customerId: row.customer_id,
      servicePointId: row.point_id,
      tariffVersionId: versionId,
      email: row.email,
      phone: row.phone,
      facts: {
        ...placeFacts(row),
        period,
        now,
        missing: missingRule(row.terms),
        tariff: fact,
        spoilt: stretches[index]?.spoilt ?? null,
        stretches: stretches[index]?.stretches ?? [],
      },
    }
  })
}

interface Asked {
  readonly row: ContractRow
  readonly period: CivilPeriod
  readonly place: PlacePeriod
}

function askedOf(row: ContractRow, periods: readonly PeriodAsked[]): Asked {
  const asked = periods[row.n]
  assert(asked !== undefined, 'a contract row answers a period that was asked for')
  const period: CivilPeriod = { from: asked.from, to: asked.to }
  const instants: InstantPeriod = instantsOf(period, row.zone)
  const estimates = missingRule(row.terms) === 'estimate'
  return { row, period, place: { point: row.point_id, period, instants, estimates } }
}

/** The rule of the term that holds on the first day. */
const missingRule = (terms: readonly Term[]): BillFacts['missing'] => terms[0]?.missing ?? 'wait'

const placeFacts = (row: ContractRow): Pick<BillFacts, 'customer' | 'servicePoint'> => ({
  customer: {
    number: clip(row.customer),
    name: clip(row.name),
    address: clip(row.customer_address),
  },
  servicePoint: { code: clip(row.code), address: clip(row.address), zone: row.zone },
})

/** What a bill holds must read back: no text in it is longer than a document may have. */
const clip = (text: string): string => text.slice(0, TEXT_LENGTH_MAX)

/** Each period with its contract and the terms that hold in it: the one on its first day, then
 * those that begin inside it. */
async function contractRows(
  db: Kysely<Database>,
  periods: readonly PeriodAsked[],
): Promise<readonly ContractRow[]> {
  const { rows } = await sql<Omit<ContractRow, 'n'> & { readonly n: string }>`
    select asked.n - 1 as n, o.id as contract_id, c.id as customer_id, c.number as customer, c.name,
      c.address as customer_address, c.email, c.phone, p.id as point_id, p.code, p.address, p.zone,
      coalesce((select jsonb_agg(jsonb_build_object('from', t.from_date, 'tariffId', t.tariff_id,
          'code', tariffs.code, 'missing', t.missing) order by t.from_date)
        from contract_terms t left join tariffs on tariffs.id = t.tariff_id
        where t.contract_id = o.id and t.from_date < asked.period_to
          and t.from_date >= coalesce((select max(s.from_date) from contract_terms s
            where s.contract_id = o.id and s.from_date <= asked.period_from), '-infinity')
      ), '[]') as terms
    from unnest(${periods.map(({ contractId }) => contractId)}::integer[],
      ${periods.map(({ from }) => from)}::date[], ${periods.map(({ to }) => to)}::date[])
      with ordinality as asked(contract_id, period_from, period_to, n)
    join contracts o on o.id = asked.contract_id
    join customers c on c.id = o.customer_id
    join service_points p on p.id = o.service_point_id
    order by asked.n`.execute(db)
  return rows.map((row) => ({ ...row, n: Number(row.n) }))
}
