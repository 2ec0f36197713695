import { type FaultCode, faultLine } from '../faults.ts'

/** A fault of the machine we run on (disk, database, files), on its way to whoever can report it:
 * the code for counters, the message as the line an operator reads. Not for what outsiders send:
 * that is a verdict value. */
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

/** What an error says. Node tries all addresses of a name and wraps their errors without a word
 * of its own: the first says enough. */
export function errorText(error: unknown): string {
  const first: unknown = error instanceof AggregateError ? (error.errors[0] ?? error) : error
  return first instanceof Error ? first.message : String(first)
}
