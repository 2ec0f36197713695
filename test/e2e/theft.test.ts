// A thief of the database, its log and a backup opens nothing. With the key folder as it is after a
// rotation the thief opens what was not yet acknowledged then and what follows, but nothing older
// (threat-model.md).

import assert from 'node:assert/strict'
import { cpSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import type { StoredFrame } from '../../services/slave/core/state/stored.ts'
import type { SecretPlace } from '../../shared/handover/roster.ts'
import { nodeSuite } from '../../shared/node/node-suite.ts'
import { decodeToken, tokenPsk } from '../../shared/tves/token.ts'
import { decodeTree, type KeyTree, leafAt } from '../../shared/tves/tree.ts'
import { second } from '../../shared/units.ts'
import { decodeFrame } from '../../shared/wire/frame.ts'
import { KeyFleet } from './key-fleet.ts'
import type { LightSlave } from './light-slave.ts'
import {
  type Blob,
  loot,
  openBlob,
  opens,
  type Recorded,
  secretsIn,
  treeKeysIn,
  wrappedTrees,
} from './thief.ts'

const DEVICES = 3
const EVERY_MS = 250
const PHASE_MS = 3_000
const PATIENCE_MS = 30_000
const DAY_S = 86_400
const KEY_BYTES = 32

interface Frame extends StoredFrame {
  readonly name: string
}

/** What the thief saw on the line, and every secret that ever existed, for the scan. */
class Witness {
  readonly frames: Frame[] = []
  readonly secrets = new Map<string, Uint8Array>()
  /** Rows that trees were wrapped for: the thief reads device and epoch beside them. */
  readonly places = new Map<string, SecretPlace>()

  learn(name: string, secret: Uint8Array): void {
    this.secrets.set(`${name} ${this.secrets.size}`, secret)
  }

  learnTree(who: string, encoded: Uint8Array): void {
    const tree = decodeTree(encoded)
    assert.ok(tree !== null)
    this.learn(`iv key of the ${who}`, tree.ivKey)
    for (const { key } of tree.nodes) this.learn(`node of the ${who}`, key)
  }

  learnFolder(folder: string): void {
    for (const name of readdirSync(folder)) {
      const bytes = new Uint8Array(readFileSync(join(folder, name)))
      this.learn(name, name.startsWith('trees-') ? bytes.slice(4) : bytes)
    }
  }
}

async function until(what: string, is: () => boolean): Promise<void> {
  const end = performance.now() + PATIENCE_MS
  while (!is()) {
    assert.ok(performance.now() < end, what)
    await wait(50)
  }
}

/** Waits until everything taken by now is acknowledged; returns the last second of each epoch. */
async function acknowledged(fleet: KeyFleet): Promise<Map<number, number>> {
  await fleet.drain(PATIENCE_MS)
  const { rows } = await fleet.postgres.owner.query<{ epoch: number; second: number }>(
    'select epoch, max(second) as second from stream_positions group by epoch',
  )
  for (const slave of fleet.slaves.values()) slave.reads = true
  return new Map(rows.map((row) => [row.epoch, row.second]))
}

function recorded(slaves: ReadonlyMap<string, LightSlave>, frames: readonly Frame[], frame: Frame) {
  const stored = slaves.get(frame.name)?.disk.load()
  const epoch = stored?.epochs.find(({ id }) => id === frame.epoch)
  const opener = frames.find((each) => each.name === frame.name && each.run === frame.run)
  const salt = opener === undefined ? null : (decodeFrame(opener.body)?.header.salt ?? null)
  const device = stored?.identity?.device ?? null
  assert.ok(epoch !== undefined && salt !== null && device !== null)
  return { device, transcript: epoch.transcript, body: frame.body, salt } satisfies Recorded
}

interface Haul {
  readonly blobs: readonly Blob[]
  readonly places: readonly SecretPlace[]
}

const treesOf = ({ blobs, places }: Haul, folder: string): readonly KeyTree[] => {
  const keys = treeKeysIn(folder)
  return blobs.flatMap((blob) => openBlob(blob, keys, places) ?? [])
}

test('stolen: database, log and backup; then the keys as they are after a rotation, too', async (t) => {
  const fleet = await KeyFleet.open()
  t.after(() => fleet.close())
  const witness = new Witness()
  const { postgres, trees, keyFolder } = fleet
  const wrap = trees.wrap.bind(trees)
  trees.wrap = (tree, place) => {
    witness.learnTree('master', tree)
    witness.places.set(JSON.stringify(place), place)
    return wrap(tree, place)
  }
  const { tokens } = await fleet.enrol(DEVICES)
  for (const token of tokens.values()) {
    const secret = decodeToken(token)?.secret.reveal()
    assert.ok(secret !== undefined)
    witness.learn('token secret', secret)
    witness.learn("token's psk", tokenPsk(nodeSuite, secret))
  }
  const onFrames = (name: string, frames: readonly StoredFrame[]): void => {
    witness.frames.push(...frames.map((frame) => ({ ...frame, name })))
    for (const { tree } of fleet.slaves.get(name)?.disk.load().epochs ?? []) {
      witness.learnTree('slave', tree)
    }
  }
  await fleet.startSlaves(tokens, { everyMs: EVERY_MS, onFrames })
  await until('all are read', () => fleet.count(({ taken }) => taken > 0) === DEVICES)
  for (const { disk } of fleet.slaves.values()) {
    const psk = disk.load().identity?.psk
    assert.ok(psk)
    witness.learn('psk', psk)
  }
  witness.learnFolder(keyFolder)

  // An hour before the theft: a backup, and the key folder as it was then (which no thief has).
  await wait(PHASE_MS)
  await fleet.master.rotateTrees()
  await wait(PHASE_MS)
  const backup = join(fleet.folder, 'backup')
  cpSync(postgres.folder, backup, { recursive: true, filter: (path) => !/socket/.test(path) })
  const keysBefore = join(fleet.folder, 'keys-before')
  cpSync(keyFolder, keysBefore, { recursive: true })
  witness.learnFolder(keyFolder)

  const through = await acknowledged(fleet)
  const isOld = (frame: Frame): boolean => frame.second < (through.get(frame.epoch) ?? 0)
  const old = witness.frames.filter(isOld)
  const sameSecond = witness.frames.filter((f) => f.second === through.get(f.epoch))
  await fleet.master.rotateTrees()
  witness.learnFolder(keyFolder)

  // The cable is pulled: what is read now is never acknowledged. Then the thief comes.
  await wait(1_100)
  for (const slave of fleet.slaves.values()) slave.disconnect()
  const before = witness.frames.length
  await wait(PHASE_MS)
  await postgres.owner.query('checkpoint')
  const files = [...loot(postgres.folder), ...loot(backup)]
  const waiting = witness.frames.slice(before)
  assert.ok(old.length > 20 && waiting.length > 20, `${old.length} old, ${waiting.length} waiting`)

  const bytes = files.reduce((sum, file) => sum + file.length, 0)
  t.diagnostic(`${files.length} files, ${bytes} bytes, ${witness.secrets.size} secrets`)
  assert.deepEqual(secretsIn(files, witness.secrets), [], 'no secret is there in clear')
  const control = [...files, Buffer.from([...witness.secrets.values()].at(-1) ?? [])]
  assert.equal(secretsIn(control, witness.secrets).length > 0, true, 'the scan finds what is there')

  const blobs = wrappedTrees(files)
  const ids = new Set(blobs.map(({ id }) => id))
  t.diagnostic(`${blobs.length} wrapped trees found, of keys ${[...ids].join(' ')}`)
  assert.ok(
    [1, 2, 3].every((id) => ids.has(id)),
    'rows from before both rotations are found',
  )
  const haul = { blobs, places: [...witness.places.values()] }
  assert.deepEqual(await withoutKeys(fleet, haul), 0, 'without a key nothing opens')

  const open = (frames: readonly Frame[], folder: string): number => {
    const stolen = treesOf(haul, folder)
    return frames.filter((frame) => opens(stolen, recorded(fleet.slaves, witness.frames, frame)))
      .length
  }
  assert.equal(open(old, keyFolder), 0, 'what was acknowledged before the rotation stays closed')
  assert.equal(open(waiting, keyFolder), waiting.length, 'what waits opens, as documented')
  t.diagnostic(
    `with the keys of now: 0 of ${old.length} old, ${open(sameSecond, keyFolder)} of ` +
      `${sameSecond.length} of the last acknowledged second, all ${waiting.length} that wait`,
  )
  // The destroyed key would have opened what was acknowledged after it was made.
  const would = open(old, keysBefore)
  t.diagnostic(`with the key that was destroyed: ${would} of ${old.length} old`)
  assert.ok(would > 10, 'the test can see an old frame open')
  futureOpens(fleet, treesOf(haul, keyFolder))
})

/** How many trees open when every 32-byte value in the database is tried as a key, and every key
 * in the folder except those of the trees. */
async function withoutKeys(
  { postgres, keyFolder }: KeyFleet,
  { blobs, places }: Haul,
): Promise<number> {
  const { rows } = await postgres.owner.query<{ key: Buffer }>(
    `select static_key as key from devices union select transcript from epochs
     union select hash from stream_positions`,
  )
  // `wrap.key` and the static keys too: they open psks, and no tree.
  const others = readdirSync(keyFolder).filter((name) => !name.startsWith('trees-'))
  const kept = others.map((name) => new Uint8Array(readFileSync(join(keyFolder, name))))
  const single = kept.filter((bytes) => bytes.length === KEY_BYTES)
  assert.ok(single.length > 1, `keys beside those of the trees: ${others.join(' ')}`)
  const guesses = [new Uint8Array(32), ...single, ...rows.map(({ key }) => new Uint8Array(key))]
  const clear = blobs.filter((blob) => decodeTree(blob.bytes) !== null).length
  return guesses.reduce((sum, key) => {
    const aead = nodeSuite.aead(key)
    const keys = new Map(blobs.map(({ id }) => [id, aead]))
    return sum + blobs.filter((blob) => openBlob(blob, keys, places) !== null).length
  }, clear)
}

/** The thief holds the open epoch's future, as the threat model states. */
function futureOpens({ slaves }: KeyFleet, stolen: readonly KeyTree[]): void {
  for (const { disk } of slaves.values()) {
    const epoch = disk.load().epochs.find(({ state }) => state === 'committed')
    const tree = epoch === undefined ? null : decodeTree(epoch.tree)
    assert.ok(tree !== null)
    const at = second(tree.next + DAY_S)
    const key = leafAt(nodeSuite, tree, at)?.key
    const same = stolen.filter((each) => {
      const theirs = leafAt(nodeSuite, each, at)?.key
      return theirs !== undefined && key !== undefined && Buffer.from(theirs).equals(key)
    })
    assert.ok(same.length > 0)
  }
}
