// The gate: the named checks a reading frame passes, cheap before dear, in the order of wire.md 9.
// The verdict names the first check that refused. Nothing moves before the frame opened: a verdict
// with `ok: true` carries the moved state, and the caller installs it (streams.ts).

import { toHex } from '../../../shared/bytes.ts'
import type { FaultCode } from '../../../shared/faults.ts'
import type { AcceptedFrame } from '../../../shared/handover/sink.ts'
import { openFrame } from '../../../shared/tves/seal.ts'
import { streamNext, streamStart } from '../../../shared/tves/stream.ts'
import type { Suite } from '../../../shared/tves/suite.ts'
import { leafAt } from '../../../shared/tves/tree.ts'
import {
  type Second,
  shiftMs,
  spanMs,
  startOfSecond,
  type UnixMs,
  unixMs,
} from '../../../shared/units.ts'
import { decodeContent } from '../../../shared/wire/content.ts'
import { decodeFrame, type FrameParts } from '../../../shared/wire/frame.ts'
import type { Opener } from '../../../shared/wire/opener.ts'
import type { DeviceView, EpochState, RunState } from './state.ts'
import { ivOf, letGo, type Moved } from './streams.ts'

/** The checks in order, each with the fault it raises. */
const FAULT_OF_CHECK = {
  shape: 'WIR-03',
  'not revoked': 'SEC-14',
  'epoch and run known': 'SEC-04',
  'not spent': 'SEC-05',
  'next in order': 'SEC-06',
  'not ahead': 'SEC-02',
  'key not destroyed': 'SEC-12',
  opens: 'SEC-03',
} as const satisfies Readonly<Record<string, FaultCode>>

export type Check = keyof typeof FAULT_OF_CHECK
export type GateFault = (typeof FAULT_OF_CHECK)[Check]

/** Where a frame, or what stands for one, claims to belong. */
export interface Place {
  readonly epoch: number
  readonly run: number
  readonly sequence: number
}

/** Frames of an earlier run that are lost: `first`..`last`. */
export interface Behind {
  readonly epoch: number
  readonly run: number
  readonly first: number
  readonly last: number
}

export type Verdict =
  | {
      readonly ok: true
      readonly frame: AcceptedFrame
      readonly moved: Moved
      /** What an opener says was sealed before it and never came: nothing of that can come now. */
      readonly behind?: Behind | null
    }
  | {
      readonly ok: false
      /** The check that refused; those before it passed. */
      readonly check: Check
      readonly fault: GateFault
      readonly at: Place | null
      readonly epoch: EpochState | null
    }

export interface GateContext {
  readonly suite: Suite
  readonly device: DeviceView
  readonly now: UnixMs
  /** False: the master's own clock is not synchronised, so no frame is refused for its time. */
  readonly timed: boolean
  /** How far a tag may be ahead, ms. */
  readonly toleranceMs: number
}

/** Judges one frame with its full header; `parts`: its body, when already decoded. */
export function judge(
  context: GateContext,
  body: Uint8Array,
  parts: FrameParts | null = decodeFrame(body),
): Verdict {
  const { suite, device, now } = context
  if (parts === null) return refused('shape', null, null)
  const { header } = parts
  if (device.record.revoked) return refused('not revoked', header, null)
  const epoch = device.epochs.get(header.epoch) ?? null
  const run = epoch === null ? null : runOf(suite, device, epoch, parts)
  if (epoch === null || run === null || run.iv === null)
    return refused('epoch and run known', header, epoch)
  if (header.sequence < run.next) return refused('not spent', header, epoch)
  if (header.sequence > run.next) return refused('next in order', header, epoch)
  const begins = startOfSecond(epoch.origin, header.second)
  if (!epoch.closed && context.timed && begins > now + context.toleranceMs) {
    return refused('not ahead', header, epoch)
  }
  if (header.second < epoch.lastSecond) return refused('key not destroyed', header, epoch)
  const key = keyOf(suite, epoch, header.second)
  if (key === null) return refused('key not destroyed', header, epoch)
  const plaintext = openFrame(suite, {
    key: key.leaf.key,
    iv: run.iv,
    device: device.idBytes,
    transcript: epoch.transcript,
    headerBytes: parts.headerBytes,
    sequence: header.sequence,
    sealed: parts.sealed,
  })
  if (plaintext === null) {
    letGo(epoch, key)
    return refused('opens', header, epoch)
  }
  const hash = streamNext(suite, run.hash, body)
  const content = contentOf(parts, run, plaintext, begins)
  const opener = content.kind === 'opener' ? plaintext : run.opener
  const { second, sequence } = header
  const stream = { device: device.record.id, epoch: epoch.id, run: run.run }
  return {
    ok: true,
    frame: {
      position: { ...stream, sequence, second, hash, salt: run.salt, opener },
      receivedAt: now,
      sealedAt: unixMs(Math.min(begins, now)),
      latest: latestAt(context),
      late: begins < now - context.toleranceMs,
      content,
    },
    moved: { epoch, run: { ...run, next: sequence + 1, hash, opener }, key },
    behind: header.opener ? behindOf(epoch, openerOf(plaintext, begins)) : null,
  }
}

