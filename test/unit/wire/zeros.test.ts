// Epochs and runs count from 1 (wire.md 6): 0 means "none" where the text says so, and nothing
// anywhere else.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ControlMessage, decodeControl, encodeControl } from '../../../shared/wire/control.ts'
import { decodeFrame, encodeHeader } from '../../../shared/wire/frame.ts'
import { second } from '../../../shared/units.ts'

const HASH = new Uint8Array(32).fill(3)
const NOTHING = new Uint8Array(32)

const read = (message: ControlMessage): boolean => decodeControl(encodeControl(message)) !== null

test('a frame of epoch 0 or run 0 is malformed', () => {
  const header = { opener: false, second: second(9), sequence: 1, count: 1, salt: null }
  const body = (epoch: number, run: number): Uint8Array =>
    Uint8Array.of(...encodeHeader({ ...header, epoch, run }), ...new Uint8Array(20))
  assert.notEqual(decodeFrame(body(1, 1)), null)
  assert.equal(decodeFrame(body(0, 1)), null)
  assert.equal(decodeFrame(body(1, 0)), null)
})

test('CONFIRM and DRAINED: run 0 goes with sequence and hash 0; no epoch is 0', () => {
  const said = (epoch: number, run: number, sequence: number, hash: Uint8Array) => {
    const entry = { epoch, run, sequence, hash }
    const confirm = read({ is: 'confirm', epoch: 0, runs: [entry] })
    assert.equal(read({ is: 'drained', ...entry }), confirm)
    return confirm
  }
  assert.equal(said(5, 1, 7, HASH), true)
  assert.equal(said(5, 0, 0, NOTHING), true)
  assert.equal(said(5, 0, 5, NOTHING), false)
  assert.equal(said(5, 0, 0, HASH), false)
  assert.equal(said(0, 1, 7, HASH), false)
})

test('ACKNOWLEDGE, TOMBSTONE and SKIP name an epoch and a run', () => {
  for (const [epoch, run, sound] of [
    [5, 1, true],
    [5, 0, false],
    [0, 1, false],
  ] as const) {
    const place = { epoch, run }
    const tombstone = { ...place, first: 1, last: 2, reason: 'damaged', hash: HASH } as const
    assert.equal(read({ is: 'acknowledge', ...place, sequence: 1, hash: HASH }), sound)
    assert.equal(read({ is: 'tombstone', ...tombstone }), sound)
    assert.equal(read({ is: 'skip', ...place, sequence: 1, bodyHash: HASH }), sound)
  }
})
