// What an import would do: gathered from the staged lines in rounds, until no line is refused any
// more. The same plan is made twice, for the dry run and when it is applied; if the second differs
// from the first, somebody changed a row in between, and the dry run is shown again.

import type { PoolClient } from 'pg'
import { KIND_PLANS, type Kind } from '../../core/imports/kinds.ts'
import type { Entity, ImportCounts, PlanPreview, Tally } from '../../core/imports/outcome.ts'
import { gatherContracts } from './agreements.ts'
import { gatherParties, refuseContradictions, refuseUnknown } from './parties.ts'
import { gatherInstallations, gatherReadings } from './places.ts'
import { analyseStage, dropRefused } from './stage.ts'

/** Rounds until nothing more is refused. Each takes at least one line out; files that people make
 * need two or three. */
const ROUNDS_MAX = 100

/** Gathers everything. `passed` is called after each step, so that somebody can see it move.
 * False: the lines hang together in too long chains to be told apart. */
export async function gather(
  client: PoolClient,
  { kind, zone }: { readonly kind: Kind; readonly zone: string },
  passed: (phase: string) => Promise<void>,
): Promise<boolean> {
  await dropRefused(client)
  await analyseStage(client, 'lines')
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    await passed('Comparing lines with each other')
    let refused = await refuseContradictions(client)
    if (refused > 0) await dropRefused(client)
    await passed('Comparing with what exists')
    await gatherParties(client, zone)
    refused = await refuseUnknown(client, kind)
    if (refused === 0) {
      refused += await gatherPeriods(client, kind, passed)
    }
    if (refused === 0) return true
    await dropRefused(client)
  }
  return false
}

async function gatherPeriods(
  client: PoolClient,
  kind: Kind,
  passed: (phase: string) => Promise<void>,
): Promise<number> {
  let refused = 0
  if (kind === 'flat' || kind === 'installations') {
    await passed('Looking at installations')
    refused += await gatherInstallations(client)
  }
  if (kind === 'flat' || kind === 'installations' || kind === 'readings') {
    await passed('Looking at readings')
    refused += await gatherReadings(client)
  }
  if (kind === 'flat' || kind === 'contracts') {
    await passed('Looking at contracts')
    refused += await gatherContracts(client)
  }
  return refused
}

/** Where the rows of each kind are planned, and which columns say what would be written. */
interface PlanTable {
  readonly table: string
  readonly state: string
  readonly key: string
  /** All that decides what is written; a dry run and its import must agree on it. */
  readonly written: string
  readonly before: string
  readonly after: string
}

const TABLES: Readonly<Record<Entity, PlanTable>> = {
  customer: {
    table: 's_customer',
    state: 'state',
    key: 'number',
    written: 'version, number, name, address, email, phone, language',
    before: 'before',
    after: `jsonb_build_object('number', number, 'name', name, 'address', address, 'email', email,
      'phone', phone, 'language', language)`,
  },
  'service point': {
    table: 's_point',
    state: 'state',
    key: 'code',
    written: 'version, code, address, zone',
    before: 'before',
    after: "jsonb_build_object('code', code, 'address', address, 'zone', zone)",
  },
  meter: {
    table: 's_meter',
    state: 'state',
    key: 'number',
    written: 'version, number, make, medium, digits, multiplier, billed_by',
    before: 'before',
    after: `jsonb_build_object('number', number, 'make', make, 'medium', medium, 'digits', digits,
      'multiplier', multiplier, 'billed_by', array_to_string(billed_by, ' '))`,
  },
  installation: {
    table: 's_installation',
    state: 'state',
    key: "meter || ' at ' || point",
    written: "id, meter, point, from_ts, to_ts, main_meter, before->>'to_ts'",
    before: 'before',
    after: `jsonb_build_object('meter', meter, 'service_point', point, 'from_ts', from_ts,
      'to_ts', to_ts, 'main_meter', main_meter)`,
  },
  contract: {
    table: 's_contract',
    state: 'state',
    key: "coalesce(number || ', ', '') || customer || ' at ' || point",
    written: 'version, number, customer, point, from_date, to_date, billed_from',
    before: 'before',
    after: `jsonb_build_object('number', number, 'customer', customer, 'service_point', point,
      'from_date', from_date, 'to_date', to_date, 'billed_from', billed_from)`,
  },
  term: {
    table: 's_contract',
    state: 'term_state',
    key: "customer || ' at ' || point || ' from ' || tariff_from",
    written: 'version, number, point, from_date, tariff_from, tariff_id, missing, term_id',
    before: 'term_before',
    after: `jsonb_build_object('contract', number, 'from_date', tariff_from, 'tariff', tariff,
      'missing', missing)`,
  },
  'manual reading': {
    table: 's_manual',
    state: 'state',
    key: "meter || ' ' || obis || ' ' || ts",
    written: 'meter, obis, ts, unit, value, exponent, kind, photo, note',
    before: 'null::jsonb',
    after: `jsonb_build_object('meter', meter, 'obis', obis, 'at', ts, 'value', value,
      'exponent', exponent, 'unit', unit, 'kind', kind)`,
  },
}

