// Theft at a random instant: everything on a slave's disk, or everything the master stored, its
// wrap key included. The thief tries every tree, every second, and every 32 bytes as a key. Frames
// sealed before the theft must stay shut. Later frames of the same epoch must open, or the attempt
// would prove nothing.

import { concat, equalConstantTime, fromText } from '../../shared/bytes.ts'
import type { DeviceId, StreamPosition } from '../../shared/handover/sink.ts'
import { nodeSuite } from '../../shared/node/node-suite.ts'
import { openFrame } from '../../shared/tves/seal.ts'
import { KEY_BYTES } from '../../shared/tves/suite.ts'
import { decodeTree, type KeyTree, leafAt, runIv, type TreeNode } from '../../shared/tves/tree.ts'
import { decodeFrame } from '../../shared/wire/frame.ts'
import type { Stored, StoredEpoch, StoredFrame } from '../../services/slave/core/state/stored.ts'
import { hold } from './hold.ts'
import { type Ledger, streamKey } from './sink.ts'
import type { Sometimes } from './sometimes.ts'

const NODE_LABEL = fromText('TVES/1 node')
/** Newest frames, and epochs, for which every 32 bytes of the loot are tried as the key. */
const SCANNED = 1
const EPOCHS_SCANNED = 3
/** Newest frames of each other epoch that are tried with the newest tree. */
const OTHERS = 3
/** Frames sealed after a theft that must open. */
const CONTROLS = 3

/** Everything about one epoch that is not secret, and its frames. */
interface Epoch {
  readonly device: DeviceId
  readonly transcript: Uint8Array
  frames: StoredFrame[]
  /** The newest tree of the device that was stolen before this epoch began. */
  stolenBefore: KeyTree | null
  readonly salts: Map<number, Uint8Array>
}

/** A stolen tree; `left`: later frames that must still be opened with it. */
interface Loot {
  readonly tree: KeyTree
  left: number
}

export class Thief {
  thefts = 0
  /** Frames that were tried and stayed shut, and frames of the future that opened. */
  shut = 0
  opened = 0
  readonly #epochs = new Map<string, Epoch>()
  readonly #loot = new Map<string, Loot>()
  /** By device and epoch: last second that the master knows to be durable. */
  readonly #acknowledged = new Map<string, number>()
  /** By device and epoch: the root of its tree. The simulator knows it, no thief does. */
  readonly #roots = new Map<string, KeyTree>()
  /** By device: the newest tree stolen. */
  readonly #newest = new Map<DeviceId, KeyTree>()
  readonly #sometimes: (name: Sometimes) => void

  constructor(sometimes: (name: Sometimes) => void) {
    this.#sometimes = sometimes
  }

  acknowledged({
    device,
    epoch,
    second,
  }: Pick<StreamPosition, 'device' | 'epoch' | 'second'>): void {
    const key = `${device} ${epoch}`
    this.#acknowledged.set(key, Math.max(second, this.#acknowledged.get(key) ?? -1))
  }

  /** Frames became durable at a slave; their bytes are public from now on. `spoilt`: it can never
   * be opened. */
  stored(
    device: DeviceId,
    { epochs }: Stored,
    frames: readonly StoredFrame[],
    spoilt: (frame: StoredFrame) => boolean,
  ): void {
    for (const frame of frames) {
      const key = `${device} ${frame.epoch}`
      const transcript = epochs.find(({ id }) => id === frame.epoch)?.transcript
      if (transcript === undefined) continue
      const fresh: Epoch = { device, transcript, frames: [], stolenBefore: null, salts: new Map() }
      const known = this.#epochs.get(key) ?? fresh
      if (known === fresh) this.#epochs.set(key, this.#begun(key, fresh))
      if (!spoilt(frame)) known.frames.push(frame)
      const salt = decodeFrame(frame.body)?.header.salt ?? null
      if (salt !== null) known.salts.set(frame.run, salt)
      if (spoilt(frame)) continue
      this.#control(key, known, frame)
      this.#heals(device, known, frame)
    }
  }

  /** A disk was set back to these trees: what they open was never out of its reach. */
  diskSetBack(device: DeviceId, { epochs }: Stored): void {
    for (const { id, tree: bytes } of epochs) {
      const next = decodeTree(bytes)?.next ?? 0
      const epoch = this.#epochs.get(`${device} ${id}`)
      if (epoch !== undefined) {
        epoch.frames = epoch.frames.filter(({ second }) => second < next)
      }
    }
  }

  /** The ledger was set back, and the trees in it with it. */
  ledgerSetBack(ledger: Ledger): void {
    this.#acknowledged.clear()
    for (const { device, epoch, second } of ledger.positions.values()) {
      this.acknowledged({ device, epoch, second })
    }
  }

