// What the database role that Ticklock works with may do. Tables belong to another role, the owner,
// which migrates and tends them; the working role gets what this table says and no more. So an
// error in a statement, or whoever gets hold of the working connection, cannot change what is
// final: bills, readings, published tariffs, and of commands all but what is filled in twice.
// Rights are given anew at each start, after the migrations; a table without a line here has none
// (and a test fails).

import type { PoolClient, Pool } from 'pg'
import { FaultError } from '../../../shared/node/fault-error.ts'

/** Every table may be read. `update`: all columns, or the named ones. */
interface Grant {
  readonly insert?: true
  readonly update?: true | readonly string[]
  readonly delete?: true
}

const ADDED: Grant = { insert: true }
const KEPT: Grant = { insert: true, update: true }
const ALL: Grant = { insert: true, update: true, delete: true }

export const GRANTS: Readonly<Record<string, Grant>> = {
  schema_migrations: {},
  counters: KEPT,
  changes: ADDED,
  // access
  operators: ALL,
  sessions: ALL,
  links: ALL,
  // utility: a logo is kept under its hash for the bills that show it.
  utility: { update: true },
  utility_logos: ADDED,
  mail_service: ALL,
  sms_service: ALL,
  // customers
  // Deleted is only what was entered by mistake and never used; changes keeps it.
  customers: ALL,
  service_points: ALL,
  installations: ALL,
  contracts: ALL,
  contract_terms: ALL,
  imports: ALL,
  import_parts: ALL,
  import_refusals: ALL,
  import_previews: ALL,
  // tariffs: a version never changes once it is published.
  tariffs: { insert: true, update: ['name'] },
  tariff_versions: ADDED,
  // readings: never overwritten; a better time is a row beside the original.
  meters: ALL,
  manual_readings: ALL,
  registers: ADDED,
  readings: ADDED,
  last_values: KEPT,
  exceptions: ADDED,
  stream_positions: ALL,
  slave_processes: ALL,
  retimed_readings: { insert: true, update: ['ts', 'bound_ms', 'way', 'retimed_at'] },
  rival_readings: ADDED,
  set_aside: { insert: true, update: ['to_at', 'lifted_at', 'lifted_by', 'lifted_reason'] },
  timed_readings: {},
  standing_readings: {},
  standing_rivals: {},
  standing_values: {},
  // clocks
  clocks: KEPT,
  clock_history: { insert: true, delete: true },
  clock_events: { insert: true, delete: true },
  // fleet: a command is filled in twice, when it is sent and when its receipt comes.
  devices: KEPT,
  device_status: KEPT,
  enrolment_tokens: ALL,
  epochs: ALL,
  refusals: KEPT,
  commands: { insert: true, update: ['sent_at', 'outcome', 'detail', 'receipt_at'] },
  // bills: an issued bill never changes; its notice is sent.
  bill_series: KEPT,
  bills: ADDED,
  bill_periods: ALL,
  bill_tilings: KEPT,
  bill_orders: ALL,
  bill_marks: ALL,
  notices: KEPT,
  // attention
  attention: ALL,
  attention_cursors: KEPT,
}

/** 'insert, update (a, b)': what is granted besides select. */
function privileges({ insert, update, delete: remove }: Grant): string {
  const quoted = update === true || update === undefined ? '' : ` (${update.join(', ')})`
  return [
    'select',
    ...(insert === true ? ['insert'] : []),
    ...(update === undefined ? [] : [`update${quoted}`]),
    ...(remove === true ? ['delete'] : []),
  ].join(', ')
}

/** Key of the advisory lock while rights are given: 'gran' in ASCII. */
const LOCK_KEY = 0x6772616e

/** A month's table is made when its first reading comes, by a role that may create nothing: this
 * function does it with its owner's rights, and nothing else. */
