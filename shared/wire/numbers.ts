// Names that travel as numbers. Each number is written out: the order in which code lists the names
// means nothing, and a number once given is never given to another name. The table is wire.md 5.4;
// test/unit/wire/numbers.test.ts compares the two.

import { assert } from '../assert.ts'
import type { ClockState } from '../clock/clock-state.ts'
import type { MeterClockOutcome } from '../clock/evidence.ts'
import type { ReadingSource } from '../meter/reading.ts'

export const CONTROL_TYPE = {
  confirm: 1,
  committed: 2,
  'clock-request': 3,
  'clock-reply': 4,
  acknowledge: 5,
  expect: 6,
  enrolled: 7,
  status: 8,
  anchor: 9,
  tombstone: 10,
  skip: 11,
  command: 12,
  receipt: 13,
  'master-key': 14,
  'meter-clock': 15,
  drained: 16,
} as const

/** Messages that change something for longer than their session: they carry a certificate, which
 * its keys cannot make. wire.md 5.5. */
export const CERTIFIED_TYPES: ReadonlySet<number> = new Set([
  CONTROL_TYPE.tombstone,
  CONTROL_TYPE.skip,
  CONTROL_TYPE.command,
  CONTROL_TYPE.receipt,
  CONTROL_TYPE['master-key'],
  CONTROL_TYPE.drained,
])

/** What a command tells the slave to do. wire.md 5.1. */
export const COMMAND_TASK = { 'read-now': 1, schedule: 2, 'sync-clock': 3 } as const

/** What became of a command. wire.md 5.1. */
export const RECEIPT_OUTCOME = { done: 1, refused: 2, unknown: 3 } as const

/** Why frames will never come. wire.md 6.4. */
export const TOMBSTONE_REASON = { damaged: 1, 'too old': 2, 'too large': 3, forgotten: 4 } as const

/** The refusals that EXPECT answers. wire.md 5. */
export const EXPECT_CODE = {
  'SEC-02': 2,
  'SEC-03': 3,
  'SEC-04': 4,
  'SEC-05': 5,
  'SEC-06': 6,
  'SEC-12': 12,
} as const

/** What was last done about a meter's clock. wire.md 5. */
export const METER_CLOCK_OUTCOME = {
  none: 0,
  synchronised: 1,
  rejected: 2,
  deferred: 3,
  set: 4,
  unsupported: 5,
  silent: 6,
} as const satisfies Record<MeterClockOutcome, number>

/** Bits 0 and 1 of a head's flags. wire.md 8.2. */
export const READING_SOURCE = {
  live: 0,
  profile: 1,
  push: 2,
} as const satisfies Record<ReadingSource, number>

/** Bits 0 and 1 of a stamp's first byte. wire.md 8.2. */
export const STAMP_STATE = { U: 0, I: 1, S: 2, R: 3 } as const satisfies Record<ClockState, number>

/** The way back, from a number read to its name. */
export function namesOf<Name extends string>(
  numbers: Readonly<Record<Name, number>>,
): ReadonlyMap<number, Name> {
  const names = new Map<number, Name>()
  for (const name in numbers) {
    const number: number = numbers[name]
    assert(!names.has(number), 'a number on the wire has one name')
    names.set(number, name)
  }
  return names
}
