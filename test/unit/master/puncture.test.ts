// The keys that the master keeps must not open what is already durable, even while it is busy.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emptyRoster, putDevice } from '../../../services/master/core/roster.ts'
import { fallBackAll, nowDurable, putEpoch } from '../../../services/master/core/streams.ts'
import { nodeRandom, nodeSuite } from '../../../shared/node/node-suite.ts'
import type { AcceptedFrame } from '../../../shared/handover/sink.ts'
import { leafAt, plantTree } from '../../../shared/tves/tree.ts'
import { second, unixMs } from '../../../shared/units.ts'

const DEVICE = '00112233aabbccdd'

const frame = (sequence: number, at: number): AcceptedFrame => ({
  position: {
    device: DEVICE,
    epoch: 5,
    run: 1,
    sequence,
    second: second(at),
    hash: new Uint8Array(32),
    salt: new Uint8Array(16),
    opener: null,
  },
  receivedAt: unixMs(0),
  sealedAt: unixMs(0),
  latest: unixMs(0),
  late: false,
  content: { kind: 'opener', process: '00'.repeat(8) },
})

test('a durable batch is punctured although the next one fails (simulation, seed 2)', () => {
  const roster = emptyRoster()
  const keys = { staticKey: null, psk: null, attempt: 0, revoked: false, historyFrom: null }
  putDevice(roster, { id: DEVICE, name: 'attic', ...keys })
  const device = roster.devices.get(DEVICE)
  assert.ok(device !== undefined)
  const tree = plantTree(nodeSuite, nodeRandom(32))
  const origin = unixMs(0)
  putEpoch(device, { id: 5, origin, transcript: nodeRandom(32), closed: false, tree })
  device.waiting.push(frame(2, 900))
  nowDurable(nodeSuite, device, [frame(0, 700), frame(1, 800)])
  fallBackAll(device)
  const kept = device.epochs.get(5)?.durableTree
  assert.ok(kept !== undefined)
  assert.equal(leafAt(nodeSuite, kept, second(799)), null)
  assert.notEqual(leafAt(nodeSuite, kept, second(800)), null, 'more frames of its second may come')
})
