import { type FaultCode, faultLine } from '../faults.ts'

/** A fault of the machine we run on (disk, database, files), on its way to the code that reports
 * it: `code` for counters, `message` as the line an operator reads. What outsiders send never
 * throws: it gets a verdict value. */
export class FaultError extends Error {
  override readonly name = 'FaultError'
  readonly code: FaultCode

  constructor(code: FaultCode, detail: string, cause?: unknown) {
    super(faultLine(code, detail), cause === undefined ? undefined : { cause })
    this.code = code
  }
}

/** The `code` of a system or database error (ENOENT, 23505), or '' when it carries none. */
export function errorCode(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return ''
  return typeof error.code === 'string' ? error.code : ''
}

/** The text of an error. Node tries all addresses of a name and wraps their errors in one without
 * a text: the first of them says enough. */
export function errorText(error: unknown): string {
  const first: unknown = error instanceof AggregateError ? (error.errors[0] ?? error) : error
  return first instanceof Error ? first.message : String(first)
}