/** A slave opens a run when all before it is acknowledged. Where we lack the end of the run before,
 * we were set back, and the slave has forgotten it (wire.md 6.3). */
function behindOf({ id, run }: EpochState, opener: Opener | null): Behind | null {
  if (run === null || opener === null) return null
  const { previous } = opener
  const same = previous.epoch === id && previous.run === run.run
  if (!same || previous.sequence < run.next) return null
  return { epoch: id, run: run.run, first: run.next, last: previous.sequence }
}

/** How far ahead of a clock that nobody vouches for a reading may be, ms: a day. */
const AHEAD_UNTIMED_MS = 86_400_000

/** The latest time that a reading may have which comes now, in whatever epoch it was sealed. */
const latestAt = ({ now, timed, toleranceMs }: Omit<GateContext, 'suite' | 'device'>): UnixMs =>
  shiftMs(now, spanMs(timed ? toleranceMs : AHEAD_UNTIMED_MS))

/** The verdict of a check that did not pass. */
export const refused = (
  check: Check,
  at: Place | null,
  epoch: EpochState | null,
): Extract<Verdict, { ok: false }> => ({
  ok: false,
  check,
  fault: FAULT_OF_CHECK[check],
  at,
  epoch,
})

/** The run a frame belongs to: the current one, an opener of a higher one, or null. An earlier
 * run is known by its position only, and everything in it is spent. */
export function runOf(
  suite: Suite,
  device: DeviceView,
  epoch: EpochState,
  { header }: FrameParts,
): RunState | null {
  const current = epoch.run
  if (current?.run === header.run) return current
  if (current !== null && header.run < current.run) {
    return { ...current, run: header.run, next: header.sequence + 1 }
  }
  if (!header.opener || header.salt === null) return null
  return {
    run: header.run,
    salt: header.salt,
    iv: ivOf(suite, epoch, { run: header.run, salt: header.salt }),
    opener: null,
    next: 0,
    hash: streamStart(suite, device.idBytes, epoch.id, header.run),
  }
}

function keyOf(suite: Suite, epoch: EpochState, at: Second): Moved['key'] {
  if (epoch.leaf?.second === at) return { tree: epoch.tree, leaf: epoch.leaf }
  const found = leafAt(suite, epoch.tree, at)
  if (found === null) return null
  return { tree: found.tree, leaf: { second: at, key: found.key } }
}

/** Openers as read, by their plaintexts, for as long as these live, so that 256 heads are not read
 * again for each frame. */
const openers = new WeakMap<Uint8Array, Opener>()

function openerOf(plaintext: Uint8Array | null, begins: UnixMs): Opener | null {
  if (plaintext === null) return null
  const known = openers.get(plaintext)
  if (known !== undefined) return known
  const content = decodeContent(plaintext, 0, { begins, opener: null })
  if (content?.kind !== 'opener') return null
  openers.set(plaintext, content)
  return content
}

/** Only a run's first frame holds an opener. */
function contentOf(
  { header }: FrameParts,
  run: RunState,
  plaintext: Uint8Array,
  begins: UnixMs,
): AcceptedFrame['content'] {
  if (header.opener) {
    const opener = openerOf(plaintext, begins)
    return opener === null
      ? { kind: 'unreadable', plaintext }
      : { kind: 'opener', process: toHex(opener.processId) }
  }
  const opener = openerOf(run.opener, begins)
  const content = decodeContent(plaintext, header.count, { begins, opener })
  return content?.kind === 'readings' ? content : { kind: 'unreadable', plaintext }
}
