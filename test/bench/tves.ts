// What TVES costs on top of the bare cipher.

import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto'
import { obisOf } from '../../shared/meter/obis.ts'
import { type Reading, UNIT } from '../../shared/meter/reading.ts'
import { nodeRandom, nodeSuite as suite } from '../../shared/node/node-suite.ts'
import { openFrame, sealFrame } from '../../shared/tves/seal.ts'
import { Writer } from '../../shared/bytes.ts'
import { nobleSuite } from '../../shared/tves/noble-suite.ts'
import type { Suite } from '../../shared/tves/suite.ts'
import { decodeTree, encodeTree, leafAt, plantTree, puncture } from '../../shared/tves/tree.ts'
import { second, spanMs, startOfSecond, unixMs } from '../../shared/units.ts'
import { compactBody } from '../../shared/wire/compact.ts'
import { encodeReadings } from '../../shared/wire/content.ts'
import { decodeFrame, type FrameHeader } from '../../shared/wire/frame.ts'
import { headOf, NO_PREVIOUS_RUN } from '../../shared/wire/opener.ts'
import { lengthPrefixed } from '../../shared/wire/transport.ts'
import { libcryptoSealOpen } from './libcrypto.ts'
import { connections } from './peers.ts'
import { median, paired, type Report, row } from './rows.ts'

const TAG = { authTagLength: 16 }

const device = nodeRandom(8)
const transcript = nodeRandom(32)
const iv = nodeRandom(12)
const aad = nodeRandom(72)

/** Seals and opens as a plain Node program would: cached key, same associated data length. */
function bareSealOpen(key: KeyObject, plaintext: Uint8Array): void {
  const cipher = createCipheriv('aes-256-gcm', key, iv, TAG)
  cipher.setAAD(aad)
  const sealed = cipher.update(plaintext)
  cipher.final()
  bareOpen(key, sealed, cipher.getAuthTag())
}

function bareOpen(key: KeyObject, sealed: Uint8Array, tag: Uint8Array): void {
  const decipher = createDecipheriv('aes-256-gcm', key, iv, TAG)
  decipher.setAAD(aad)
  decipher.setAuthTag(tag)
  decipher.update(sealed)
  decipher.final()
}

const headerOf = (index: number): FrameHeader => ({
  opener: false,
  epoch: 1,
  run: 1,
  second: second(index),
  sequence: index + 1,
  count: 1,
  salt: null,
})

function openBody(key: Parameters<typeof openFrame>[1]['key'], body: Uint8Array): void {
  const parts = decodeFrame(body)
  if (parts === null) throw new Error('broken promise: a frame we sealed is a frame')
  const { header, headerBytes, sealed } = parts
  const known = { key, iv, device, transcript, headerBytes, sequence: header.sequence }
  if (openFrame(suite, { ...known, sealed }) === null) {
    throw new Error('broken promise: a frame we sealed opens')
  }
}

/** Megabytes per second of sealing and opening 16 KiB, ours and libcrypto's, in turns. */
function againstLibcrypto(): readonly [number, number] | null {
  const bytes = 16_384
  const ours: number[] = []
  const theirs: number[] = []
  for (let turn = 0; turn < 3; turn += 1) {
    const limit = libcryptoSealOpen(bytes)
    if (limit === null) return null
    theirs.push(limit / 1e6)
    ours.push(bytes / sealOpen(bytes, 2_000)[0])
  }
  return [median(ours), median(theirs)]
}

function sealOpen(bytes: number, calls: number): readonly [number, number] {
  const raw = nodeRandom(32)
  const key = suite.aead(raw)
  const bare = createSecretKey(raw)
  const plaintext = nodeRandom(bytes)
  const header = headerOf(7)
  return paired(
    calls,
    () => openBody(key, sealFrame(suite, { key, iv, device, transcript, header, plaintext })),
    () => bareSealOpen(bare, plaintext),
  )
}

/** The master's path: a frame for each second, derived and opened, against a bare open whose key is
 * likewise new each time. */
