// Attacks with stolen or restored files (a slave's disk, the master's database, its keys), and with
// recordings a week later.

import { cpSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as wait } from 'node:timers/promises'
import { nodeRandom, nodeSuite } from '../../shared/node/node-suite.ts'
import { openFrame } from '../../shared/tves/seal.ts'
import { decodeTree, type KeyTree, leafAt, runIv } from '../../shared/tves/tree.ts'
import { second, unixUs } from '../../shared/units.ts'
import { expandBody } from '../../shared/wire/compact.ts'
import { decodeFrame, type FrameHeader, isFrame } from '../../shared/wire/frame.ts'
import { sessionAnswer } from '../../shared/wire/message.ts'
import { Deframer, lengthPrefixed } from '../../shared/wire/transport.ts'
import { startMaster } from '../master/core/master.ts'
import { pskOf } from '../master/core/roster.ts'
import { openKeyStore } from '../master/shell/keys/key-store.ts'
import { TreeKeys } from '../master/shell/keys/tree-keys.ts'
import { until, type Victim } from './scene.ts'
import { linked, noticedWhile, type Stage, type Trial } from './trial.ts'

const WEEK_US = 7 * 86_400_000_000
/** Within this time the busy slave's frames are acknowledged, ms. */
const SETTLED_MS = 2_000
/** The newest frames, whose seconds may still be needed. */
const LAST_FRAMES = 8

/** A copy of a slave's whole data folder, as a thief of the disk has it. */
export function stolenFolder(victim: Victim, to: string): string {
  cpSync(join(victim.folder, 'data'), to, { recursive: true })
  return to
}

interface Loot {
  readonly trees: ReadonlyMap<number, { readonly tree: KeyTree; readonly transcript: Uint8Array }>
  readonly frames: readonly Uint8Array[]
  readonly device: Uint8Array
}

function loot(folder: string): Loot {
  const file = readdirSync(folder).find((name) => /\.(?:db|sqlite)$/.test(name))
  if (file === undefined) throw new Error('the stolen folder has no outbox')
  const db = new DatabaseSync(join(folder, file), { readOnly: true })
  try {
    const trees = new Map<number, { tree: KeyTree; transcript: Uint8Array }>()
    for (const row of db.prepare('select id, transcript, tree, tree_bytes from epochs').all()) {
      const { id, transcript, tree, tree_bytes: length } = row
      if (!(tree instanceof Uint8Array) || !(transcript instanceof Uint8Array)) continue
      const decoded = decodeTree(tree.subarray(0, Number(length)))
      if (decoded !== null) trees.set(Number(id), { tree: decoded, transcript })
    }
    const frames = db.prepare('select body from frames').all()
    const [{ device = null } = {}] = db.prepare('select device from identity').all()
    return {
      trees,
      frames: frames.flatMap(({ body }) => (body instanceof Uint8Array ? [body] : [])),
      device: device instanceof Uint8Array ? device : new Uint8Array(8),
    }
  } finally {
    db.close()
  }
}

/** Counts the frames that the trees open. */
function opens(trees: Loot['trees'], device: Uint8Array, frames: readonly Uint8Array[]): number {
  const salts = new Map<string, Uint8Array>()
  let opened = 0
  for (const body of frames) {
    const parts = decodeFrame(body)
    if (parts === null) continue
    const { header, headerBytes, sealed } = parts
    const stream = `${header.epoch}/${header.run}`
    if (header.salt !== null) salts.set(stream, header.salt)
    const salt = salts.get(stream)
    const known = trees.get(header.epoch)
    if (known === undefined || salt === undefined) continue
    const leaf = leafAt(nodeSuite, known.tree, header.second)
    if (leaf === null) continue
    const iv = runIv(nodeSuite, known.tree.ivKey, header.run, salt)
    const { transcript } = known
    const { sequence } = header
    const frame = { key: leaf.key, iv, device, transcript, headerBytes, sequence, sealed }
    if (openFrame(nodeSuite, frame) !== null) opened += 1
  }
  return opened
}

