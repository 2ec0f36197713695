// Frames that will never arrive: a device may give up its own, and we may give up one that we
// cannot open (wire.md 6.4). Both are judged in their place, like frames, and neither moves the key
// tree, so nobody can use them to have keys destroyed.

import { equalConstantTime } from '../../../shared/bytes.ts'
import type { AcceptedFrame } from '../../../shared/handover/sink.ts'
import { streamNext, streamStart } from '../../../shared/tves/stream.ts'
import { spanMs, type UnixMs, shiftMs } from '../../../shared/units.ts'
import { decodeFrame } from '../../../shared/wire/frame.ts'
import { GIVEN_UP_DAYS, GIVEN_UP_MAX } from '../../../shared/wire/limits.ts'
import type { Skip, Tombstone } from '../../../shared/wire/recovery.ts'
import { type GateContext, type Place, refused, runOf, type Verdict } from './gate.ts'
import type { DeviceState, EpochState, Owned, RunState } from './state.ts'
import { NO_SALT } from './streams.ts'

const DAY_MS = 86_400_000

type Context = Pick<GateContext, 'suite' | 'device' | 'now'>

/** A tombstone: the stream continues after the frames it names, from the device's own hash. */
export function judgeTombstone(context: Context, tombstone: Tombstone): Verdict {
  const { suite, device } = context
  const { epoch: id, run: number, first, last, hash, reason } = tombstone
  const at = { epoch: id, run: number, sequence: first }
  const epoch = device.epochs.get(id)
  if (device.record.revoked) return refused('not revoked', at, null)
  if (epoch === undefined) return refused('epoch and run known', at, null)
  const current = epoch.run
  if (current !== null && number < current.run) return refused('not spent', at, epoch)
  const fresh: RunState = {
    run: number,
    salt: NO_SALT,
    iv: null,
    opener: null,
    next: 0,
    hash: streamStart(suite, device.idBytes, id, number),
  }
  const run = current?.run === number ? current : fresh
  // A higher run begins with its opener, or with a tombstone for it.
  if (run === fresh && first > 0) return refused('epoch and run known', at, epoch)
  if (last < run.next) return refused('not spent', at, epoch)
  if (first !== run.next) return refused('next in order', at, epoch)
  const content = { kind: 'given-up', first, reason } as const
  return taken(context, epoch, { ...run, next: last + 1, hash }, content)
}

/** The device says that its copy of a frame we could not open is intact: if that is the very body
 * we refused, we keep it sealed and go on. `suspect`: the last body refused with SEC-03 on this
 * link. */
export function judgeSkip(context: Context, skip: Skip, suspect: Uint8Array | null): Verdict {
  const { suite, device } = context
  const epoch = device.epochs.get(skip.epoch)
  if (device.record.revoked) return refused('not revoked', skip, null)
  if (epoch === undefined) return refused('epoch and run known', skip, null)
  const parts = suspect === null ? null : decodeFrame(suspect)
  const run = parts !== null && isAt(parts.header, skip) ? runOf(suite, device, epoch, parts) : null
  const current = epoch.run
  if (current !== null && skip.run <= current.run) {
    if (skip.run < current.run || skip.sequence < current.next)
      return refused('not spent', skip, epoch)
    if (skip.sequence > current.next) return refused('next in order', skip, epoch)
  }
  if (suspect === null || run === null || run.next !== skip.sequence)
    return refused('opens', skip, epoch)
  if (!equalConstantTime(suite.sha256(suspect), skip.bodyHash)) return refused('opens', skip, epoch)
  const hash = streamNext(suite, run.hash, suspect)
  const content = { kind: 'sealed', body: suspect } as const
  return taken(context, epoch, { ...run, next: skip.sequence + 1, hash }, content)
}

const isAt = (header: Place, { epoch, run, sequence }: Place): boolean =>
  header.epoch === epoch && header.run === run && header.sequence === sequence

function taken(
  { device, now }: Context,
  epoch: EpochState,
  run: RunState,
  content: AcceptedFrame['content'],
): Verdict {
  const { hash, salt, opener } = run
  const at = { epoch: epoch.id, run: run.run, sequence: run.next - 1 }
  const position = { device: device.record.id, ...at, second: epoch.lastSecond, hash, salt, opener }
  return {
    ok: true,
    frame: { position, receivedAt: now, sealedAt: now, latest: now, late: true, content },
    moved: { epoch, run, key: null },
  }
}

/** Counts what a device gave up; true when it is too much. Kept in memory: a restarted master
 * counts from zero, and the exceptions show the rest. */
export function countGivenUp(device: Owned<DeviceState>, now: UnixMs): boolean {
  const since = shiftMs(now, spanMs(-GIVEN_UP_DAYS * DAY_MS))
  const recent = device.givenUp.filter((at) => at > since)
  device.givenUp = [...recent, now].slice(-GIVEN_UP_MAX)
  return recent.length >= GIVEN_UP_MAX
}
