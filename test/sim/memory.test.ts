// The rule of forward secrecy is able to fail for memory as well: a thief is given an image that
// holds what it should not.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { enterEpoch, seal } from '../../services/slave/core/capture/sealer.ts'
import type { StoredFrame } from '../../services/slave/core/state/stored.ts'
import { nodeSuite } from '../../shared/node/node-suite.ts'
import { encodeTree, leafAt, plantTree } from '../../shared/tves/tree.ts'
import { second, spanMs, unixMs } from '../../shared/units.ts'
import { Disk } from './disk.ts'
import { DEVICE, interval } from './forgeries.ts'
import { Broken } from './hold.ts'
import { bytesIn } from './memory.ts'
import { Thief } from './thief.ts'

const ORIGIN = unixMs(Date.UTC(2027, 0, 15, 8))

const breaks = (rule: string, forge: () => void): void =>
  assert.throws(forge, (error) => error instanceof Broken && error.message.startsWith(`${rule}:`))

test('forward secrecy: a node above a spent key, a leaf, or an older tree in a memory image', () => {
  const planted = plantTree(nodeSuite, new Uint8Array(32).fill(3))
  const device = Uint8Array.fromHex(DEVICE)
  const facts = {
    id: 7,
    origin: ORIGIN,
    transcript: new Uint8Array(32),
    state: 'committed',
  } as const
  const epoch = { ...facts, tree: encodeTree(planted) }
  const thief = new Thief(() => undefined)
  thief.planted(DEVICE, epoch)
  let sealer = enterEpoch(device, epoch, 0, null)
  const frames: StoredFrame[] = []
  for (const at of [0, 1, 2]) {
    const now = unixMs(ORIGIN + at * 1_000)
    const stamp = { agentTime: now, clockState: 'S', clockBound: spanMs(5), processMs: at } as const
    const sealed = seal(sealer, {
      suite: nodeSuite,
      at: now,
      groups: [{ stamp, readings: [interval(at)] }],
      salt: new Uint8Array(16).fill(1),
      processId: new Uint8Array(8),
      processStart: ORIGIN,
      pad: false,
    })
    sealer = sealed.sealer
    frames.push(...sealed.frames)
  }
  const disk = { ...new Disk(10).load(), epochs: [epoch] }
  thief.stored(DEVICE, disk, frames, () => false)
  const rest = [...bytesIn(sealer), encodeTree(sealer.tree)]
  thief.stealSlaveMemory(DEVICE, rest)
  const steal = (bytes: Uint8Array) => () => thief.stealSlaveMemory(DEVICE, [...rest, bytes])
  breaks('forward secrecy', steal(planted.nodes[0]?.key ?? device))
  breaks('forward secrecy', steal(epoch.tree))
  const leaf = leafAt(nodeSuite, planted, second(1))
  breaks('forward secrecy', steal(leaf?.key ?? device))
  thief.acknowledged({ device: DEVICE, epoch: 7, second: second(2) })
  thief.stealMasterMemory(rest, new Set())
  breaks('forward secrecy', () => thief.stealMasterMemory([epoch.tree], new Set()))
  thief.stealMasterMemory([epoch.tree], new Set([DEVICE]))
  assert.ok(thief.shut > 0)
})
