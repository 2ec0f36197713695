// `npm run bench -- rotate`: a thousand devices switch to a new static key while they are read,
// reported as a transcript; then ten thousand key trees are re-wrapped while the event loop is
// watched.

import { rotateUnderLoad } from '../e2e/key-rotation.ts'
import { rewrapMany } from '../e2e/rewrap-many.ts'
import { type Report, row } from './rows.ts'

const DEVICES = 1_000
const EPOCHS = 10_000
const EVERY_MS = 5_000
const PATIENCE_MS = 300_000
/** The longest the loop may stall: a tenth of the shortest time limit that anybody waits for. */
const STALL_MS = 200

export async function run(report: Report): Promise<void> {
  const plan = { devices: DEVICES, everyMs: EVERY_MS, patienceMs: PATIENCE_MS }
  const { fleet, enrolMs, longestStallMs } = await rotateUnderLoad(plan, console.error)
  await fleet.close()
  report(row('enrol from one CSV file, per device', [enrolMs / DEVICES, 1], 'ms', 'a millisecond'))
  report(row('static key rotation, longest stall', [longestStallMs, STALL_MS], 'ms', 'the limit'))
  const { totalMs, stallMs } = await rewrapMany(EPOCHS)
  report(row('trees wrapped anew, per tree', [(totalMs / EPOCHS) * 1_000, 1_000], 'us', 'a ms'))
  report(row('trees wrapped anew, longest stall', [stallMs, STALL_MS], 'ms', 'the limit'))
}