  /** What was stolen before an epoch began opens nothing of it. */
  #heals(device: DeviceId, epoch: Epoch, frame: StoredFrame): void {
    const { stolenBefore } = epoch
    if (stolenBefore === null || frame.sequence !== 0) return
    this.#staysShut(epoch, stolenBefore, frame, `${device}, stolen before its epoch began`)
    this.#sometimes('epoch healed')
  }

  #begun(key: string, epoch: Epoch): Epoch {
    const stolen = this.#loot.has(key) ? null : this.#newest.get(epoch.device)
    epoch.stolenBefore = stolen ?? null
    return epoch
  }

  /** A slave's disk, byte by byte, while its process runs. */
  stealSlave(device: DeviceId, disk: Stored): void {
    this.thefts += 1
    const { identity, epochs, runs } = disk
    const newest = epochs.toSorted((a, b) => b.origin - a.origin).slice(0, EPOCHS_SCANNED)
    const rest = runs.slice(-EPOCHS_SCANNED).map(({ lastHash }) => lastHash)
    if (identity !== null) {
      const { staticKey, psk, masterKey } = identity
      rest.push(staticKey, psk ?? new Uint8Array(0), masterKey ?? new Uint8Array(0))
    }
    for (const { id, tree: bytes } of epochs) {
      const key = `${device} ${id}`
      const tree = decodeTree(bytes)
      hold(tree !== null, 'theft', 'the stored tree is no tree')
      const epoch = this.#epochs.get(key)
      if (epoch !== undefined) {
        for (const frame of epoch.frames) this.#staysShut(epoch, tree, frame, 'slave')
        if (newest.some((scanned) => scanned.id === id)) {
          this.#scan(epoch, tree.ivKey, concat(bytes, ...rest))
        }
      }
      this.#loot.set(key, { tree, left: CONTROLS })
      this.#newest.set(device, tree)
      if (newest[0]?.id !== id) continue
      for (const [other, { device: owner }] of this.#epochs) {
        if (owner === device && other !== key) this.#otherEpoch(other, tree)
      }
    }
  }

  /** The rest of one epoch's tree opens nothing in another epoch. */
  #otherEpoch(key: string, tree: KeyTree): void {
    const epoch = this.#epochs.get(key)
    if (epoch === undefined) return
    const newest = epoch.frames.slice(-OTHERS)
    for (const frame of newest) this.#staysShut(epoch, tree, frame, 'slave, another epoch')
  }

  /** The master's database with the key that wraps its secrets, right after the hourly puncturing.
   * Of devices whose frames were not on their way to the sink just then, everything before the last
   * second acknowledged must be shut; what was never acknowledged opens, as the threat model
   * says. */
  stealMaster(ledger: Ledger, busy: ReadonlySet<DeviceId>): void {
    this.thefts += 1
    for (const { device, id, keys } of ledger.epochs.values()) {
      const epoch = this.#epochs.get(`${device} ${id}`)
      const tree = decodeTree(keys)
      hold(tree !== null, 'theft', 'the stored tree is no tree')
      if (epoch === undefined || busy.has(device)) continue
      let stored = -1
      for (const run of epoch.salts.keys()) {
        const position = ledger.positions.get(streamKey({ device, epoch: id, run }))
        stored = Math.max(stored, position?.second ?? -1)
      }
      const known = this.#acknowledged.get(`${device} ${id}`) ?? -1
      for (const frame of epoch.frames) {
        if (frame.second < known) this.#staysShut(epoch, tree, frame, 'master')
        else if (frame.second > stored) this.#opens(epoch, tree, frame, 'master')
      }
    }
  }

  /** The first tree of an epoch, as it was offered: all its keys come from that. */
  planted(device: DeviceId, { id, tree }: StoredEpoch): void {
    const key = `${device} ${id}`
    const planted = this.#roots.has(key) ? null : decodeTree(tree)
    if (planted?.nodes[0]?.level === 0) this.#roots.set(key, planted)
  }

  /** Everything in a slave's memory. The key of the second last sealed in may be there. */
  stealSlaveMemory(device: DeviceId, image: readonly Uint8Array[]): void {
    const last = (epoch: Epoch): number => Math.max(-1, ...epoch.frames.map((each) => each.second))
    this.#search(image, (epoch) => (epoch.device === device ? last(epoch) : -1), 'slave memory')
  }

  /** Everything in the master's memory, but for devices whose frames are on their way to the sink:
   * what it knows to be durable, but for the last second of each epoch. */
  stealMasterMemory(image: readonly Uint8Array[], busy: ReadonlySet<DeviceId>): void {
    const known = (epoch: Epoch, key: string): number =>
      busy.has(epoch.device) ? -1 : (this.#acknowledged.get(key) ?? -1)
    this.#search(image, known, 'master memory')
  }

  /** No bytes in the image are a node on the way to the key of a frame below `spent`. */
  #search(
    image: readonly Uint8Array[],
    spent: (epoch: Epoch, key: string) => number,
    whose: string,
  ): void {
    this.thefts += 1
    const nodes = new Map<number, { readonly node: TreeNode; readonly open: () => boolean }[]>()
    const newest = new Map<DeviceId, number>()
    for (const [key, epoch] of [...this.#epochs].toReversed()) {
      const root = this.#roots.get(key)
      const count = newest.get(epoch.device) ?? 0
      const below = spent(epoch, key)
      if (root === undefined || below < 0 || count >= EPOCHS_SCANNED) continue
      newest.set(epoch.device, count + 1)
      const frames = epoch.frames.filter(({ second }) => second < below)
      const tried = new Set([frames[0], frames[frames.length >> 1], frames.at(-1)])
      for (const frame of tried) {
        if (frame === undefined) continue
        this.shut += 1
        for (const node of pathTo(root.nodes[0]?.key ?? root.ivKey, frame.second)) {
          const head = headOf(node.key, 0)
          const opens = (): boolean => openBelow(epoch, root, node, frame)
          nodes.set(head, [...(nodes.get(head) ?? []), { node, open: opens }])
        }
      }
    }
    if (nodes.size > 0) this.#sometimes('memory stolen')
    for (const bytes of image) {
      for (let at = 0; at + KEY_BYTES <= bytes.length; at += 1) {
        for (const { node, open: opens } of nodes.get(headOf(bytes, at)) ?? []) {
          const same = equalConstantTime(node.key, bytes.subarray(at, at + KEY_BYTES))
          const what = `a node of level ${node.level} lies in the ${whose} and opens a frame`
          hold(!same || !opens(), 'forward secrecy', what)
        }
      }
    }
  }

  #control(key: string, epoch: Epoch, frame: StoredFrame): void {
    const loot = this.#loot.get(key)
    if (loot === undefined || loot.left === 0 || frame.second < loot.tree.next) return
    loot.left -= 1
    this.#opens(epoch, loot.tree, frame, 'slave')
  }

  #opens(epoch: Epoch, tree: KeyTree, frame: StoredFrame, whose: string): void {
    const key = leafAt(nodeSuite, tree, frame.second)?.key ?? null
    const opens = key !== null && open(epoch, tree.ivKey, frame, key)
    hold(opens, 'theft control', `${whose}: the loot does not open ${placeOf(frame)}`)
    this.opened += 1
    this.#sometimes('loot opened')
  }

  #staysShut(epoch: Epoch, tree: KeyTree, frame: StoredFrame, whose: string): void {
    const key = leafAt(nodeSuite, tree, frame.second)?.key ?? null
    const opens = key !== null && open(epoch, tree.ivKey, frame, key)
    hold(!opens, 'forward secrecy', `${whose}: the loot opens ${placeOf(frame)}`)
    this.shut += 1
  }

  /** No 32 bytes anywhere in the loot are the key of the last frames. */
  #scan(epoch: Epoch, ivKey: Uint8Array, bytes: Uint8Array): void {
    for (const frame of epoch.frames.slice(-SCANNED)) {
      for (let at = 0; at + KEY_BYTES <= bytes.length; at += 1) {
        const opens = open(epoch, ivKey, frame, bytes.slice(at, at + KEY_BYTES))
        hold(!opens, 'forward secrecy', `the key of ${placeOf(frame)} lies in the outbox`)
      }
    }
  }
}

