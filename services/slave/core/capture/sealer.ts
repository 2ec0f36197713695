// Sealing: from readings to frames and the transaction that must hold them.
//
// A frame is sealed once, in the second it was read. What is stored with it is the key tree from
// the NEXT second on, so the box cannot open its own backlog. The leaf of the running second lives
// here, in memory, until its second ends. Everything is immutable: `seal` returns the next keyring,
// and the agent installs it only when the transaction is durable; a failed transaction is tried
// again with the same bytes, so no sequence number and no nonce is ever used for two different
// texts.

import { assert } from '../../../../shared/assert.ts'
import { equalConstantTime } from '../../../../shared/bytes.ts'
import { streamNext, streamStart } from '../../../../shared/tves/stream.ts'
import { sealFrame } from '../../../../shared/tves/seal.ts'
import type { Aead, Suite } from '../../../../shared/tves/suite.ts'
import {
  decodeTree,
  encodeTree,
  type KeyTree,
  leafAt,
  puncture,
  runIv,
} from '../../../../shared/tves/tree.ts'
import type { ReadingGroup } from '../../../../shared/meter/reading.ts'
import {
  type Second,
  second,
  secondOf,
  startOfSecond,
  type UnixMs,
} from '../../../../shared/units.ts'
import { encodeOpener, encodeReadings, padContent } from '../../../../shared/wire/content.ts'
import { HEADS_MAX, INDEX_JUMP_MAX } from '../../../../shared/wire/limits.ts'
import {
  type Head,
  headOf,
  headText,
  NO_PREVIOUS_RUN,
  type Opener,
} from '../../../../shared/wire/opener.ts'
import type { Stored, StoredEpoch, StoredFrame, StoredRun } from '../state.ts'

/** A run is left for a new one after this long, so that the age limit can drop whole runs, ms. */
const RUN_AGE_MAX_MS = 30 * 86_400_000

interface OpenRun {
  readonly row: StoredRun
  readonly iv: Uint8Array
  readonly openedAt: UnixMs
  /** What its frames are written against; as sealed into its first one. */
  readonly opener: Opener
}

/** Heads by their text, in the order in which they were first sealed. */
type Heads = ReadonlyMap<string, Head>
const NO_HEADS: Heads = new Map()

export interface Keyring {
  /** Device id, 8 bytes. */
  readonly device: Uint8Array
  readonly epoch: StoredEpoch
  readonly tree: KeyTree
  /** The running second's key; gone when a later second is sealed or the process ends. */
  readonly leaf: { readonly second: Second; readonly aead: Aead } | null
  readonly run: OpenRun | null
  readonly highestRun: number
  /** What the next opener names as its predecessor. */
  readonly previous: StoredRun | null
  /** What was sealed since the process started, for the next opener: 256 at most, first come. */
  readonly heads: Heads
}

/** The keyring to seal with after a start: newest committed epoch, no run open yet. Null before
 * the first committed epoch. */
export function openKeyring(stored: Stored): Keyring | null {
  const device = stored.identity?.device ?? null
  const epoch = stored.epochs.findLast((entry) => entry.state === 'committed')
  if (device === null || epoch === undefined) return null
  const previous = stored.runs.find((run) => run.run === stored.highestRun) ?? null
  return enterEpoch(device, epoch, stored.highestRun, previous)
}

/** Starts sealing in a committed epoch, in a new run. */
export function enterEpoch(
  device: Uint8Array,
  epoch: StoredEpoch,
  highestRun: number,
  previous: StoredRun | null,
  heads = NO_HEADS,
): Keyring {
  const tree = decodeTree(epoch.tree)
  assert(tree !== null, 'the outbox returns the tree it was given')
  return { device, epoch, tree, leaf: null, run: null, highestRun, previous, heads }
}

/** Leaves the run; the next frame opens a new one (SEC-FORK, or a new process). */
export const leaveRun = (keyring: Keyring): Keyring => ({
  ...keyring,
  run: null,
  previous: keyring.run?.row ?? keyring.previous,
})

/** True when `at` is further ahead of the last key used than the index follows. */
export const tooFar = (keyring: Keyring, at: UnixMs): boolean =>
  secondOf(keyring.epoch.origin, at) - keyring.tree.next > INDEX_JUMP_MAX

