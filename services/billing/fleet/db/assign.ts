// Assigning meters to service points: adopted and installed in one transaction, all or none.

import { type Kysely, sql } from 'kysely'
import type { UnixMs } from '../../../../shared/units.ts'
import { installMeter, type Registers } from '../../customers/db/installations.ts'
import { type Trx, writing } from '../../customers/db/writing.ts'
import { done, type Refusal, refused, type Written } from '../../customers/core/written.ts'
import { instantOf } from '../../civil/calendar.ts'
import { adoptMeters } from '../../readings/db/meters.ts'
import type { Author } from '../../store/changes.ts'
import type { Database } from '../../store/schema.ts'
import { billedRegisters, startsOf, type Suggestion } from '../core/assigning.ts'
import type { MeterView } from '../core/meters.ts'
import { earliestAt } from './meter.ts'

export interface Assignment {
  readonly meterId: number
  /** Code of the service point. */
  readonly point: string
  /** An instant, or a local time at the service point. */
  readonly from: UnixMs | string
  readonly opening: Registers
}

/** Stores all of them or none. The field of a refusal has the meter's id behind it: `point_12`. */
export const assignMeters = (
  db: Kysely<Database>,
  author: Author,
  assignments: readonly Assignment[],
): Promise<Written> =>
  writing(db, async (trx) => {
    const refusals: Refusal[] = []
    for (const assignment of assignments) {
      const written = await assign(trx, author, assignment)
      if (written.is === 'done') continue
      if (written.is !== 'refused') return written
      refusals.push(
        ...written.refusals.map((refusal) => ({
          ...refusal,
          field: `${refusal.field}_${assignment.meterId}`,
        })),
      )
    }
    return refusals.length > 0 ? { is: 'refused', refusals } : done(assignments.length)
  })

async function assign(trx: Trx, author: Author, assignment: Assignment): Promise<Written> {
  const { meterId, opening, point } = assignment
  const place = await pointNamed(trx, point)
  if (place === null) {
    const text = `There is no service point ${point}: enter it first, or correct the code.`
    return refused('point', null, text)
  }
  const { from } = assignment
  const at = typeof from === 'string' ? instantOf(from, place.zone) : from
  await adoptMeters(trx, author, [meterId])
  const entry = { meterId, servicePointId: place.id, at, opening, mainMeterId: null }
  return installMeter(trx, author, entry)
}

/** By its code; without regard to case, where only one is meant then. */
async function pointNamed(
  trx: Trx,
  code: string,
): Promise<{ readonly id: number; readonly zone: string } | null> {
  const { rows } = await sql<{ id: number; zone: string; code: string }>`
    select id, zone, code from service_points where code = ${code}
    union all (select id, zone, code from service_points
      where lower(code) = lower(${code}) and code <> ${code} limit 2)`.execute(trx)
  const [first, second] = rows
  if (first === undefined) return null
  return first.code === code || second === undefined ? first : null
}

/** From when on the meter is suggested to hang somewhere, with its registers of then; null: it has
 * said nothing that is billed. */
export async function suggestionFor(
  db: Kysely<Database>,
  view: MeterView,
  { zone, now }: { readonly zone: string; readonly now: UnixMs },
): Promise<Suggestion | null> {
  const registers = billedRegisters(view.registers, view.billedBy)
  const [main] = registers
  if (main === undefined) return null
  const begun = startsOf(now, zone)
  const found = await earliestAt(db, { meter: view.id, register: main.id }, begun)
  if (found === null)
    return { at: main.at, registers: registers.filter(({ at }) => at === main.at) }
  const then = await Promise.all(
    registers.map(async ({ id, obis, unit, exponent }) => {
      const read = await earliestAt(db, { meter: view.id, register: id }, [found.at])
      return read === null ? [] : [{ obis, unit, exponent, value: read.value }]
    }),
  )
  return { at: found.at, registers: then.flat() }
}
