// Sealing: from readings to frames and the transaction that must hold them.
//
// A frame is sealed once, in the second it was read. What is stored with it is the key tree from
// the NEXT second on, so the box cannot open its own backlog. The leaf of the running second lives
// here, in memory, until its second ends. `seal` changes nothing: it returns the next sealer, and
// the agent installs it only when the transaction is durable; a failed transaction is tried again
// with the same bytes, so no sequence number and no nonce is ever used for two different texts.
//
// Then the sealer before is forgotten: its keys are overwritten, or memory would open what the disk
// cannot. sealing.ts, which holds the sealer, is the one that does it.

import { assert } from '../../../../shared/assert.ts'
import { equalConstantTime, secretConcat } from '../../../../shared/bytes.ts'
import { streamNext, streamStart } from '../../../../shared/tves/stream.ts'
import { sealFrame } from '../../../../shared/tves/seal.ts'
import type { Suite } from '../../../../shared/tves/suite.ts'
import {
  decodeTree,
  encodeTree,
  forgetTree,
  leafAt,
  puncture,
  runIv,
} from '../../../../shared/tves/tree.ts'
import type { ReadingGroup } from '../../../../shared/meter/reading.ts'
import { second, secondOf, startOfSecond, type UnixMs } from '../../../../shared/units.ts'
import { encodeOpener, encodeReadings, padContent } from '../../../../shared/wire/content.ts'
import { HEADS_MAX, INDEX_JUMP_MAX } from '../../../../shared/wire/limits.ts'
import { headOf, headText, NO_PREVIOUS_RUN, type Opener } from '../../../../shared/wire/opener.ts'
import type { Heads, OpenRun, Sealer } from '../state/sealing.ts'
import type { Stored, StoredEpoch, StoredFrame, StoredRun } from '../state/stored.ts'

/** A run is left for a new one after this long, so that the age limit can drop whole runs, ms. */
const RUN_AGE_MAX_MS = 30 * 86_400_000

const NO_HEADS: Heads = new Map()

/** The sealer after a start: newest committed epoch, no run open yet. Null before
 * the first committed epoch. */
export function openSealer(stored: Stored): Sealer | null {
  const device = stored.identity?.device ?? null
  const epoch = stored.epochs.findLast((entry) => entry.state === 'committed')
  if (device === null || epoch === undefined) return null
  const previous = stored.runs.find((run) => run.run === stored.highestRun) ?? null
  return enterEpoch(device, epoch, stored.highestRun, previous)
}

/** Starts sealing in a committed epoch, in a new run. */
export function enterEpoch(
  device: Uint8Array,
  { tree: encoded, ...epoch }: StoredEpoch,
  highestRun: number,
  previous: StoredRun | null,
  heads = NO_HEADS,
): Sealer {
  const tree = decodeTree(encoded)
  assert(tree !== null, 'the outbox returns the tree it was given')
  return { device, epoch, tree, leaf: null, run: null, highestRun, previous, heads }
}

/** Leaves the run; the next frame opens a new one (SEC-FORK, or a new process). */
export const leaveRun = (sealer: Sealer): Sealer => ({
  ...sealer,
  run: null,
  previous: sealer.run?.row ?? sealer.previous,
})

/** Overwrites the keys of a sealer in whose place another one has come; `after` may share some. */
export function forgetSealer(before: Sealer, after: Sealer): void {
  forgetTree(before.tree, after.tree)
  if (before.leaf !== null && before.leaf.key !== after.leaf?.key) before.leaf.key.fill(0)
}

/** The sealer once the second of its leaf is over. */
export function withoutLeaf(sealer: Sealer): Sealer {
  sealer.leaf?.key.fill(0)
  return { ...sealer, leaf: null }
}

/** True when `at` is further ahead of the last key used than the index follows. */
export const tooFar = (sealer: Sealer, at: UnixMs): boolean =>
  secondOf(sealer.epoch.origin, at) - sealer.tree.next > INDEX_JUMP_MAX

export interface SealRequest {
  readonly suite: Suite
  /** The slave's clock now. */
  readonly at: UnixMs
  /** At most READINGS_ALWAYS_FIT readings each. */
  readonly groups: readonly ReadingGroup[]
  /** For an opener, if one is due. */
  readonly salt: Uint8Array
  readonly processId: Uint8Array
  /** When this process started, by the slave's clock now. */
  readonly processStart: UnixMs
  /** Whether plaintexts are padded, so that a frame's size tells little. */
  readonly pad: boolean
}

export interface SealResult {
  readonly sealer: Sealer
  readonly frames: readonly StoredFrame[]
}

/** Seals the groups into as few frames of this second as will hold them, behind an opener where a
 * run begins. */
