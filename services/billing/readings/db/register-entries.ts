// Registers as they were read when a meter was installed, removed or handed over. They are approved
// at once, because whoever enters them was there; technicians' and customers' own readings wait.

import type { Kysely } from 'kysely'
import { parseObis } from '../../../../shared/meter/obis.ts'
import type { UnixMs } from '../../../../shared/units.ts'
import { type Author, recordChange } from '../../store/changes.ts'
import type { Database } from '../../store/schema.ts'
import type { Medium } from './tables.ts'

/** A register read by somebody: value * 10^exponent of the unit. */
export interface RegisterEntry {
  readonly obis: string
  readonly unit: number
  readonly value: number
  readonly exponent: number
}

export interface RegistersEntry {
  readonly meterId: number
  readonly at: UnixMs
  readonly kind: 'opening' | 'closing'
  readonly registers: readonly RegisterEntry[]
  readonly note: string
}

/** Stores them; returns the OBIS codes for which another reading of that instant is approved
 * already: then nothing of them was stored. The same value again is no contradiction: a closing
 * register of one customer is the opening one of the next. */
export async function enterRegisters(
  trx: Kysely<Database>,
  author: Author,
  entry: RegistersEntry,
): Promise<readonly string[]> {
  const { meterId, kind, note } = entry
  const ts = new Date(entry.at)
  const held = await trx
    .selectFrom('manual_readings')
    .select(['obis', 'value', 'exponent', 'unit'])
    .where('meter_id', '=', meterId)
    .where('ts', '=', ts)
    .where('state', '=', 'approved')
    .execute()
  const known = (obis: string) => held.find((row) => row.obis === obis)
  const contradicted = entry.registers.filter((register) => {
    const row = known(register.obis)
    return row !== undefined && !isSame(row, register)
  })
  if (contradicted.length > 0) return contradicted.map(({ obis }) => obis)
  for (const { obis, unit, value, exponent } of entry.registers) {
    if (parseObis(obis) === null || known(obis) !== undefined) continue
    const { id } = await trx
      .insertInto('manual_readings')
      .values({
        meter_id: meterId,
        obis,
        unit,
        ts,
        value,
        exponent,
        kind,
        note,
        state: 'approved',
        entered_by: author.who,
        decided_at: new Date(),
        decided_by: author.who,
        decided_why: author.why,
      })
      .returning('id')
      .executeTakeFirstOrThrow()
    const after = { meter: meterId, obis, at: ts.toISOString(), value, exponent, unit, kind }
    await recordChange(trx, author, { what: 'manual reading', id, before: null, after })
  }
  return []
}

function isSame(
  a: Pick<RegisterEntry, 'unit' | 'value' | 'exponent'>,
  b: Pick<RegisterEntry, 'unit' | 'value' | 'exponent'>,
): boolean {
  const exponent = Math.min(a.exponent, b.exponent)
  const at = (row: typeof a) => BigInt(row.value) * 10n ** BigInt(row.exponent - exponent)
  return a.unit === b.unit && at(a) === at(b)
}

/** Enters a meter that nobody has reported or registered yet; returns its id, or that of the one
 * that is known by this number. */
export async function enterMeter(
  trx: Kysely<Database>,
  author: Author,
  meter: { readonly number: string; readonly medium: Medium },
): Promise<number> {
  const made = await trx
    .insertInto('meters')
    .values(meter)
    .onConflict((conflict) => conflict.column('number').doNothing())
    .returning('id')
    .executeTakeFirst()
  if (made === undefined) {
    const { id } = await trx
      .selectFrom('meters')
      .select('id')
      .where('number', '=', meter.number)
      .executeTakeFirstOrThrow()
    return id
  }
  await recordChange(trx, author, { what: 'meter', id: made.id, before: null, after: meter })
  return made.id
}