export interface SealRequest {
  readonly suite: Suite
  /** The slave's clock now. */
  readonly at: UnixMs
  /** At most READINGS_ALWAYS_FIT readings each. */
  readonly groups: readonly ReadingGroup[]
  /** For an opener, should one be due. */
  readonly salt: Uint8Array
  readonly processId: Uint8Array
  /** When this process started, by the slave's clock now. */
  readonly processStart: UnixMs
  /** Whether plaintexts are padded, so that a frame's size tells little. */
  readonly pad: boolean
}

export interface SealResult {
  readonly keyring: Keyring
  readonly frames: readonly StoredFrame[]
}

/** Seals the groups into as few frames of this second as hold them, behind an opener where a run
 * begins. */
export function seal(before: Keyring, request: SealRequest): SealResult {
  const { suite, at, groups } = request
  let keyring = withLeaf({ ...before, heads: withHeads(before.heads, groups) }, suite, at)
  const frames: StoredFrame[] = []
  const { run } = keyring
  const left =
    run === null ||
    !equalConstantTime(run.opener.processId, request.processId) ||
    at - run.openedAt > RUN_AGE_MAX_MS
  if (left) {
    const opened = openRun(run === null ? keyring : leaveRun(keyring), request)
    keyring = opened.keyring
    frames.push(opened.frame)
  }
  for (let taken = 0; taken < groups.length; ) {
    const { run, leaf, epoch } = keyring
    assert(run !== null && leaf !== null, 'a run is open behind its opener')
    const begins = startOfSecond(epoch.origin, leaf.second)
    const content = encodeReadings(groups.slice(taken), { begins, opener: run.opener })
    const { frame, row } = oneFrame(keyring, request, { ...content, salt: null })
    frames.push(frame)
    taken += content.groups
    keyring = { ...keyring, run: { ...run, row } }
  }
  return { keyring, frames }
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

/** What the tree looks like on disk after `keyring`'s last frame: without the running second. */
export const storedEpoch = (keyring: Keyring): StoredEpoch => ({
  ...keyring.epoch,
  tree: encodeTree(keyring.tree),
})

/** index = max(clock, last used), its leaf derived once and the tree moved behind it. */
function withLeaf(keyring: Keyring, suite: Suite, at: UnixMs): Keyring {
  const clock = second(Math.max(0, secondOf(keyring.epoch.origin, at)))
  const { leaf } = keyring
  if (leaf !== null && clock <= leaf.second) return keyring
  const index = second(Math.max(clock, keyring.tree.next))
  const found = leafAt(suite, keyring.tree, index)
  assert(found !== null, 'no index below the tree position is asked for')
  const tree = puncture(suite, found.tree, second(index + 1))
  return { ...keyring, tree, leaf: { second: index, aead: suite.aead(found.key) } }
}

function openRun(
  keyring: Keyring,
  request: SealRequest,
): { readonly keyring: Keyring; readonly frame: StoredFrame } {
  const { suite, salt, processId, processStart, at } = request
  const { device, epoch, previous } = keyring
  const run = keyring.highestRun + 1
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
    heads: [...keyring.heads.values()],
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
  const iv = runIv(suite, keyring.tree.ivKey, run, salt)
  const opened: OpenRun = { row: empty, iv, openedAt: at, opener }
  const opening: Keyring = { ...keyring, highestRun: run, run: opened }
  const plaintext = encodeOpener(opener)
  const { frame, row } = oneFrame(opening, request, { plaintext, readings: 0, salt })
  return { keyring: { ...opening, run: { ...opened, row } }, frame }
}

function oneFrame(
  keyring: Keyring,
  { suite, at, pad }: SealRequest,
  content: {
    readonly plaintext: Uint8Array
    readonly readings: number
    readonly salt: Uint8Array | null
  },
): { readonly frame: StoredFrame; readonly row: StoredRun } {
  const { run, leaf, epoch, device } = keyring
  assert(run !== null && leaf !== null, 'a frame is sealed in a run, under the running second')
  const { plaintext, readings, salt } = content
  const sequence = run.row.last + 1
  const body = sealFrame(suite, {
    key: leaf.aead,
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
