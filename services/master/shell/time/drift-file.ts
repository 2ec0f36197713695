// What was learned of this machine's oscillator, kept over restarts: a good clock within a minute
// of the start instead of an hour. The format is chrony's: frequency and its deviation, ppm.

import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import type { FrequencyPrior } from '../../../../shared/clock/bank.ts'
import { errorText } from '../../../../shared/node/fault-error.ts'
import { ppm } from '../../../../shared/units.ts'

/** No oscillator that keeps our promises (docs/clock.md) is farther off, ppm. */
const FREQUENCY_MAX_PPM = 250
/** Nothing longer was written by us, bytes. */
const FILE_BYTES_MAX = 200

/** Null when there is none, or it says nothing sensible: then the frequency is learned anew. */
export function readDrift(path: string): FrequencyPrior | null {
  let text = ''
  try {
    text = readFileSync(path, 'utf8').slice(0, FILE_BYTES_MAX)
  } catch {
    return null
  }
  const match = /^(-?\d{1,4}\.\d{1,9}) (\d{1,4}\.\d{1,9})\n$/.exec(text)
  if (match === null) return null
  const [frequency, deviation] = [Number(match[1]), Number(match[2])]
  const sensible = Math.abs(frequency) <= FREQUENCY_MAX_PPM && deviation <= FREQUENCY_MAX_PPM
  return sensible ? { frequency: ppm(frequency), deviation: ppm(deviation) } : null
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