function freshKey(step: number): readonly [number, number] {
  const frames = 2_000
  const plaintext = nodeRandom(96)
  const planted = plantTree(suite, nodeRandom(32))
  const bodies: Uint8Array[] = []
  let tree = planted
  for (let i = 0; i < frames; i += 1) {
    const leaf = leafAt(suite, tree, second(i * step))
    if (leaf === null) throw new Error('broken promise: the tree is not past its next second')
    tree = leaf.tree
    const header = headerOf(i * step)
    const context = { key: leaf.key, iv, device, transcript, header, plaintext }
    bodies.push(sealFrame(suite, context))
  }
  const rawKeys = bodies.map(() => nodeRandom(32))
  const bare = rawKeys.map((raw) => {
    const each = createCipheriv('aes-256-gcm', createSecretKey(raw), iv, TAG)
    each.setAAD(aad)
    const sealed = each.update(plaintext)
    each.final()
    return { sealed, tag: each.getAuthTag() }
  })
  let at = 0
  let bareAt = 0
  return paired(
    frames * 8,
    () => {
      if (at % frames === 0) tree = planted
      const body = bodies[at % frames]
      const leaf = leafAt(suite, tree, second((at % frames) * step))
      at += 1
      if (body === undefined || leaf === null) throw new Error('broken promise: one body per call')
      openBody(leaf.key, body)
      tree = puncture(suite, leaf.tree, second(leaf.tree.next + 1))
    },
    () => {
      const raw = rawKeys[bareAt % frames]
      const frame = bare[bareAt % frames]
      bareAt += 1
      if (raw === undefined || frame === undefined) throw new Error('broken promise: one per call')
      bareOpen(createSecretKey(raw), frame.sealed, frame.tag)
    },
  )
}

/** The same path on the portable provider, against ours. */
function portable(): readonly [number, number] {
  const noble = nobleSuite(suite)
  const plaintext = nodeRandom(96)
  const planted = plantTree(suite, nodeRandom(32))
  const leaf = leafAt(suite, planted, second(0))
  if (leaf === null) throw new Error('broken promise: a new tree has its first second')
  const header = headerOf(0)
  const body = sealFrame(suite, { key: leaf.key, iv, device, transcript, header, plaintext })
  const parts = decodeFrame(body)
  if (parts === null) throw new Error('broken promise: a frame we sealed is a frame')
  const { headerBytes, sealed } = parts
  const openBy = (by: Suite) => (): void => {
    const { key } = leafAt(by, leaf.tree, second(0)) ?? leaf
    const frame = { key, iv, device, transcript, headerBytes, sequence: header.sequence, sealed }
    if (openFrame(by, frame) === null) throw new Error('broken promise: a frame we sealed opens')
  }
  return paired(500, openBy(noble), openBy(suite))
}

const MONTH_SECONDS = 30 * 86_400

/** After 30 days: microseconds until the first frame is sealed, from the tree as it was stored; and
 * bytes of the tree as it is stored then. */
function afterMonth(): { readonly us: number; readonly bytes: number } {
  const planted = plantTree(suite, nodeRandom(32))
  const plaintext = nodeRandom(45)
  const times: number[] = []
  const bytes: number[] = []
  for (let turn = 0; turn < 2_000; turn += 1) {
    const slept = 1_000_000 + turn * 7
    const stored = encodeTree(puncture(suite, planted, second(slept)))
    const woke = second(slept + MONTH_SECONDS + turn)
    const from = process.hrtime.bigint()
    const tree = decodeTree(stored)
    const leaf = tree === null ? null : leafAt(suite, tree, woke)
    if (leaf === null) throw new Error('broken promise: a stored tree has later seconds')
    const header = { ...headerOf(woke), sequence: 1 }
    sealFrame(suite, { key: leaf.key, iv, device, transcript, header, plaintext })
    times.push(Number(process.hrtime.bigint() - from) / 1_000)
    bytes.push(encodeTree(puncture(suite, leaf.tree, second(woke + 1))).length)
  }
  return { us: median(times), bytes: Math.max(...bytes) }
}