/** Every frame a slave ever sent, with its full header. */
function framesOf({ line }: Victim): readonly Uint8Array[] {
  return line.heard.flatMap((bodies) => {
    let before: FrameHeader | null = null
    return bodies.flatMap((body) => {
      const whole = isFrame(body) ? expandBody(before, body) : null
      const header = whole === null ? null : (decodeFrame(whole)?.header ?? null)
      if (whole === null || header === null) return []
      before = header
      return [whole]
    })
  })
}

/** A master that has everything but the static key: it answers, but not as the slave expects. */
async function falseMaster(): Promise<{ readonly port: number; close(): Promise<void> }> {
  const server = createServer((socket) => {
    const deframer = new Deframer()
    socket.on('error', () => socket.destroy())
    socket.on('data', (chunk: Buffer) => {
      for (const body of deframer.push(chunk).bodies) {
        const answer = sessionAnswer(body[2] === 0 ? 0 : 1, nodeRandom(1_300))
        socket.write(lengthPrefixed(answer))
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed())
      }),
  }
}

/** Everything that the master keeps in its database, as a backup holds it. */
const roster = ({ scene }: Stage) => scene.headEnd.billing.roster.load()

export const LOOT_TRIALS: readonly Trial[] = [
  {
    name: 'stolen slave disk',
    tries: 'every file of the slave’s folder, tried on every frame it holds or sent',
    stirs: false,
    run: async ({ scene, quiet }) => {
      const to = join(scene.settings.dataFolder, 'stolen')
      const { trees, frames, device } = loot(stolenFolder(quiet, to))
      rmSync(to, { recursive: true })
      const heard = framesOf(quiet)
      const opened = opens(trees, device, [...heard, ...frames])
      const future = [...trees.values()].filter(
        ({ tree }) => leafAt(nodeSuite, tree, second(tree.next)) !== null,
      ).length
      return {
        sent: frames.length + heard.length,
        refusedBy: [`${opened} frames open`],
        stopped: opened === 0 && future > 0,
        note: `the future of ${future} epochs is the thief’s until the device is revoked`,
      }
    },
  },
  {
    name: 'restored slave',
    tries: 'yesterday’s disk of the slave put back: an old sequence, an old key tree',
    stirs: true,
    run: async (stage) => {
      const { scene, busy } = stage
      const copy = join(scene.settings.dataFolder, 'snapshot')
      const before = await scene.readingsOf(busy.device)
      await busy.process.stop()
      stolenFolder(busy, copy)
      busy.process.start()
      await until('it is read on', async () => (await scene.readingsOf(busy.device)) > before + 4)
      await busy.process.stop()
      const stored = await scene.readingsOf(busy.device)
      rmSync(join(busy.folder, 'data'), { recursive: true })
      cpSync(copy, join(busy.folder, 'data'), { recursive: true })
      rmSync(copy, { recursive: true })
      busy.process.start()
      await until('it is read on', async () => (await scene.readingsOf(busy.device)) > stored + 2)
      return {
        sent: 1,
        refusedBy: ['a new run with a new salt'],
        stopped: true,
        note: 'rows stored before stay; reading continues',
      }
    },
  },
  {
    name: 'false master',
    tries: 'an impostor with everything of the master but its static key',
    stirs: true,
    run: async (stage) => {
      const { busy } = stage
      const master = await falseMaster()
      const refused = await noticedWhile(stage, busy, 'SEC-09', async () => {
        const before = busy.line.redirected
        busy.line.redirect = master.port
        busy.line.cut()
        await until('it called', () => busy.line.redirected > before)
        await wait(500)
        busy.line.redirect = null
        busy.line.cut()
      })
      await master.close()
      await linked(stage, busy)
      return { sent: 1, refusedBy: refused ? ['SEC-09'] : [], stopped: refused }
    },
  },
  {
    name: 'stolen database',
    tries: 'the database without the wrap key, tried on every frame ever sent',
    stirs: false,
    run: async (stage) => {
      const { epochs, devices } = await roster(stage)
      const folder = join(stage.scene.settings.dataFolder, 'other-keys')
      const keys = openKeyStore(folder)
      const trees = new TreeKeys(folder, Date.now())
      const unwrapped = epochs.filter(
        ({ device, id: epoch, keys: wrapped }) =>
          trees.unwrap(wrapped, { is: 'tree', device, epoch }) !== null,
      ).length
      const unwrap = keys.unwrap.bind(keys)
      const psks = devices.filter((record) => pskOf(record, unwrap) !== null).length
      rmSync(folder, { recursive: true })
      return {
        sent: epochs.length + devices.length,
        refusedBy: [`${unwrapped + psks} secrets unwrap`],
        stopped: unwrapped + psks === 0 && epochs.length > 0,
      }
    },
  },
  {
    name: 'stolen database and keys',
    tries: 'the database and every key file, after the hourly change of the tree key',
    stirs: false,
    run: async (stage) => {
      const { scene, quiet, busy } = stage
      await linked(stage, busy)
      await wait(SETTLED_MS)
      const sent = [...framesOf(quiet), ...framesOf(busy)]
      await scene.headEnd.master.rotateTrees()
      const { epochs } = await roster(stage)
      const keys = new TreeKeys(scene.headEnd.keys.folder, Date.now())
      let opened = 0
      let future = 0
      for (const victim of [quiet, busy]) {
        const trees = new Map<number, { tree: KeyTree; transcript: Uint8Array }>()
        for (const { device, id, keys: wrapped, transcript } of epochs) {
          const place = { is: 'tree', device, epoch: id } as const
          const clear = device === victim.device ? keys.unwrap(wrapped, place) : null
          const tree = clear === null ? null : decodeTree(clear)
          if (tree !== null) trees.set(id, { tree, transcript })
        }
        future += trees.size
        // The second of the last acknowledged frame is still open: it may bring another frame.
        const old = framesOf(victim).slice(0, -LAST_FRAMES)
        opened += opens(trees, Uint8Array.fromHex(victim.device), old)
      }
      return {
        sent: sent.length,
        refusedBy: [`${opened} frames open`],
        stopped: opened === 0 && future > 0,
        note: `the future of ${future} epochs is the thief’s until they are renewed`,
      }
    },
  },
  {
    name: 'replay after a week',
    tries: 'a recorded session and its frames, seven days later',
    stirs: false,
    run: async (stage) => {
      const { scene, quiet } = stage
      const { keys } = scene.headEnd
      const trees = new TreeKeys(keys.folder, Date.now())
      const content = await roster(stage)
      const master = startMaster({
        suite: nodeSuite,
        random: nodeRandom,
        staticKeys: keys.staticKeys,
        toleranceSeconds: 10,
        unwrap: (wrapped, place) => (place.is === 'tree' ? trees : keys).unwrap(wrapped, place),
      })
      const now = { at: later(Date.now()), bound: 1_000 }
      master.load(content, now)
      const codes = new Set<string>()
      let durable = 0
      for (const [index, bodies] of quiet.line.heard.entries()) {
        master.step({ on: 'opened', link: index, transport: 'tcp', source: '' }, now)
        for (const body of bodies) {
          for (const action of master.step({ on: 'body', link: index, body }, now)) {
            if (action.do === 'refused') codes.add(action.code)
            if (action.do === 'append' || action.do === 'commit-epoch' || action.do === 'enrol') {
              durable += 1
            }
          }
        }
      }
      const sent = quiet.line.heard.flat().length
      return { sent, refusedBy: [...codes].sort(), stopped: durable === 0 && codes.size > 0 }
    },
  },
]

const later = (nowMs: number) => unixUs(nowMs * 1_000 + WEEK_US)