const headOf = (bytes: Uint8Array, at: number): number =>
  (((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0)) >>> 0

/** Every node from the root to the leaf of a second. */
function pathTo(root: Uint8Array, second: number): readonly TreeNode[] {
  const path: TreeNode[] = []
  let key = root
  for (let level = 0; level <= 32; level += 1) {
    path.push({ level, key })
    const message = concat(NODE_LABEL, Uint8Array.of(level), key)
    const [left, right] = nodeSuite.sha512Halves(message)
    key = Math.floor(second / 2 ** (31 - level)) % 2 === 0 ? left : right
  }
  return path
}

/** Whether a frame opens with what can be made from one node above its key. */
function openBelow(epoch: Epoch, { ivKey }: KeyTree, node: TreeNode, frame: StoredFrame): boolean {
  const covers = 2 ** (32 - node.level)
  const next = Math.floor(frame.second / covers) * covers
  const tree: KeyTree = { next, nodes: [node], ivKey }
  const key = leafAt(nodeSuite, tree, frame.second)?.key ?? null
  return key !== null && open(epoch, tree.ivKey, frame, key)
}

const placeOf = ({ epoch, run, sequence, second }: StoredFrame): string =>
  `epoch ${epoch} run ${run} sequence ${sequence} second ${second}`

/** Exactly as the master would, with what is public and this key. */
function open(epoch: Epoch, ivKey: Uint8Array, frame: StoredFrame, key: Uint8Array): boolean {
  const parts = decodeFrame(frame.body)
  const salt = epoch.salts.get(frame.run)
  hold(parts !== null && salt !== undefined, 'theft', `${placeOf(frame)} is no frame of a run`)
  const plaintext = openFrame(nodeSuite, {
    key,
    iv: runIv(nodeSuite, ivKey, frame.run, salt),
    device: Uint8Array.fromHex(epoch.device),
    transcript: epoch.transcript,
    headerBytes: parts.headerBytes,
    sequence: frame.sequence,
    sealed: parts.sealed,
  })
  return plaintext !== null
}
