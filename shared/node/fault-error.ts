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

export const errorText = (error: unknown): string =>
  error instanceof Error ? error.message : String(error)
