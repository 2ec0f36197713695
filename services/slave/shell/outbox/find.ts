// Reading frames back, also from a disk that does not give back all of them.

import { assert } from '../../../../shared/assert.ts'
import type { FetchQuery, Found, StoredFrame } from '../../core/state/stored.ts'
import { faultOfSqlite } from './files.ts'
import { bytesOf, numberOf, readFrame, readExtent, type Row } from './rows.ts'
import type { Statements } from './statements.ts'

/** What the outbox holds of one run behind `sequence`, in order and within the limits, at least one
 * frame if there is one. */
export function findFrames(statements: Statements, query: FetchQuery): Found {
  const { epoch, run, sequence, last, framesMax, bytesMax } = query
  const row = statements.run.get(run)
  assert(row !== undefined, 'frames are asked of a run that is stored')
  const extent = readExtent(row)
  const opener = sequence < 0 ? orNothing(() => openerOf(statements, run)) : null
  const frames: StoredFrame[] = []
  let rows = 0
  let bytes = 0
  let at = sequence
  try {
    for (const found of statements.framesAfter.iterate(run, sequence, last, framesMax)) {
      rows += 1
      const number = numberOf(found, 'sequence')
      const frame = orNothing(() => readFrame(found, epoch))
      bytes += frame?.body.length ?? 0
      if (frames.length > 0 && bytes > bytesMax) {
        return { extent, opener, frames, through: number - 1 }
      }
      if (frame !== null) frames.push(frame)
      at = number
    }
  } catch (error) {
    if (faultOfSqlite(error, '').fault !== 'OPS-16') throw error
    // The way from row to row is broken: each one is looked for by itself.
    const through = Math.min(last, at + framesMax)
    for (at += 1; at <= through; at += 1) {
      const frame = orNothing(() => frameAt(statements, query, at))
      if (frame !== null) frames.push(frame)
    }
    return { extent, opener, frames, through }
  }
  return { extent, opener, frames, through: rows === framesMax ? at : last }
}

function frameAt(
  statements: Statements,
  { run, epoch }: FetchQuery,
  sequence: number,
): StoredFrame | null {
  const row = statements.frameAt.get(run, sequence)
  return row === undefined ? null : readFrame(row, epoch)
}

function openerOf(statements: Statements, run: number): Found['opener'] {
  const row: Row = statements.openerOf.get(run) ?? {}
  return { hash: bytesOf(row, 'hash'), body: bytesOf(row, 'body') }
}

/** Null where the disk does not give back what it was given. */
function orNothing<Value>(read: () => Value): Value | null {
  try {
    return read()
  } catch (error) {
    if (faultOfSqlite(error, '').fault !== 'OPS-16') throw error
    return null
  }
}
