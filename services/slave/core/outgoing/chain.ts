// What the disk gave back, compared with what was sealed. A row carries the stream hash before and
// after its frame, so it proves itself and its neighbours' hashes: if any single part rots, we know
// which, and the frames behind it can still be sent. What is lost for good becomes a tombstone for
// exactly those frames (wire.md 6.4).

import { equalConstantTime } from '../../../../shared/bytes.ts'
import { streamNext } from '../../../../shared/tves/stream.ts'
import type { Suite } from '../../../../shared/tves/suite.ts'
import type { TombstoneReason } from '../../../../shared/wire/recovery.ts'
import type { Item } from '../state/outgoing.ts'
import type { Found, StoredFrame, StoredRun } from '../state/stored.ts'

/** Where inspecting begins: behind `sequence`, of which our hash is known or not. */
export interface From {
  readonly sequence: number
  readonly hash: Uint8Array | null
  /** First frame of a damaged range whose end is still to be found. */
  readonly gap: number | null
}

export interface Inspected {
  readonly items: readonly Item[]
  readonly gap: number | null
  /** The opener is gone, both copies: nobody can open this run any more. */
  readonly ruined: boolean
}

/** Our stream hash after `sequence`, from the rows; null when they do not prove it. */
export function hashAfter(suite: Suite, { frames }: Found, sequence: number): Uint8Array | null {
  const row = frames.find((frame) => frame.sequence === sequence)
  if (row !== undefined && provesItself(suite, row)) return row.hash
  const next = frames.find((frame) => frame.sequence === sequence + 1)
  return next !== undefined && provesItself(suite, next) ? next.before : null
}

const provesItself = (suite: Suite, { before, body, hash }: StoredFrame): boolean =>
  equalConstantTime(streamNext(suite, before, body), hash)

/** Checks what was found of `run` behind `from`. `start`: the run's h(-1). */
export function inspect(
  suite: Suite,
  start: Uint8Array,
  run: StoredRun,
  found: Found,
  from: From,
): Inspected {
  const { extent, through } = found
  const rows = new Map(found.frames.map((frame) => [frame.sequence, frame]))
  const items: Item[] = []
  let { hash, gap } = from
  let next = from.sequence + 1
  const lose = (first: number, last: number, reason: TombstoneReason, after: Uint8Array): void => {
    items.push({ is: 'gone', run: run.run, first, last, reason, before: null, hash: after })
  }
  if (next === 0) {
    const opener = openerOf(suite, start, run, found)
    if (opener === null) {
      lose(0, run.last, 'damaged', run.lastHash)
      return { items, gap: null, ruined: true }
    }
    items.push(opener)
    hash = opener.hash
    next = 1
  }
  if (gap === null && next < extent.first) {
    const row = rows.get(extent.first)
    const proven = row !== undefined && provesItself(suite, row) ? row.before : extent.firstHash
    hash = extent.first > run.last ? run.lastHash : proven
    lose(next, extent.first - 1, extent.dropped ?? 'forgotten', hash)
    next = extent.first
  }
  for (; next <= through; next += 1) {
    const row = rows.get(next)
    const after = next === run.last ? run.lastHash : (rows.get(next + 1)?.before ?? null)
    const whole = row === undefined ? null : wholeHash(suite, row, hash, after)
    if (row === undefined || whole === null) {
      gap ??= next
      hash = null
      continue
    }
    if (gap !== null) lose(gap, next - 1, 'damaged', row.before)
    const place = { run: run.run, first: next, last: next }
    items.push({ is: 'frame', ...place, before: hash ?? row.before, hash: whole, body: row.body })
    hash = whole
    gap = null
  }
  if (gap === null || through < run.last) return { items, gap, ruined: false }
  lose(gap, run.last, 'damaged', run.lastHash)
  return { items, gap: null, ruined: false }
}

/** The stream hash after a frame that is still as it was sealed; null when it is not. `hash`: ours
 * before it, if known; `after`: what its neighbour says. */
function wholeHash(
  suite: Suite,
  row: StoredFrame,
  hash: Uint8Array | null,
  after: Uint8Array | null,
): Uint8Array | null {
  if (provesItself(suite, row)) return row.hash
  if (hash === null) return null
  const made = streamNext(suite, hash, row.body)
  const fits =
    equalConstantTime(made, row.hash) || (after !== null && equalConstantTime(made, after))
  return fits ? made : null
}

/** The opener from its row or from its second copy, whichever is whole. */
function openerOf(suite: Suite, start: Uint8Array, run: StoredRun, found: Found): Item | null {
  const { frames, opener, extent } = found
  const [row, second] = [0, 1].map((n) => frames.find(({ sequence }) => sequence === n))
  const known = [
    row?.hash,
    opener?.hash,
    second?.before,
    run.last === 0 ? run.lastHash : undefined,
    run.acknowledged === 0 ? run.acknowledgedHash : undefined,
    extent.first === 1 ? extent.firstHash : undefined,
  ].filter((hash) => hash !== undefined)
  for (const body of [row?.body, opener?.body]) {
    if (body === undefined) continue
    const hash = streamNext(suite, start, body)
    if (!known.some((other) => equalConstantTime(other, hash))) continue
    return { is: 'frame', run: run.run, first: 0, last: 0, before: start, hash, body }
  }
  return null
}
