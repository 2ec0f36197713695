// A new static key of the master while readings flow: nobody enrols again, nothing is lost
// (wire.md 5.2). A thousand devices: `npm run bench -- rotate`.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nodeRandom } from '../../shared/node/node-suite.ts'
import { rotateUnderLoad } from './key-rotation.ts'

const DEVICES = 50
const PATIENCE_MS = 120_000

/** A slave leaves its link for the new key after a random wait of up to a minute; here it is
 * seconds. */
const hurried = (length: number): Uint8Array => {
  const bytes = nodeRandom(length)
  if (length === 2) bytes[0] = (bytes[0] ?? 0) >> 4
  return bytes
}

test('all slaves go over to a new static key, and the old one is destroyed (wire.md 5.2)', async (t) => {
  const plan = { devices: DEVICES, everyMs: 500, patienceMs: PATIENCE_MS, random: hurried }
  const outcome = await rotateUnderLoad(plan, (line) => t.diagnostic(line))
  t.after(() => outcome.fleet.close())
  assert.equal(outcome.fleet.keys.staticKeys.length, 1, 'the old key is gone')
  assert.deepEqual(outcome.stored, { rows: outcome.taken, distinct: outcome.taken, lost: 0 })
  assert.ok(outcome.taken > DEVICES * 4, `${outcome.taken} readings`)
  const moves = [...outcome.fleet.slaves.values()].map((slave) => slave.moves)
  assert.deepEqual(
    moves,
    Array.from({ length: DEVICES }, () => 1),
  )
  const { rows } = await outcome.fleet.postgres.owner.query(
    'select distinct master_key from devices',
  )
  assert.equal(rows.length, 1)
})
