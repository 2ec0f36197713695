// What we learned of this machine's oscillator, kept across restarts: the clock is good a minute
// after the start instead of an hour. The format is chrony's: frequency and its deviation, ppm.

import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import type { FrequencyPrior } from '../../../../shared/clock/estimate/bank.ts'
import { errorText } from '../../../../shared/node/fault-error.ts'
import { ppm, type UnixMs, unixMs } from '../../../../shared/units.ts'

/** We never write more than this, bytes. */
const FILE_BYTES_MAX = 200

export interface Drift {
  readonly prior: FrequencyPrior
  readonly writtenAt: UnixMs
}

/** Null when there is none, or it is unreadable: then the frequency is learned from scratch. */
export function readDrift(path: string): Drift | null {
  try {
    const text = readFileSync(path, 'utf8').slice(0, FILE_BYTES_MAX)
    const match = /^(-?\d{1,4}\.\d{1,9}) (\d{1,4}\.\d{1,9})\n$/.exec(text)
    if (match === null) return null
    const prior = { frequency: ppm(Number(match[1])), deviation: ppm(Number(match[2])) }
    return { prior, writtenAt: unixMs(statSync(path).mtimeMs) }
  } catch {
    return null
  }
}

/** Replaces the file as a whole; '' or why it could not be. */
export function writeDrift(path: string, { frequency, deviation }: FrequencyPrior): string {
  const next = `${path}.new`
  try {
    writeFileSync(next, `${frequency.toFixed(6)} ${deviation.toFixed(6)}\n`, { mode: 0o600 })
    renameSync(next, path)
    return ''
  } catch (error) {
    return errorText(error)
  }
}