const reading: Reading = {
  meter: 'SN-00112233',
  register: obisOf([1, 0, 1, 8, 0, 255]),
  value: 12_345_678,
  exponent: 0,
  unit: UNIT.Wh,
  source: 'live',
  meterTime: null,
  checked: true,
}

const ORIGIN = unixMs(1_790_000_000_000)
const AT = headerOf(7)

/** Bytes on TCP of one frame with these readings, after another of the same kind on its link, in a
 * run whose opener has their heads. */
function wireBytes(readings: readonly Reading[]): number {
  const begins = startOfSecond(ORIGIN, AT.second)
  const agentTime = unixMs(begins + 500)
  const processMs = 86_400_000
  const stamp = { agentTime, clockState: 'S', clockBound: spanMs(12), processMs } as const
  const { plaintext } = encodeReadings([{ stamp, readings }], {
    begins,
    opener: {
      kind: 'opener',
      processId: nodeRandom(8),
      previous: NO_PREVIOUS_RUN,
      processStart: unixMs(agentTime - processMs),
      heads: readings.map(headOf),
    },
  })
  const header = { ...AT, count: readings.length }
  const before = { ...headerOf(6), count: readings.length }
  const body = sealFrame(suite, { key: nodeRandom(32), iv, device, transcript, header, plaintext })
  return lengthPrefixed(compactBody(before, body)).length
}

/** Bytes of the values alone, as numbers of variable length. */
function valueBytes(readings: readonly Reading[]): number {
  const writer = new Writer()
  for (const { value } of readings) writer.svarint(value)
  return writer.length
}

const repeated = (make: (index: number) => Reading): readonly Reading[] =>
  Array.from({ length: 32 }, (_, index) => make(index))

export async function run(report: Report): Promise<void> {
  const cached = 'node:crypto aes-256-gcm, cached KeyObject, same sizes'
  const fresh = 'node:crypto aes-256-gcm open, createSecretKey per frame, same sizes'
  const limit = againstLibcrypto()
  if (limit === null) console.error('openssl not found: tves.sealopen.16k skipped')
  else report(row('tves.sealopen.16k', limit, 'MB/s', 'libcrypto, by openssl speed'))
  report(row('tves.sealopen.16k.node', sealOpen(16_384, 2_000), 'us', cached))
  report(row('tves.sealopen.single', sealOpen(45, 8_000), 'us', cached))
  report(row('tves.master.freshkey', freshKey(1), 'us', fresh))
  report(row('tves.master.sparse900', freshKey(900), 'us', fresh))
  report(row('tves.noble.open', portable(), 'us', 'the same on node:crypto'))
  const month = afterMonth()
  report(row('tves.wake30d.us', [month.us, 150], 'us', 'limit of the design'))
  report(row('tves.state.bytes', [month.bytes, 1_229], 'bytes', 'limit of the design'))
  await connections(report)
  // References are goals.
  const goal = 'goal of the design'
  const single = wireBytes([reading])
  report(row('tves.frame.single.bytes', [single, 48], 'bytes', goal))
  const profile = repeated((i) => ({
    ...reading,
    source: 'profile',
    value: reading.value + 250 * i,
    meterTime: unixMs(ORIGIN + 900_000 * i),
  }))
  const cycle = repeated((i) => ({ ...reading, register: obisOf([1, 0, i, 8, 0, 255]) }))
  const further = (readings: readonly Reading[]) => (wireBytes(readings) - single) / 31
  const unit = 'bytes per further reading'
  report(row('tves.frame.profile.bytes', [further(profile), 5], unit, goal))
  report(row('tves.frame.cycle.bytes', [further(cycle), 5], unit, goal))
  const overhead = (wireBytes(cycle) - valueBytes(cycle)) / cycle.length
  report(row('tves.batch32.overhead.bytes', [overhead, 1], 'bytes per reading', goal))
}
