// Service points: where something is supplied. Its zone says where its days begin, so it does not
// move once a bill was made by it.

import { sql } from 'kysely'
import { type Author, recordChange } from '../../store/changes.ts'
import { done, GONE, refused, type RowFields, type Written } from '../core/written.ts'
import { billedUntil } from './billed.ts'
import { sameFields } from './customers.ts'
import type { Trx } from './writing.ts'

export interface ServicePointEntry {
  /** Null: the next one of ours. */
  readonly code: string | null
  readonly address: string
  readonly zone: string
}

const FIELDS = ['code', 'address', 'zone'] as const

const fieldsOf = ({ code, address, zone }: ServicePointEntry): RowFields => ({
  code,
  address,
  zone,
})

/** Adds a service point. */
export async function createServicePoint(
  trx: Trx,
  author: Author,
  entry: ServicePointEntry,
): Promise<Written> {
  if (entry.code !== null) {
    const taken = await codeTaken(trx, entry.code, 0)
    if (taken !== null) return taken
  }
  const { id } = await trx
    .insertInto('service_points')
    .values({ ...entry, code: entry.code ?? sql<string>`gen_random_uuid()::text` })
    .returning('id')
    .executeTakeFirstOrThrow()
  const code = entry.code ?? (await codeIt(trx, id))
  const after = fieldsOf({ ...entry, code })
  await recordChange(trx, author, { what: 'service point', id, before: null, after })
  return done(id)
}

async function codeIt(trx: Trx, id: number): Promise<string> {
  let code = `P${String(id).padStart(6, '0')}`
  while ((await codeTaken(trx, code, id)) !== null) code += 'A'
  await trx.updateTable('service_points').set({ code }).where('id', '=', id).execute()
  return code
}

async function codeTaken(trx: Trx, code: string, but: number): Promise<Written | null> {
  const other = await trx
    .selectFrom('service_points')
    .select(['id', 'address'])
    .where('code', '=', code)
    .where('id', '<>', but)
    .executeTakeFirst()
  if (other === undefined) return null
  const text = `${other.address} has the code ${code}: give another, or none for the next.`
  return refused('code', 'OPS-41', text, `/service-points/${other.id}`)
}

/** Changes a service point that is still in the version that was shown. */
export async function editServicePoint(
  trx: Trx,
  author: Author,
  change: { readonly id: number; readonly version: number; readonly entry: ServicePointEntry },
): Promise<Written> {
  const { id, version, entry } = change
  const row = await trx
    .selectFrom('service_points')
    .select([...FIELDS, 'version'])
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst()
  if (row === undefined) return GONE
  const before = fieldsOf(row)
  if (row.version !== version) return { is: 'overtaken', version: row.version, now: before }
  const code = entry.code ?? row.code
  const taken = await codeTaken(trx, code, id)
  if (taken !== null) return taken
  const billed = entry.zone === row.zone ? null : await billedUntil(trx, id)
  if (billed !== null) {
    const text =
      `Bills up to ${billed} were made by the days of ${row.zone}, so the zone stays: ` +
      'enter another service point, and move the contract there.'
    return refused('zone', 'OPS-41', text)
  }
  const after = fieldsOf({ ...entry, code })
  if (sameFields(before, after)) return done(id)
  await trx
    .updateTable('service_points')
    .set({ ...entry, code, version: version + 1 })
    .where('id', '=', id)
    .execute()
  await recordChange(trx, author, { what: 'service point', id, before, after })
  return done(id)
}

/** Takes back a service point that was entered by mistake; OPS-41 once anything rests on it. */
export async function deleteServicePoint(trx: Trx, author: Author, id: number): Promise<Written> {
  const row = await trx
    .selectFrom('service_points')
    .select(FIELDS)
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst()
  if (row === undefined) return GONE
  const contract = await trx
    .selectFrom('contracts')
    .select(['id', 'number'])
    .where('service_point_id', '=', id)
    .executeTakeFirst()
  if (contract !== undefined) {
    const text = `Contract ${contract.number} supplies it: end that instead of deleting this.`
    return refused('', 'OPS-41', text, `/accounts/${contract.id}`)
  }
  const meter = await trx
    .selectFrom('installations')
    .innerJoin('meters', 'meters.id', 'meter_id')
    .select('meters.number')
    .where('service_point_id', '=', id)
    .executeTakeFirst()
  if (meter !== undefined) {
    const text = `Meter ${meter.number} is or was installed here: take that installation back first.`
    return refused('', 'OPS-41', text, `/service-points/${id}`)
  }
  await trx.deleteFrom('service_points').where('id', '=', id).execute()
  await recordChange(trx, author, { what: 'service point', id, before: fieldsOf(row), after: null })
  return done(id)
}