const monthMaker = (schema: string): string => `
  create or replace function make_readings_month(month integer) returns void
  language plpgsql security definer set search_path = pg_catalog, ${schema}, pg_temp as $body$
  declare
    first date;
    name text;
  begin
    if month is null or month not between 2000 * 12 and 2200 * 12 then
      raise exception 'no month of readings: %', month;
    end if;
    first := make_date(month / 12, month % 12 + 1, 1);
    name := to_char(first, '"readings_"YYYY_MM');
    execute format(
      'create table if not exists ${schema}.%I partition of ${schema}.readings
       for values from (%L) to (%L)',
      name, first || ' 00:00:00+00', (first + interval '1 month')::date || ' 00:00:00+00');
  end $body$`

/** What the working role may have done with the owner's rights. */
const OWNERS_FUNCTIONS = [
  'make_readings_month(integer)',
  'make_import_stage()',
  'analyse_import_stage(text)',
] as const

interface Roles {
  readonly name: string
  readonly schema: string
  readonly schemaQuoted: string
  readonly mayCreate: boolean
}

async function roleOf(on: Pool | PoolClient): Promise<Roles> {
  const { rows } = await on.query<Roles>(
    `select quote_ident(current_user) as name, current_schema() as schema,
       quote_ident(current_schema()) as "schemaQuoted",
       has_schema_privilege(current_schema(), 'create') as "mayCreate"`,
  )
  const [row] = rows
  if (row === undefined) throw new FaultError('OPS-08', 'no answer')
  return row
}

/** Gives the role of `runtime` what GRANTS says, as the role of `owner`; when both are one role,
 * nothing can be taken from it. */
export async function grantRights(owner: Pool, runtime: Pool): Promise<void> {
  const { name: worker } = await roleOf(runtime)
  const client = await owner.connect()
  try {
    const { name, schema, schemaQuoted, mayCreate } = await roleOf(client)
    if (!mayCreate) return
    await client.query('begin')
    await client.query('select pg_advisory_xact_lock($1)', [LOCK_KEY])
    await client.query(monthMaker(schemaQuoted))
    if (worker !== name) {
      for (const statement of await statements(client, { worker, schema, schemaQuoted })) {
        await client.query(statement)
      }
    }
    await client.query('commit')
  } catch (error) {
    await client.query('rollback').catch(() => undefined)
    throw error
  } finally {
    client.release()
  }
}

async function statements(
  client: PoolClient,
  to: { readonly worker: string; readonly schema: string; readonly schemaQuoted: string },
): Promise<readonly string[]> {
  const { worker, schema, schemaQuoted } = to
  const { rows } = await client.query<{ name: string }>(
    `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and c.relkind in ('r', 'p', 'v') and not c.relispartition`,
    [schema],
  )
  return [
    `revoke create on schema ${schemaQuoted} from public, ${worker}`,
    `grant usage on schema ${schemaQuoted} to ${worker}`,
    `revoke all on all tables in schema ${schemaQuoted} from public, ${worker}`,
    ...OWNERS_FUNCTIONS.flatMap((name) => [
      `revoke all on function ${name} from public`,
      `grant execute on function ${name} to ${worker}`,
    ]),
    ...rows.flatMap(({ name }) => {
      const grant = GRANTS[name]
      return grant === undefined ? [] : [`grant ${privileges(grant)} on ${name} to ${worker}`]
    }),
  ]
}

/** What this role may do though nothing of Ticklock needs it; empty with two roles (operating.md,
 * "Two roles"). */
export async function surplusRights(runtime: Pool): Promise<readonly string[]> {
  const { rows } = await runtime.query<{ what: string; may: boolean }>(`
    select 'is superuser' as what, rolsuper as may from pg_roles where rolname = current_user
    union all select 'runs programs on the server',
      pg_has_role(current_user, 'pg_execute_server_program', 'usage')
    union all select 'creates tables', has_schema_privilege(current_schema(), 'create')
    union all select 'changes ' || name,
      has_table_privilege(name, 'delete') or has_table_privilege(name, 'truncate')
      or has_table_privilege(name, 'trigger') or (name <> 'commands'
      and has_any_column_privilege(name, 'update'))
    from unnest(array['bills', 'readings', 'commands', 'tariff_versions']) as name`)
  return rows.filter(({ may }) => may).map(({ what }) => what)
}
