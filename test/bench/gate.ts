// The master's gate alone: every check of a frame, its key, its opening, its content and its stream
// hash, in memory on one core, against a program that only opens the same bytes, each likewise
// under a fresh key.

import { createDecipheriv, createSecretKey } from 'node:crypto'
import { judge } from '../../services/master/core/gate.ts'
import { emptyRoster, putDevice } from '../../services/master/core/roster.ts'
import type { DeviceState } from '../../services/master/core/state.ts'
import { install, putEpoch } from '../../services/master/core/streams.ts'
import { enterEpoch, seal } from '../../services/slave/core/capture/sealer.ts'
import { toHex } from '../../shared/bytes.ts'
import { ACTIVE_IMPORT_TOTAL } from '../../shared/meter/obis.ts'
import { type Reading, UNIT } from '../../shared/meter/reading.ts'
import { nodeRandom, nodeSuite as suite } from '../../shared/node/node-suite.ts'
import { encodeTree, leafAt, plantTree, runIv } from '../../shared/tves/tree.ts'
import { spanMs, unixMs } from '../../shared/units.ts'
import { decodeFrame } from '../../shared/wire/frame.ts'
import { paired, type Report, row } from './rows.ts'

/** Frames in one pass, one a second. */
const FRAMES = 2_000
const ORIGIN = unixMs(1_790_000_000_000)
const GATE = { suite, now: unixMs(ORIGIN + FRAMES * 1_000), timed: true, toleranceMs: 10_000 }
const TAG_BYTES = 16

const idBytes = nodeRandom(8)
const id = toHex(idBytes)
const transcript = nodeRandom(32)
const tree = plantTree(suite, nodeRandom(32))

/** A gateway's frame: this many meters, read in turn. */
function readingsAt(second: number, count: number): readonly Reading[] {
  return Array.from({ length: count }, (_, meter) => ({
    meter: `SN-${100_000 + meter}`,
    register: ACTIVE_IMPORT_TOTAL,
    value: 12_345_678 + second + meter,
    exponent: 0,
    unit: UNIT.Wh,
    source: 'live',
    meterTime: null,
    checked: true,
  }))
}

function sealedFrames(readings: number): readonly Uint8Array[] {
  const encoded = { id: 1, origin: ORIGIN, transcript, tree: encodeTree(tree) }
  let sealer = enterEpoch(idBytes, { ...encoded, state: 'committed' }, 0, null)
  const processId = nodeRandom(8)
  const bodies: Uint8Array[] = []
  for (let at = 0; at < FRAMES; at += 1) {
    const now = unixMs(ORIGIN + at * 1_000)
    const stamp = { agentTime: now, clockState: 'S', clockBound: spanMs(5), processMs: at } as const
    const sealed = seal(sealer, {
      suite,
      at: now,
      groups: [{ stamp, readings: readingsAt(at, readings) }],
      salt: nodeRandom(16),
      processId,
      processStart: ORIGIN,
      pad: false,
    })
    sealer = sealed.sealer
    bodies.push(...sealed.frames.map(({ body }) => body))
  }
  return bodies
}

/** The device as the master knows it before the first frame. */
function freshDevice(): DeviceState {
  const roster = emptyRoster()
  const nobody = { staticKey: null, psk: null, attempt: 0, revoked: false, historyFrom: null }
  putDevice(roster, { id, name: 'bench', ...nobody })
  const device = roster.devices.get(id)
  if (device === undefined) throw new Error('broken promise: the device was put above')
  putEpoch(device, { id: 1, origin: ORIGIN, transcript, closed: false, tree })
  return device
}

/** The same bodies with key, nonce and associated data at hand: only the opening is left. */
function bareParts(bodies: readonly Uint8Array[]) {
  let left = tree
  let iv: Uint8Array = new Uint8Array(12)
  const label = new TextEncoder().encode('TVES/1 frame')
  return bodies.map((body) => {
    const parts = decodeFrame(body)
    if (parts === null) throw new Error('broken promise: a frame we sealed is a frame')
    const { header, headerBytes, sealed } = parts
    if (header.salt !== null) iv = runIv(suite, tree.ivKey, header.run, header.salt)
    const leaf = leafAt(suite, left, header.second)
    if (leaf === null) throw new Error('broken promise: the tree is not past its next second')
    left = leaf.tree
    const nonce = Buffer.from(iv)
    nonce.writeUInt32BE((nonce.readUInt32BE(8) ^ header.sequence) >>> 0, 8)
    const aad = Buffer.concat([label, idBytes, transcript, headerBytes])
    return { key: leaf.key, nonce, aad, sealed }
  })
}

function frames(readings: number): readonly [number, number] {
  const bodies = sealedFrames(readings)
  const bare = bareParts(bodies)
  let device = freshDevice()
  let at = 0
  let bareAt = 0
  const [ours, reference] = paired(
    bodies.length,
    () => {
      if (at === 0) device = freshDevice()
      const verdict = judge({ ...GATE, device }, bodies[at] ?? new Uint8Array(0))
      if (!verdict.ok)
        throw new Error(`broken promise: our own frame was refused: ${verdict.fault}`)
      install(verdict.moved)
      at = (at + 1) % bodies.length
    },
    () => {
      const frame = bare[bareAt]
      if (frame === undefined) throw new Error('broken promise: one frame per call')
      bareAt = (bareAt + 1) % bare.length
      const { key, nonce, aad, sealed } = frame
      const object = createSecretKey(key)
      const decipher = createDecipheriv('aes-256-gcm', object, nonce, { authTagLength: TAG_BYTES })
      decipher.setAAD(aad)
      decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES))
      decipher.update(sealed.subarray(0, sealed.length - TAG_BYTES))
      decipher.final()
    },
  )
  return [1e6 / ours, 1e6 / reference]
}

export function run(report: Report): void {
  const of = 'node:crypto aes-256-gcm open of the same frames, createSecretKey per frame'
  report(row('gate.frames.1', frames(1), 'frames/s', of))
  report(row('gate.frames.64', frames(64), 'frames/s', of))
}
