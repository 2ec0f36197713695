// What slaves bring after an outage: frames sealed long before the measurement, by the slaves' own
// sealer, one second after the other.

import { enterEpoch, seal } from '../../services/slave/core/capture/sealer.ts'
import type { Sealer } from '../../services/slave/core/state/sealing.ts'
import type { StoredEpoch, StoredFrame } from '../../services/slave/core/state/stored.ts'
import { ACTIVE_IMPORT_TOTAL } from '../../shared/meter/obis.ts'
import { type Reading, UNIT } from '../../shared/meter/reading.ts'
import { nodeRandom, nodeSuite } from '../../shared/node/node-suite.ts'
import { spanMs, type UnixMs, unixMs } from '../../shared/units.ts'

export interface Scenario {
  readonly kind: 'months' | 'singles'
  readonly devices: number
  /** Of each device. */
  readonly meters: number
  /** Weeks (months) or seconds (singles) that one round brings. */
  readonly perRound: number
  readonly rounds: number
}

/** An outage of five months, filled from the meters' load profiles: a week of one meter's
 * quarter-hours in a frame, 494,592 readings in a round. Four rounds stay within the 800 days that
 * the sink takes. */
export const MONTHS: Scenario = { kind: 'months', devices: 4, meters: 8, perRound: 23, rounds: 4 }
/** One reading in a frame, a frame a second: 24,000 readings in a round. */
export const SINGLES: Scenario = {
  kind: 'singles',
  devices: 16,
  meters: 1,
  perRound: 1_500,
  rounds: 4,
}

export const INTERVAL_MS = 900_000
export const WEEK_INTERVALS = 672

/** One slave, as its disk holds it. */
export interface BenchDevice {
  /** 8 bytes. */
  readonly id: Uint8Array
  readonly name: string
  readonly staticKey: Uint8Array
  readonly psk: Uint8Array
  readonly epoch: StoredEpoch
}

/** When round `index` (0-based) begins: its rows come after that, up to the beginning of the next
 * round. */
export function roundStart({ kind, perRound, rounds }: Scenario, origin: UnixMs, index: number) {
  if (kind === 'singles') return unixMs(origin + index * perRound * 1_000)
  const step = perRound * WEEK_INTERVALS * INTERVAL_MS
  const end = Math.floor(origin / INTERVAL_MS) * INTERVAL_MS
  return unixMs(end - (rounds - index) * step)
}

export const rowsOf = ({ kind, devices, meters, perRound }: Scenario): number =>
  devices * meters * perRound * (kind === 'months' ? WEEK_INTERVALS : 1)

function weekOf(meter: string, from: UnixMs): readonly Reading[] {
  // A register continues from its last value: between 60 and 363 Wh per quarter of an hour.
  let value = Math.floor(from / INTERVAL_MS) * 250
  return Array.from({ length: WEEK_INTERVALS }, (_, index) => {
    value += 60 + ((index * 7_919) % 304)
    return {
      meter,
      register: ACTIVE_IMPORT_TOTAL,
      value,
      exponent: 0,
      unit: UNIT.Wh,
      source: 'profile',
      meterTime: unixMs(from + (index + 1) * INTERVAL_MS),
      checked: true,
    }
  })
}

const oneReading = (meter: string, step: number): Reading => ({
  meter,
  register: ACTIVE_IMPORT_TOTAL,
  value: 1_000 + step,
  exponent: 0,
  unit: UNIT.Wh,
  source: 'live',
  meterTime: null,
  checked: true,
})

/** The readings of each frame of a round, in order. */
function* contentsOf(scenario: Scenario, device: BenchDevice, round: number) {
  const start = roundStart(scenario, device.epoch.origin, round)
  for (let step = 0; step < scenario.perRound; step += 1) {
    for (let meter = 0; meter < scenario.meters; meter += 1) {
      const name = `${device.name}-${meter}`
      const week = unixMs(start + step * WEEK_INTERVALS * INTERVAL_MS)
      yield scenario.kind === 'months' ? weekOf(name, week) : [oneReading(name, step)]
    }
  }
}

export interface Backlog {
  readonly frames: readonly StoredFrame[]
  /** Number of frames in rounds 0 to n together. */
  readonly upTo: readonly number[]
}

/** Seals everything that a device sends in all rounds. */
export function sealBacklog(scenario: Scenario, device: BenchDevice): Backlog {
  const { origin } = device.epoch
  // One process: another would begin a new run.
  const processId = nodeRandom(8)
  let sealer: Sealer = enterEpoch(device.id, device.epoch, 0, null)
  const frames: StoredFrame[] = []
  const upTo: number[] = []
  let at = origin
  for (let round = 0; round < scenario.rounds; round += 1) {
    for (const readings of contentsOf(scenario, device, round)) {
      at = unixMs(at + 1_000)
      const stamp = { agentTime: at, clockState: 'S', clockBound: spanMs(5), processMs: 0 } as const
      const sealed = seal(sealer, {
        suite: nodeSuite,
        at,
        groups: [{ stamp, readings }],
        salt: nodeRandom(16),
        processId,
        processStart: origin,
        pad: false,
      })
      sealer = sealed.sealer
      frames.push(...sealed.frames)
    }
    upTo.push(frames.length)
  }
  return { frames, upTo }
}
