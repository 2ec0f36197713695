// What a batch job cannot work on is left out, so that the rest goes on: each such row becomes one
// exception that an operator sees (BIL-16), however often the job meets it.

import type { DeviceId } from '../../../../shared/handover/sink.ts'

/** Exceptions that no frame brought have epoch, run and sequence 0, which no frame has together:
 * an epoch's id is never 0. */
const RECORD = `insert into exceptions (device_id, epoch, run, sequence, item, code, meter, detail)
  select $1, 0, 0, 0, coalesce(max(item), 0) + 1, $2, $3, $4 from exceptions
  where device_id = $1 and epoch = 0 and run = 0 and sequence = 0
  having not coalesce(bool_or(code = $2 and detail = $4), false)
  on conflict do nothing`
const DETAIL_CHARS_MAX = 300

/** Records it once. */
export async function recordTrouble(
  pool: { query(text: string, values: unknown[]): Promise<unknown> },
  trouble: {
    readonly device: DeviceId
    readonly code: 'BIL-16' | 'SEC-13'
    readonly meter: string | null
    readonly detail: string
  },
): Promise<void> {
  const { device, code, meter, detail } = trouble
  await pool.query(RECORD, [device, code, meter, detail.slice(0, DETAIL_CHARS_MAX)])
}
