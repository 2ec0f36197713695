// Meters as an operator registers them. An unregistered meter gets its row with its first reading
// (catalog.ts).

import type { PoolClient } from 'pg'

export interface MeterEntry {
  readonly number: string
  /** Null: the first device that reports it. */
  readonly device: string | null
  /** The register rolls over at 10^digits of its own resolution; null: never. */
  readonly digits: number | null
  readonly multiplier?: number
}

// A meter may exist already, from its first reading: then this adds what only an operator knows.
const METERS = `
  insert into meters as known (number, device_id, digits, multiplier)
  select number, device, digits, coalesce(multiplier, 1)
  from jsonb_to_recordset($1) as r(number text, device text, digits smallint, multiplier integer)
  on conflict (number) do update set
    device_id = coalesce(known.device_id, excluded.device_id), digits = excluded.digits,
    multiplier = excluded.multiplier
  where (known.digits, known.multiplier) is distinct from (excluded.digits, excluded.multiplier)
    or (known.device_id is null and excluded.device_id is not null)`

/** Adds or completes meters; returns how many rows changed. */
export async function registerMeters(
  client: PoolClient,
  meters: readonly MeterEntry[],
): Promise<number> {
  if (meters.length === 0) return 0
  return (await client.query(METERS, [JSON.stringify(meters)])).rowCount ?? 0
}
