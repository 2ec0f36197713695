// Rows of many devices are written together, because that is cheap. But a row that the database
// refuses must not keep the others out, now or in any later round: then the batch is halved until
// the bad rows stand alone, and these are left out. The caller names and counts them (BIL-16).

import { errorCode, errorText } from '../../../shared/node/fault-error.ts'

/** True when the rows are to blame, not the server: repeating them cannot help. SQLSTATE classes 22
 * (data) and 23 (constraints); a RangeError is a value that we read and cannot hold. */
export const blamesRows = (error: unknown): boolean =>
  error instanceof RangeError || /^2[23]...$/.test(errorCode(error))

export interface LeftOut<Row> {
  readonly row: Row
  readonly why: string
}

/** Writes the rows with as few calls as their faults allow; returns those that were left out.
 * Rejects when a failure is not the rows' fault: then some of them may be written. */
export async function writeApart<Row>(
  rows: readonly Row[],
  write: (rows: readonly Row[]) => Promise<unknown>,
): Promise<readonly LeftOut<Row>[]> {
  const [first] = rows
  if (first === undefined) return []
  try {
    await write(rows)
    return []
  } catch (error) {
    if (!blamesRows(error)) throw error
    if (rows.length === 1) return [{ row: first, why: errorText(error) }]
  }
  const half = Math.ceil(rows.length / 2)
  const before = await writeApart(rows.slice(0, half), write)
  return [...before, ...(await writeApart(rows.slice(half), write))]
}
