// Flips every bit of random frames, one at a time, at the master's gate: each such frame is refused
// and the device's state does not move; then the true frame is taken.

import assert from 'node:assert/strict'
import { judge } from '../../services/master/core/gate.ts'
import { emptyRoster, putDevice } from '../../services/master/core/roster.ts'
import type { DeviceState, EpochState } from '../../services/master/core/state.ts'
import { install, putEpoch } from '../../services/master/core/streams.ts'
import { toHex } from '../../shared/bytes.ts'
import { nodeSuite as suite } from '../../shared/node/node-suite.ts'
import { sealFrame } from '../../shared/tves/seal.ts'
import { encodeTree, leafAt, plantTree, runIv } from '../../shared/tves/tree.ts'
import { second, unixMs } from '../../shared/units.ts'
import { type Chance, chanceOf } from '../sim/prng.ts'

export interface Flips {
  readonly frames: number
  readonly flips: number
  /** How many each check refused. */
  readonly refused: ReadonlyMap<string, number>
  readonly ms: number
}

const ORIGIN = unixMs(1_790_000_000_000)
const EPOCH = 0x1234_5678
/** Frames in a run; a new run with its opener follows. */
const RUN_FRAMES = 8
const PLAINTEXT_BYTES_MAX = 160

function freshDevice(chance: Chance): { readonly device: DeviceState; readonly epoch: EpochState } {
  const roster = emptyRoster()
  const id = toHex(chance.bytes(8))
  const nobody = { staticKey: null, psk: null, attempt: 0, revoked: false, historyFrom: null }
  putDevice(roster, { id, name: 'flips', ...nobody })
  const device = roster.devices.get(id)
  assert.ok(device !== undefined)
  const tree = plantTree(suite, chance.bytes(32))
  putEpoch(device, { id: EPOCH, origin: ORIGIN, transcript: chance.bytes(32), closed: false, tree })
  const epoch = device.epochs.get(EPOCH)
  assert.ok(epoch !== undefined)
  return { device, epoch }
}

const NONE = new Uint8Array(0)

/** Everything of the device that a frame can move, down to the bytes of its keys. */
const digest = (device: DeviceState): string =>
  [...device.epochs.values()]
    .map(({ tree, durableTree, leaf, lastSecond, durableSecond, run, durableRun, closed }) =>
      [
        ...[tree, durableTree].map((each) => toHex(encodeTree(each))),
        ...[run, durableRun].map((each) =>
          each === null
            ? ''
            : [each.run, each.next, toHex(each.hash), toHex(each.iv ?? NONE)].join(),
        ),
        [leaf?.second, lastSecond, durableSecond, closed, device.waiting.length].join(),
      ].join(' '),
    )
    .join('\n')

/** A frame that the gate would take now: an opener, or a frame of so many readings (not of true
 * content: what is inside is looked at after the gate). */
function nextFrame(chance: Chance, device: DeviceState, epoch: EpochState, at: number): Uint8Array {
  const opener = at % RUN_FRAMES === 0
  const run = opener ? (epoch.run?.run ?? 0) + 1 : (epoch.run?.run ?? 0)
  const salt = opener ? chance.bytes(16) : null
  const iv = salt === null ? epoch.run?.iv : runIv(suite, epoch.tree.ivKey, run, salt)
  assert.ok(iv !== undefined && iv !== null)
  // Mostly the next second, at times the same one or a jump.
  const step = chance.happens(0.1) ? chance.below(1_000) : chance.below(2)
  const when = second(epoch.lastSecond + step)
  const leaf = leafAt(suite, epoch.tree, when)
  assert.ok(leaf !== null)
  return sealFrame(suite, {
    key: leaf.key,
    iv,
    device: device.idBytes,
    transcript: epoch.transcript,
    header: {
      opener,
      epoch: EPOCH,
      run,
      second: when,
      sequence: opener ? 0 : (epoch.run?.next ?? 0),
      count: opener ? 0 : chance.below(40),
      salt,
    },
    plaintext: chance.bytes(chance.below(PLAINTEXT_BYTES_MAX)),
  })
}

export function flipFrames({ frames, seed }: { frames: number; seed: number }): Flips {
  const chance = chanceOf(seed, 'flips')
  const { device, epoch } = freshDevice(chance)
  const refused = new Map<string, number>()
  const began = performance.now()
  let flips = 0
  for (let at = 0; at < frames; at += 1) {
    const body = nextFrame(chance, device, epoch, at)
    const now = unixMs(ORIGIN + epoch.lastSecond * 1_000 + 1_000_000)
    const context = { suite, device, now, timed: true, toleranceMs: 10_000 }
    const before = { ...epoch }
    const deep = digest(device)
    for (let bit = 0; bit < body.length * 8; bit += 1) {
      const flipped = body.slice()
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      const verdict = judge(context, flipped)
      assert.ok(!verdict.ok, `frame ${at}, bit ${bit} is taken: ${toHex(body)}`)
      // The same objects in the same places; what is inside them is compared below.
      assert.ok(
        epoch.tree === before.tree && epoch.leaf === before.leaf && epoch.run === before.run,
        `frame ${at}, bit ${bit} moved the gate`,
      )
      refused.set(verdict.fault, (refused.get(verdict.fault) ?? 0) + 1)
      flips += 1
    }
    assert.equal(digest(device), deep, `frame ${at} moved the device's state`)
    const verdict = judge(context, body)
    assert.ok(verdict.ok, `frame ${at} itself is taken`)
    install(verdict.moved)
    assert.notEqual(digest(device), deep, 'a frame that is taken moves it')
  }
  return { frames, flips, refused, ms: performance.now() - began }
}
