// A device with one open epoch at the master's gate, and the frames an honest slave would send it.

import assert from 'node:assert/strict'
import { type GateContext, judge } from '../../../services/master/core/gate.ts'
import { emptyRoster, putDevice } from '../../../services/master/core/roster.ts'
import type { DeviceState } from '../../../services/master/core/state.ts'
import { install, putEpoch } from '../../../services/master/core/streams.ts'
import { ACTIVE_IMPORT_TOTAL } from '../../../shared/meter/obis.ts'
import type { ReadingGroup } from '../../../shared/meter/reading.ts'
import { nodeSuite as suite } from '../../../shared/node/node-suite.ts'
import { sealFrame } from '../../../shared/tves/seal.ts'
import { type KeyTree, leafAt, plantTree, runIv } from '../../../shared/tves/tree.ts'
import { second, spanMs, startOfSecond, unixMs } from '../../../shared/units.ts'
import { encodeOpener, encodeReadings } from '../../../shared/wire/content.ts'
import { headOf, NO_PREVIOUS_RUN, type Opener } from '../../../shared/wire/opener.ts'

const DEVICE = '0011223344556677'
export const ORIGIN = unixMs(1_800_000_000_000)
export const EPOCH = 7
export const RUN = 2
export const NOW_SECOND = 100
export const TOLERANCE_SECONDS = 10
const SALT = new Uint8Array(16).fill(5)
const TRANSCRIPT = new Uint8Array(32).fill(9)
const planted = (): KeyTree => plantTree(suite, new Uint8Array(32).fill(3))
const TREE = planted()

const READING: ReadingGroup = {
  stamp: { agentTime: ORIGIN, clockState: 'S', clockBound: spanMs(20), processMs: 1 },
  readings: [
    {
      meter: 'M-1',
      register: ACTIVE_IMPORT_TOTAL,
      value: 42,
      exponent: 0,
      unit: 30,
      source: 'live',
      meterTime: null,
      checked: true,
    },
  ],
}

export const OPENER: Opener = {
  kind: 'opener',
  processId: new Uint8Array(8),
  previous: NO_PREVIOUS_RUN,
  processStart: ORIGIN,
  heads: READING.readings.map(headOf),
}

interface Wanted {
  readonly sequence: number
  readonly at?: number
  readonly run?: number
  readonly epoch?: number
  /** Replaces what an honest slave writes. */
  readonly plaintext?: Uint8Array
  readonly count?: number
}

/** A frame as an honest slave seals it. */
export function frame(wanted: Wanted): Uint8Array {
  const { sequence, at = NOW_SECOND, run = RUN, epoch = EPOCH } = wanted
  const opener = sequence === 0
  const begins = startOfSecond(ORIGIN, second(at))
  const honest = opener
    ? encodeOpener(OPENER)
    : encodeReadings([READING], { begins, opener: OPENER }).plaintext
  const leaf = leafAt(suite, TREE, second(at))
  assert.ok(leaf)
  return sealFrame(suite, {
    key: leaf.key,
    iv: runIv(suite, TREE.ivKey, run, SALT),
    device: Uint8Array.fromHex(DEVICE),
    transcript: TRANSCRIPT,
    header: {
      opener,
      epoch,
      run,
      second: second(at),
      sequence,
      count: wanted.count ?? (opener ? 0 : 1),
      salt: opener ? SALT : null,
    },
    plaintext: wanted.plaintext ?? honest,
  })
}

export function device(): DeviceState {
  const roster = emptyRoster()
  putDevice(roster, {
    id: DEVICE,
    name: 'attic',
    staticKey: null,
    psk: null,
    attempt: 1,
    revoked: false,
    historyFrom: null,
  })
  const made = roster.devices.get(DEVICE)
  assert.ok(made)
  putEpoch(made, {
    id: EPOCH,
    origin: ORIGIN,
    transcript: TRANSCRIPT,
    closed: false,
    tree: planted(),
  })
  return made
}

export const context = (made: DeviceState): GateContext => ({
  suite,
  device: made,
  now: unixMs(ORIGIN + NOW_SECOND * 1_000),
  timed: true,
  toleranceMs: TOLERANCE_SECONDS * 1_000,
})

/** A device with the opener and frame 1 accepted. */
export function running(): DeviceState {
  const made = device()
  for (const sequence of [0, 1]) {
    const verdict = judge(context(made), frame({ sequence }))
    assert.ok(verdict.ok)
    install(verdict.moved)
  }
  return made
}