/** What a kind of file is about; the rest of what its lines name is only looked up. */
export function entitiesOf(kind: Kind): readonly Entity[] {
  const { creates } = KIND_PLANS[kind]
  return [
    ...(creates.includes('customer') ? (['customer'] as const) : []),
    ...(creates.includes('point') ? (['service point'] as const) : []),
    ...(creates.includes('meter') ? (['meter'] as const) : []),
    ...(kind === 'flat' || kind === 'installations' ? (['installation'] as const) : []),
    ...(kind === 'flat' || kind === 'contracts' ? (['contract', 'term'] as const) : []),
    ...(['flat', 'installations', 'readings'].includes(kind) ? (['manual reading'] as const) : []),
  ]
}

/** How many rows are new, changed and equal; and the digest of all that would be written. */
export async function countPlan(
  client: PoolClient,
  kind: Kind,
): Promise<{ readonly counts: ImportCounts; readonly digest: string }> {
  const tallies: Partial<Record<Entity, Tally>> = {}
  let digest = ''
  for (const entity of entitiesOf(kind)) {
    const { table, state, written } = TABLES[entity]
    const { rows } = await client.query<Tally & { readonly digest: string | null }>(
      `select count(*) filter (where ${state} = 'new')::integer as new,
         count(*) filter (where ${state} = 'changed')::integer as changed,
         count(*) filter (where ${state} = 'equal')::integer as equal,
         sum(hashtextextended(row(${state}, ${written})::text, 0)::numeric)
           filter (where ${state} in ('new', 'changed'))::text as digest
       from ${table}`,
    )
    const [row] = rows
    if (row === undefined) continue
    tallies[entity] = { new: row.new, changed: row.changed, equal: row.equal }
    digest += `${entity} ${row.new} ${row.changed} ${row.digest ?? ''};`
  }
  const { rows } = await client.query<{ lines: number; refused: number }>(
    `select (select count(*) from s_line)::integer as lines,
       (select count(distinct line) from s_refusal)::integer as refused`,
  )
  const { lines = 0, refused = 0 } = rows[0] ?? {}
  return {
    counts: { lines: lines + refused, refused, rows: tallies },
    digest: `${digest}${refused}`,
  }
}

/** The first rows of each kind that are changed, then the first that are new. */
export async function previewPlan(
  client: PoolClient,
  kind: Kind,
  limits: { readonly changed: number; readonly new: number },
): Promise<readonly PlanPreview[]> {
  const previews: PlanPreview[] = []
  for (const wanted of ['changed', 'new'] as const) {
    for (const entity of entitiesOf(kind)) {
      const { table, state, key, before, after } = TABLES[entity]
      const { rows } = await client.query<PlanPreview>(
        `select '${entity}' as what, ${key} as key, line, ${state} as state, ${before} as before,
           ${after} as after
         from (select * from ${table} where ${state} = $1 order by line limit $2) s`,
        [wanted, limits[wanted]],
      )
      previews.push(...rows)
    }
  }
  return previews
}
