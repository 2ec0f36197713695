// How a route answers with a bill's document.

import type { FaultCode } from '../../../../shared/faults.ts'
import type { Outcome } from '../../kit/door.ts'
import { NOT_FOUND, type Trouble, troubleOf } from '../../kit/trouble.ts'
import { fileName } from './file-name.ts'

/** A drawn document, or why there is none. */
export type Document =
  | { readonly ok: true; readonly pdf: Uint8Array }
  | { readonly ok: false; readonly fault: FaultCode }

/** The document of an issued bill for a viewer ('customer 7'); null when there is no such bill. */
export type RenderPdf = (bill: number, viewer: string) => Promise<Document | null>

const TOO_MANY = troubleOf(
  429,
  'Too many documents at once',
  'Some of yours are still being drawn. Wait a moment, then try again.',
  'OPS-23',
)
const BUSY: Trouble = troubleOf(
  503,
  'The document cannot be drawn now',
  'Your bill is safe. Wait a moment, then try again.',
  'OPS-32',
)

export function documentOutcome(document: Document | null, bill: string): Outcome {
  if (document === null) return { trouble: NOT_FOUND }
  if (!document.ok) return { trouble: document.fault === 'OPS-23' ? TOO_MANY : BUSY }
  return { pdf: document.pdf, name: fileName(bill) }
}
