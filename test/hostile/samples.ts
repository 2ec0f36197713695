// True control messages and contents of every kind, for the tests that damage them.

import { obisOf } from '../../shared/meter/obis.ts'
import { type Reading, UNIT } from '../../shared/meter/reading.ts'
import { ppm, spanMs, spanUs, unixMs, unixUs } from '../../shared/units.ts'
import { encodeOpener, encodeReadings, padContent } from '../../shared/wire/content.ts'
import type { ControlMessage } from '../../shared/wire/control.ts'
import { headOf, type Opener } from '../../shared/wire/opener.ts'

const hash = new Uint8Array(32).fill(1)
const stream = { epoch: 1, run: 2, sequence: 3, hash }
const place = { epoch: 1, run: 2 }
const later = unixMs(1_790_000_000_000)

export const CONTROLS: readonly ControlMessage[] = [
  { is: 'confirm', epoch: 9, runs: [stream, stream] },
  { is: 'committed', epoch: 9, runs: [{ ...place, known: true, next: 4, hash }] },
  { is: 'clock-request', id: new Uint8Array(16) },
  { is: 'clock-reply', id: new Uint8Array(16), t2: unixUs(5), t3: unixUs(6), bound: spanUs(7) },
  { is: 'acknowledge', ...stream },
  { is: 'expect', code: 'SEC-06', ...place, next: 3, masterTime: unixMs(4) },
  { is: 'enrolled', device: new Uint8Array(8) },
  {
    is: 'status',
    clockState: 'S',
    offset: spanUs(-5),
    bound: null,
    roundTrip: spanUs(6),
    backlog: 7,
    meters: 8,
    faults: [{ code: 'MTR-01', count: 9 }],
    discipline: {
      frequency: ppm(-12.345),
      skew: ppm(0.5),
      holdover: spanMs(4_000),
      steps: 1,
      lastStep: spanUs(-180_000_000),
    },
  },
  { is: 'anchor', processId: new Uint8Array(8), processMs: 5_000, utc: later, bound: 12 },
  { is: 'tombstone', ...place, first: 3, last: 9, reason: 'damaged', hash },
  { is: 'skip', ...place, sequence: 3, bodyHash: hash },
  { is: 'command', number: 7, expires: later, what: { task: 'read-now', meter: 'SN-1' } },
  { is: 'command', number: 8, expires: later, what: { task: 'read-now', meter: null } },
  {
    is: 'command',
    number: 9,
    expires: later,
    what: { task: 'schedule', meter: 'SN-1', seconds: 60 },
  },
  { is: 'receipt', number: 7, outcome: 'refused', detail: 'OPS-17' },
  { is: 'master-key', key: hash },
  { is: 'drained', ...place, sequence: 9, hash },
  { is: 'drained', epoch: 4, run: 0, sequence: 0, hash: new Uint8Array(32) },
  {
    is: 'meter-clock',
    meter: 'SN-1',
    offset: spanUs(-61_000_000),
    bound: spanUs(900),
    resolution: spanUs(10_000),
    frequency: ppm(4.2),
    monthlyDrift: spanMs(-61_000),
    invalid: false,
    outcome: 'rejected',
    event: 12,
  },
]

const reading: Reading = {
  meter: 'SN-1',
  register: obisOf([1, 0, 1, 8, 0, 255]),
  value: 12_345,
  exponent: 0,
  unit: UNIT.Wh,
  source: 'live',
  meterTime: later,
  checked: true,
}
const stamp = {
  agentTime: unixMs(1_790_000_000_500),
  clockState: 'S',
  clockBound: spanMs(12),
  processMs: 99_000,
} as const
const other: Reading = { ...reading, meter: 'B', meterTime: null }

const opener: Opener = {
  kind: 'opener',
  processId: new Uint8Array(8),
  previous: stream,
  processStart: unixMs(1_789_999_901_500),
  heads: [reading, other, { ...reading, meter: 'C' }].map(headOf),
}
/** Where the contents below stand: their frame's second, and the opener of their run. */
export const CONTEXT = { begins: later, opener } as const

const readingsOf = (...groups: readonly (readonly Reading[])[]) => ({
  bytes: encodeReadings(
    groups.map((readings) => ({ stamp, readings })),
    CONTEXT,
  ).plaintext,
  count: groups.flat().length,
})
const profile = Array.from({ length: 40 }, (_, at) => ({ ...reading, value: 12_345 + 250 * at }))
const unknown: Reading = { ...reading, meter: 'unknown' }
const plain = [
  { bytes: encodeOpener(opener), count: 0 },
  readingsOf([other]),
  readingsOf([reading, { ...reading, value: -4 }, other]),
  readingsOf([unknown, { ...unknown, value: 7 }]),
  readingsOf([reading], [{ ...reading, value: -4 }], [other]),
  readingsOf(profile),
]

/** The opener first, as a run begins; then each again, padded. */
export const CONTENTS: readonly { readonly bytes: Uint8Array; readonly count: number }[] = [
  ...plain,
  ...plain.map(({ bytes, count }) => ({ bytes: padContent(bytes), count })),
]