export function seal(before: Sealer, request: SealRequest): SealResult {
  const { suite, at, groups } = request
  let sealer = withLeaf({ ...before, heads: withHeads(before.heads, groups) }, suite, at)
  const frames: StoredFrame[] = []
  const { run } = sealer
  const left =
    run === null ||
    !equalConstantTime(run.opener.processId, request.processId) ||
    at - run.openedAt > RUN_AGE_MAX_MS
  if (left) {
    const opened = openRun(run === null ? sealer : leaveRun(sealer), request)
    sealer = opened.sealer
    frames.push(opened.frame)
  }
  for (let taken = 0; taken < groups.length; ) {
    const { run, leaf, epoch } = sealer
    assert(run !== null && leaf !== null, 'a run is open behind its opener')
    const begins = startOfSecond(epoch.origin, leaf.second)
    const content = encodeReadings(groups.slice(taken), { begins, opener: run.opener })
    const { frame, row } = oneFrame(sealer, request, { ...content, salt: null })
    frames.push(frame)
    taken += content.groups
    sealer = { ...sealer, run: { ...run, row } }
  }
  return { sealer, frames }
}

/** The heads seen before and those of these readings. */
function withHeads(before: Heads, groups: readonly ReadingGroup[]): Heads {
  if (before.size >= HEADS_MAX) return before
  const heads = new Map(before)
  for (const { readings } of groups) {
    for (const reading of readings) {
      const text = headText(reading, reading.meterTime !== null)
      if (heads.size < HEADS_MAX && !heads.has(text)) heads.set(text, headOf(reading))
    }
  }
  return heads
}

/** What the tree looks like on disk after `sealer`'s last frame: without the running second. */
export const storedEpoch = (sealer: Sealer): StoredEpoch => ({
  ...sealer.epoch,
  tree: encodeTree(sealer.tree),
})

/** index = max(clock, last used), its leaf derived once and the tree moved behind it. */
function withLeaf(sealer: Sealer, suite: Suite, at: UnixMs): Sealer {
  const clock = second(Math.max(0, secondOf(sealer.epoch.origin, at)))
  const { leaf } = sealer
  if (leaf !== null && clock <= leaf.second) return sealer
  const index = second(Math.max(clock, sealer.tree.next))
  const found = leafAt(suite, sealer.tree, index)
  assert(found !== null, 'no index below the tree position is asked for')
  // A copy: what is a tree's goes with the tree.
  const key = secretConcat(found.key)
  const tree = puncture(suite, found.tree, second(index + 1))
  forgetTree(found.tree, tree, sealer.tree)
  return { ...sealer, tree, leaf: { second: index, key } }
}

function openRun(
  sealer: Sealer,
  request: SealRequest,
): { readonly sealer: Sealer; readonly frame: StoredFrame } {
  const { suite, salt, processId, processStart, at } = request
  const { device, epoch, previous } = sealer
  const run = sealer.highestRun + 1
  const start = streamStart(suite, device, epoch.id, run)
  const empty: StoredRun = {
    epoch: epoch.id,
    run,
    last: -1,
    lastHash: start,
    acknowledged: -1,
    acknowledgedHash: start,
    forked: false,
    first: 0,
    firstHash: start,
    dropped: null,
  }
  const opener: Opener = {
    kind: 'opener',
    processId,
    processStart,
    heads: [...sealer.heads.values()],
    previous:
      previous === null
        ? NO_PREVIOUS_RUN
        : {
            epoch: previous.epoch,
            run: previous.run,
            sequence: Math.max(0, previous.last),
            hash: previous.lastHash,
          },
  }
  const iv = runIv(suite, sealer.tree.ivKey, run, salt)
  const opened: OpenRun = { row: empty, iv, openedAt: at, opener }
  const opening: Sealer = { ...sealer, highestRun: run, run: opened }
  const plaintext = encodeOpener(opener)
  const { frame, row } = oneFrame(opening, request, { plaintext, readings: 0, salt })
  return { sealer: { ...opening, run: { ...opened, row } }, frame }
}

function oneFrame(
  sealer: Sealer,
  { suite, at, pad }: SealRequest,
  content: {
    readonly plaintext: Uint8Array
    readonly readings: number
    readonly salt: Uint8Array | null
  },
): { readonly frame: StoredFrame; readonly row: StoredRun } {
  const { run, leaf, epoch, device } = sealer
  assert(run !== null && leaf !== null, 'a frame is sealed in a run, under the running second')
  const { plaintext, readings, salt } = content
  const sequence = run.row.last + 1
  const body = sealFrame(suite, {
    key: leaf.key,
    iv: run.iv,
    device,
    transcript: epoch.transcript,
    header: {
      opener: salt !== null,
      epoch: epoch.id,
      run: run.row.run,
      second: leaf.second,
      sequence,
      count: readings,
      salt,
    },
    plaintext: pad ? padContent(plaintext) : plaintext,
  })
  const hash = streamNext(suite, run.row.lastHash, body)
  return {
    frame: {
      epoch: epoch.id,
      run: run.row.run,
      sequence,
      second: leaf.second,
      before: run.row.lastHash,
      hash,
      body,
      sealedAt: at,
    },
    row: { ...run.row, last: sequence, lastHash: hash },
  }
}
