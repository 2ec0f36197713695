// What `ticklock clock` prints: the words and columns of `chronyc tracking` and `chronyc sources`,
// then one line for each slave. Text only: nothing that comes from
// elsewhere may move a terminal's cursor.

import type { HeadClockReport, SourceReport } from '../../../shared/clock/evidence.ts'
import { eventWords, HELD_OVER } from '../../billing/clocks/core/clock-marks.ts'
import type { ClockEventRow, ClockRow } from '../../billing/clocks/core/views.ts'
import {
  clockStateText,
  lengthText,
  ppmText,
  rateText,
  signedText,
  utcSecondText,
} from '../../billing/kit/format.ts'
import { shiftMs, spanMs } from '../../../shared/units.ts'

/** Without control characters. */
const plain = (text: string): string => text.replaceAll(/\p{C}/gu, '?')

/** Columns two spaces apart; those named in `right` are right-aligned. */
function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly string[] = [],
): string {
  const all = [head, ...rows]
  const widths = head.map((_title, index) =>
    Math.max(...all.map((row) => (row[index] ?? '').length)),
  )
  const line = (row: readonly string[]): string =>
    head
      .map((title, index) => {
        const [cell, width] = [row[index] ?? '', widths[index] ?? 0]
        return right.includes(title) ? cell.padStart(width) : cell.padEnd(width)
      })
      .join('  ')
      .trimEnd()
  return all.map(line).join('\n')
}

const seconds = (us: number): string => `${(us / 1_000_000).toFixed(9)} seconds`
const signedSeconds = (us: number): string => `${us < 0 ? '-' : '+'}${seconds(Math.abs(us))}`

const LEAPS = {
  normal: 'Normal',
  insert: 'Insert second',
  delete: 'Delete second',
  unsynchronised: 'Not synchronised',
} as const

/** As `chronyc tracking`, and below it what only we say. */
export function trackingText(report: HeadClockReport): string {
  const { systemOffset, discipline, bound } = report
  const { frequency, skew, holdover, steps, lastStep } = discipline
  const refTime = shiftMs(report.at, spanMs(0 - holdover))
  const rows: readonly (readonly [string, string])[] = [
    ['Reference ID', report.reference === '' ? 'none' : plain(report.reference)],
    ['Stratum', String(report.stratum)],
    ['Ref time (UTC)', new Date(refTime).toUTCString().replace(' GMT', '')],
    [
      'System time',
      // Reported is how far UTC is ahead of it.
      `${seconds(Math.abs(systemOffset))} ${systemOffset < 0 ? 'fast' : 'slow'} of NTP time`,
    ],
    // As chrony signs it: positive when the clock was fast.
    ['Last offset', signedSeconds(0 - report.lastOffset)],
    ['RMS offset', seconds(report.rmsOffset)],
    ['Frequency', rateText(frequency === null ? null : frequency * -1_000)],
    ['Skew', ppmText(skew * 1_000)],
    ['Root delay', seconds(report.rootDelay)],
    ['Root dispersion', seconds(report.rootDispersion)],
    ['Leap status', LEAPS[report.leap]],
    ['State', clockStateText(report.state)],
    ['Bound', bound === null ? 'not known' : seconds(bound)],
    ['Holdover', holdoverText(holdover)],
    ['Steps', stepsText(steps, lastStep)],
  ]
  return rows.map(([name, words]) => `${name.padEnd(16)}: ${words}`).join('\n')
}

const holdoverText = (holdoverMs: number): string => {
  const words = lengthText(holdoverMs * 1_000)
  return holdoverMs > HELD_OVER ? `${words}, held over` : words
}
const stepsText = (steps: number, lastUs: number): string =>
  steps === 0 ? 'none' : `${steps}, last ${signedText(lastUs)}`

/** As `chronyc sources`. */
export function sourcesText(sources: readonly SourceReport[]): string {
  const rows = sources.map((source) => {
    const { name, kind, mark, stratum, poll, reach, lastSample, offset, bound, note } = source
    return [
      `${kind === 'system' ? '#' : '^'}${mark} ${plain(name)}`,
      String(stratum),
      String(poll),
      reach.toString(8),
      lastSample === null ? '-' : lengthText(lastSample * 1_000),
      offset === null ? '-' : signedText(0 - offset),
      bound === null ? '' : `+/- ${lengthText(bound)}`,
      plain(note),
    ]
  })
  const head = ['MS Name', 'Stratum', 'Poll', 'Reach', 'LastRx', 'Last sample', '', 'Note']
  return table(head, rows, ['Stratum', 'Poll', 'Reach', 'LastRx', 'Last sample'])
}

const bounded = ({ offsetUs, boundUs }: ClockRow): readonly [string, string] =>
  boundUs === null ? ['-', 'not known'] : [signedText(offsetUs), `+/- ${lengthText(boundUs)}`]

/** One line for each slave. */
export function slavesText(rows: readonly (ClockRow & { readonly name: string })[]): string {
  if (rows.length === 0) return 'No slave has reported its clock yet.'
  const head = [
    'Slave',
    'State',
    'Offset',
    'Bound',
    'Frequency',
    'Holdover',
    'Steps',
    'Reported (UTC)',
  ]
  return table(
    head,
    rows.map((row) => [
      plain(row.name),
      clockStateText(row.state),
      ...bounded(row),
      rateText(row.frequencyPpb),
      holdoverText(row.holdoverMs),
      stepsText(row.steps, row.lastStepUs),
      utcSecondText(row.at).slice(0, 19),
    ]),
    ['Offset'],
  )
}

export function meterClocksText(rows: readonly ClockRow[]): string {
  if (rows.length === 0) return 'No clock of its meters has been reported yet.'
  const head = [
    'Meter',
    'Readings',
    'Offset',
    'Bound',
    'Frequency',
    'Drift this month',
    'Last done',
  ]
  return table(
    [...head, 'Last event'],
    rows.map((row) => [
      row.meter,
      clockStateText(row.state),
      ...bounded(row),
      rateText(row.frequencyPpb),
      row.monthlyDriftMs === null ? '-' : signedText(row.monthlyDriftMs * 1_000),
      row.outcome ?? '-',
      row.event === null ? '-' : eventWords(String(row.event)),
    ]),
    ['Offset', 'Drift this month'],
  )
}

export function clockEventsText(rows: readonly ClockEventRow[]): string {
  if (rows.length === 0) return 'Nothing happened to it.'
  return table(
    ['When (UTC)', 'Clock of', 'What', 'How far'],
    rows.map(({ at, meter, code, amountUs, detail }) => [
      utcSecondText(at).slice(0, 19),
      meter === '' ? 'the slave' : meter,
      plain(detail === '' ? eventWords(code) : `${eventWords(code)} (${detail})`),
      amountUs === null ? '-' : signedText(amountUs),
    ]),
    ['How far'],
  )
}
