// What went wrong, as a page handler reports it. access/http answers with it: a page for people,
// JSON for programs.

import type { FaultCode } from '../../../shared/faults.ts'

export interface Trouble {
  readonly status: number
  readonly title: string
  readonly text: string
  readonly fault: FaultCode | null
}

export const troubleOf = (
  status: number,
  title: string,
  text: string,
  fault: FaultCode | null = null,
): Trouble => ({ status, title, text, fault })

export const NOT_FOUND = troubleOf(
  404,
  'There is no such page',
  'The address may be mistyped, or what it led to is not yours to see.',
)
