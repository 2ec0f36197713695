// How fast readings become durable, against the database's own fastest way to take exactly the same
// rows. First the sink alone, then the whole way from a slave's socket to its acknowledgement.

import { durableRows } from './durable.ts'
import { MONTHS, SINGLES } from './backlog.ts'
import type { Report } from './rows.ts'
import { sinkCopy } from './sink-copy.ts'

export async function run(report: Report): Promise<void> {
  await sinkCopy(report)
  report(await durableRows('ingest.copy-limit', MONTHS))
  report(await durableRows('ingest.single', SINGLES))
}
