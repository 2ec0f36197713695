// What fast-check draws from for messages of the wire.

import * as fc from 'fast-check'
import { ppm, spanMs, spanUs, unixMs, unixUs } from '../../shared/units.ts'
import type { ControlMessage, ExpectCode } from '../../shared/wire/control.ts'
import {
  METER_CLOCK_OUTCOME,
  namesOf,
  RECEIPT_OUTCOME,
  TOMBSTONE_REASON,
} from '../../shared/wire/numbers.ts'

/** Plain objects: assert compares prototypes too. */
export const record = <Fields>(fields: { [Key in keyof Fields]: fc.Arbitrary<Fields[Key]> }) =>
  fc.record<Fields>(fields, { noNullPrototype: true })
export const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
export const u32 = fc.integer({ min: 0, max: 0xffff_ffff })
/** Numbers of epochs and runs: they count from 1. */
export const number = fc.integer({ min: 1, max: 0xffff_ffff })
const safe = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })
export const u64 = safe.map(unixUs)
export const bound = fc.option(fc.integer({ min: 0, max: 0xffff_fffe }).map(spanUs))
export const sealedUpTo = record({ epoch: number, run: number, sequence: u32, hash: bytes(32) })
const takenUpTo = record({
  epoch: u32,
  run: u32,
  known: fc.boolean(),
  next: u32,
  hash: bytes(32),
})
export const clockState = fc.constantFrom('U', 'I', 'S', 'R')
const CENTURY_US = 3_155_760_000_000_000
const ppb = fc.integer({ min: -10_000_000, max: 10_000_000 })
const frequency = fc.option(ppb.map((parts) => ppm(parts / 1_000)))

const u48 = fc.integer({ min: 0, max: 2 ** 48 - 1 })
const meter = fc.stringMatching(/^[A-Za-z0-9._-]{1,32}$/)
const tasks = fc.oneof(
  record({ task: fc.constant('read-now'), meter: fc.option(meter) }),
  record({ task: fc.constant('schedule'), meter, seconds: fc.integer({ min: 5, max: 86_400 }) }),
  record({ task: fc.constant('sync-clock'), meter }),
)
/** No process began before 1970. */
const anchors = fc
  .tuple(u48, u48)
  .map((pair) => pair.sort((a, b) => a - b))
  .chain(([processMs, utc]) =>
    record({
      is: fc.constant('anchor'),
      processId: bytes(8),
      processMs: fc.constant(processMs),
      utc: fc.constant(unixMs(utc)),
      bound: u32,
    }),
  )
const tombstones = fc
  .tuple(u32, u32)
  .map((pair) => pair.sort((a, b) => a - b))
  .filter(([, last]) => last < 0xffff_ffff)
  .chain(([first, last]) =>
    record({
      is: fc.constant('tombstone'),
      epoch: number,
      run: number,
      first: fc.constant(first),
      last: fc.constant(last),
      reason: fc.constantFrom(...namesOf(TOMBSTONE_REASON).values()),
      hash: bytes(32),
    }),
  )

/** Every control message, with any values that its fields allow. */
export const controls: fc.Arbitrary<ControlMessage> = fc.oneof(
  record({ is: fc.constant('confirm'), epoch: u32, runs: fc.array(sealedUpTo) }),
  record({ is: fc.constant('committed'), epoch: u32, runs: fc.array(takenUpTo) }),
  record({ is: fc.constant('clock-request'), id: bytes(16) }),
  record({ is: fc.constant('clock-reply'), id: bytes(16), t2: u64, t3: u64, bound }),
  sealedUpTo.map((entry) => ({ is: 'acknowledge' as const, ...entry })),
  sealedUpTo.map((entry) => ({ is: 'drained' as const, ...entry })),
  record({
    is: fc.constant('expect'),
    code: fc.constantFrom<ExpectCode>('SEC-02', 'SEC-03', 'SEC-04', 'SEC-05', 'SEC-06', 'SEC-12'),
    epoch: u32,
    run: u32,
    next: u32,
    masterTime: fc.integer({ min: 0, max: 2 ** 48 - 1 }).map(unixMs),
  }),
  record({ is: fc.constant('enrolled'), device: bytes(8) }),
  record({
    is: fc.constant('status'),
    clockState,
    offset: fc.integer({ min: -CENTURY_US, max: CENTURY_US }).map(spanUs),
    bound,
    roundTrip: u32.map(spanUs),
    backlog: u32,
    meters: fc.nat({ max: 65_535 }),
    faults: fc.array(
      record({
        code: fc.constantFrom('SEC-02', 'SEC-FORK', 'X', 'ABCDEFGH-1234567'),
        count: u32,
      }),
      { maxLength: 32 },
    ),
    discipline: record({
      frequency,
      skew: fc.nat(10_000_000).map((ppb) => ppm(ppb / 1_000)),
      holdover: fc.nat({ max: 400 * 86_400_000 }).map(spanMs),
      steps: u32,
      lastStep: fc.integer({ min: -CENTURY_US, max: CENTURY_US }).map(spanUs),
    }),
  }),
  record({
    is: fc.constant('meter-clock'),
    meter: fc.stringMatching(/^[A-Za-z0-9._-]{1,32}$/),
    offset: fc.integer({ min: -CENTURY_US, max: CENTURY_US }).map(spanUs),
    bound: u32.map(spanUs),
    resolution: fc.nat({ max: 3_600_000_000 }).map(spanUs),
    frequency,
    monthlyDrift: fc.integer({ min: -CENTURY_US / 1_000, max: CENTURY_US / 1_000 }).map(spanMs),
    invalid: fc.boolean(),
    outcome: fc.constantFrom(...namesOf(METER_CLOCK_OUTCOME).values()),
    event: fc.constantFrom(null, 10, 11, 12),
  }),
  anchors,
  tombstones,
  record({
    is: fc.constant('skip'),
    epoch: number,
    run: number,
    sequence: u32,
    bodyHash: bytes(32),
  }),
  record({ is: fc.constant('command'), number: u48, expires: u48.map(unixMs), what: tasks }),
  record({
    is: fc.constant('receipt'),
    number: u48,
    outcome: fc.constantFrom(...namesOf(RECEIPT_OUTCOME).values()),
    detail: fc.constantFrom('', 'OPS-17', 'MTR-09', 'X', 'ABCDEFGH-1234567'),
  }),
  record({ is: fc.constant('master-key'), key: bytes(32) }),
)
