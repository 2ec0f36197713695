// A CSV file of devices to enrol: `name[,history_from]`, with commas, semicolons or tabs, checked
// as a whole before anything is made.

import { FaultError } from '../../../shared/node/fault-error.ts'
import { type CsvCell, readCsv } from '../../../shared/documents/csv.ts'
import type { UnixMs } from '../../../shared/units.ts'
import { isCivilDate, startOfDay } from '../../billing/civil/calendar.ts'
import { deviceName, NAME_RULE } from '../../billing/fleet/core/device-name.ts'

export interface ListedDevice {
  readonly name: string
  /** Start of the back-fill from its meters' load profiles; null: none. */
  readonly historyFrom: UnixMs | null
}

/** Most devices in one file; more is a mistake, and takes memory. */
const DEVICES_MAX = 100_000
export interface ListDefaults {
  /** Where `history_from` is empty. */
  readonly historyFrom: UnixMs
  /** Whose midnight a date means. */
  readonly zone: string
}

/** OPS-05 names line and column of what is wrong. */
export function readDeviceList(text: string, defaults: ListDefaults): readonly ListedDevice[] {
  const verdict = readCsv(text)
  if (!verdict.ok) throw wrong(verdict, verdict.problem)
  const [header, ...rows] = verdict.rows
  const columns = (header ?? []).map((cell) => cell.text)
  if (columns[0] !== 'name' || (columns[1] ?? 'history_from') !== 'history_from') {
    throw wrong(
      header?.[0] ?? { line: 1, column: 1 },
      'the header is "name" or "name,history_from"',
    )
  }
  const surplus = header?.[2]
  if (surplus !== undefined) throw wrong(surplus, 'two columns at most')
  if (rows.length > DEVICES_MAX) throw new FaultError('OPS-05', `over ${DEVICES_MAX} devices`)
  const lines = new Map<string, number>()
  return rows.map((row) => {
    const [name, from, more] = row
    if (name === undefined || row.length > columns.length) {
      throw wrong(more ?? from ?? { line: 1, column: 1 }, 'more cells than the header has')
    }
    const known = deviceName(name.text)
    if (known === null) throw wrong(name, NAME_RULE)
    const before = lines.get(known)
    if (before !== undefined) throw wrong(name, `"${known}" stands in line ${before} already`)
    lines.set(known, name.line)
    return { name: known, historyFrom: historyOf(from, defaults) }
  })
}

function historyOf(cell: CsvCell | undefined, { historyFrom, zone }: ListDefaults): UnixMs | null {
  if (cell === undefined || cell.text === '') return historyFrom
  if (cell.text === 'none') return null
  if (isCivilDate(cell.text)) return startOfDay(cell.text, zone)
  throw wrong(cell, `"${cell.text}" is no date: write YYYY-MM-DD, "none" or nothing`)
}

const wrong = (
  at: { readonly line: number; readonly column: number },
  problem: string,
): FaultError => new FaultError('OPS-05', `line ${at.line}, column ${at.column}: ${problem}`)
