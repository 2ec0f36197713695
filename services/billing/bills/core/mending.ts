// What keeps a bill, and the page on which that is mended: one table for the board, the account and
// whatever else names such a fault.

import type { FaultCode } from '../../../../shared/faults.ts'

/** The supply that a fault is about. */
export interface Supply {
  readonly contractId: number
  readonly servicePointId: number
}

interface Mending {
  readonly path: (supply: Supply) => string
  /** What is done there. */
  readonly words: string
}

const account = ({ contractId }: Supply): string => `/accounts/${contractId}`
const point = ({ servicePointId }: Supply): string => `/service-points/${servicePointId}`
const tariffs = (): string => '/tariffs'

const MENDING: Partial<Readonly<Record<FaultCode, Mending>>> = {
  'BIL-01': { path: account, words: 'See its readings' },
  'BIL-03': { path: account, words: 'See its readings' },
  'BIL-04': { path: account, words: 'Enter a reading' },
  'BIL-07': { path: tariffs, words: 'Publish a version' },
  'BIL-08': { path: point, words: 'Begin a contract' },
  'BIL-14': { path: () => '/meters?state=not-adopted', words: 'Adopt the meter' },
  'BIL-16': { path: account, words: 'See the account' },
  'BIL-19': { path: () => '/settings', words: 'Name the utility' },
  'BIL-21': { path: account, words: 'See its clock' },
  'BIL-22': { path: account, words: 'Agree on a tariff' },
  'BIL-23': { path: point, words: 'Install a meter' },
  'BIL-24': { path: tariffs, words: 'Publish a tariff' },
  'BIL-25': { path: account, words: 'See its readings' },
  'BIL-26': { path: account, words: 'See what is billed' },
  'BIL-27': { path: point, words: 'Choose a zone' },
  'BIL-28': { path: () => '/board', words: 'Look at the new sum' },
}

/** Faults of a bill that this table does not name lead to the account. */
export function mendingOf(code: string, supply: Supply): readonly [href: string, words: string] {
  const known = Object.entries(MENDING).find(([each]) => each === code)?.[1]
  const { path, words } = known ?? { path: account, words: 'See the account' }
  return [path(supply), words]
}

/** The form on which the missing reading is entered, where the detail of BIL-04 begins with the
 * number of one of these meters; null: it names none of them. */
export function missingReadingForm(
  { code, detail }: { readonly code: string; readonly detail: string },
  meters: readonly string[],
): string | null {
  if (code !== 'BIL-04') return null
  const meter = meters.find((number) => detail.startsWith(`${number} at `))
  return meter === undefined ? null : `/readings/manual/new?number=${encodeURIComponent(meter)}`
}
