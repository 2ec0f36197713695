// What the outbox tests share: folders, commits as the agent makes them.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type {
  OutboxCommit,
  StoredEpoch,
  StoredFrame,
  StoredRun,
} from '../../services/slave/core/state/stored.ts'
import type { OutboxLimits } from '../../services/slave/shell/outbox/limits.ts'
import { type Outbox, openOutbox } from '../../services/slave/shell/outbox/outbox.ts'
import { second, unixMs, unixUs } from '../../shared/units.ts'

export const DAY_MS = 86_400_000
export const LIMITS: OutboxLimits = {
  framesMax: 1_000_000,
  bytesMax: 1_000_000_000,
  ageMaxMs: 400 * DAY_MS,
}
export const EPOCH = 7

export function open(folder: string, limits: OutboxLimits = LIMITS): Outbox {
  const opened = openOutbox(folder, limits)
  assert.ok(opened.ok, JSON.stringify(opened))
  return opened.outbox
}

export const epochOf = (tree: Uint8Array, id = EPOCH): StoredEpoch => ({
  id,
  origin: unixMs(1_790_000_000_000),
  transcript: new Uint8Array(32).fill(id),
  tree,
  state: 'committed',
})

export const runOf = (run: number, last: number, acknowledged = -1, epoch = EPOCH): StoredRun => ({
  epoch,
  run,
  last,
  lastHash: new Uint8Array(32).fill(1),
  acknowledged,
  acknowledgedHash: new Uint8Array(32).fill(2),
  forked: false,
  first: 0,
  firstHash: new Uint8Array(32).fill(3),
  dropped: null,
})

export const frameOf = (
  run: number,
  sequence: number,
  body: Uint8Array = randomBytes(200),
  sealedAt = 1_790_000_000_000,
  epoch = EPOCH,
): StoredFrame => ({
  epoch,
  run,
  sequence,
  second: second(sequence),
  before: randomBytes(32),
  hash: randomBytes(32),
  body,
  sealedAt: unixMs(sealedAt),
})

/** One step as the agent takes it: frame, run and tree in one commit. */
export const step = (run: number, sequence: number, body?: Uint8Array): OutboxCommit => ({
  epochs: [epochOf(randomBytes(400))],
  runs: [runOf(run, sequence)],
  frames: [frameOf(run, sequence, body)],
  lastUsed: unixUs(1_790_000_000_000_000 + sequence),
})

export const query = (run: number, sequence: number, framesMax = 1_000, bytesMax = 1_000_000) => ({
  epoch: EPOCH,
  run,
  sequence,
  last: 1_000_000,
  framesMax,
  bytesMax,
})

/** For child processes. */
export const outboxModule = import.meta.resolve('../../services/slave/shell/outbox/outbox.js')
