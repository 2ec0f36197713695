// Attacks by thieves: of a device's keys, of a slave's disk, of the master's database.

import { cpSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as wait } from 'node:timers/promises'
import { nodeRandom, nodeSuite } from '../../shared/node/node-suite.ts'
import { openFrame } from '../../shared/tves/seal.ts'
import { decodeTree, type KeyTree, leafAt, runIv } from '../../shared/tves/tree.ts'
import { second, unixMs, unixUs } from '../../shared/units.ts'
import { decodeFrame } from '../../shared/wire/frame.ts'
import { sessionStep } from '../../shared/wire/message.ts'
import { Deframer, lengthPrefixed } from '../../shared/wire/transport.ts'
import { startMaster } from '../master/core/master.ts'
import { openKeyStore } from '../master/shell/key-store.ts'
import { RogueRun, RogueSession } from './rogue.ts'
import { until, type Victim } from './scene.ts'
import {
  countedWhile,
  type Finding,
  has,
  linked,
  noticedWhile,
  type Stage,
  type Trial,
} from './trial.ts'
import { insider } from './trials-flood.ts'

const WEEK_US = 7 * 86_400_000_000

/** A session of a device the attacker holds, with a run whose opener is acknowledged. */
async function holding(
  stage: Stage,
  name: string,
): Promise<{ session: RogueSession; run: RogueRun }> {
  const { tcpPort } = stage.scene.settings
  const session = await RogueSession.open(tcpPort, await insider(stage, name))
  if (session === null || session.epoch === null) throw new Error('no session')
  const run = new RogueRun(session.keys, session.epoch, 1)
  // Later than the epoch's first second, so that there is one before it.
  session.link.send(run.opener(Date.now() + 2_000))
  const said = await session.verdict()
  if (said !== 'acknowledged') throw new Error(`the opener: ${said}`)
  return { session, run }
}

/** One frame on that session, and what the master said to it. */
async function oneFrame(
  stage: Stage,
  name: string,
  make: (run: RogueRun) => Uint8Array,
  code: string,
): Promise<Finding> {
  const { session, run } = await holding(stage, name)
  let said = ''
  const found = await countedWhile(
    stage.scene,
    async () => {
      session.link.send(make(run))
      said = await session.verdict()
    },
    has(code),
  )
  session.link.close()
  return {
    sent: 1,
    refusedBy: [...found.keys()].sort(),
    held: found.has(code),
    note: `told ${said}`,
  }
}

/** A copy of a slave's data folder as a thief of the disk has it, every file of it. */
function stolenFolder(victim: Victim, to: string): string {
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

/** How many of these frames the trees open. */
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

/** A master that has everything but the static key: it answers, and not as the slave expects. */
async function falseMaster(): Promise<{ readonly port: number; close(): Promise<void> }> {
  const server = createServer((socket) => {
    const deframer = new Deframer()
    socket.on('error', () => socket.destroy())
    socket.on('data', (chunk: Buffer) => {
      for (const body of deframer.push(chunk).bodies) {
        const suite = body[2] ?? 0
        const answer = sessionStep(2, nodeRandom(1_300))
        answer[2] = suite
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

/** Everything the master has in its database, as a backup would. */
const roster = ({ scene }: Stage) => scene.headEnd.billing.roster.load()

export const THIEF_TRIALS: readonly Trial[] = [
  {
    name: 'future tag',
    tries: 'a stolen device seals for a minute from now',
    stirs: false,
    run: (stage) =>
      oneFrame(
        stage,
        'future',
        (run) => run.sealReading(Date.now() + 60_000, 1, unixMs(Date.now())),
        'SEC-02',
      ),
  },
  {
    name: 'past tag',
    tries: 'a stolen device seals for a second that is over',
    stirs: false,
    run: (stage) =>
      oneFrame(
        stage,
        'past',
        // The opener is of now; the epoch's first second is over.
        (run) => run.sealReading(run.epoch.origin, 1, unixMs(Date.now())),
        'SEC-12',
      ),
  },
  {
    name: 'another device’s name',
    tries: 'a stolen device seals frames that name another device',
    stirs: false,
    run: async (stage) => {
      const { session, run } = await holding(stage, 'impostor')
      const other = new RogueRun(
        { ...session.keys, device: Uint8Array.fromHex(stage.quiet.device) },
        run.epoch,
        1,
        run.salt,
      )
      const found = await countedWhile(
        stage.scene,
        async () => {
          session.link.send(other.sealReading(Date.now() + 2_000, 1, unixMs(Date.now())))
          await session.verdict()
        },
        has('SEC-03'),
      )
      session.link.close()
      return { sent: 1, refusedBy: [...found.keys()].sort(), held: found.has('SEC-03') }
    },
  },
  {
    name: 'another device’s meter',
    tries: 'a stolen device reports a meter that belongs to another device',
    stirs: false,
    run: async (stage) => {
      const { scene } = stage
      const { session, run } = await holding(stage, 'meterthief')
      const at = Date.now() + 2_000
      session.link.send(run.sealReading(at, 1, unixMs(at), 'quiet-1'))
      const said = await session.verdict()
      session.link.close()
      const kept = await until('it is an exception', async () => {
        const rows = await scene.count(
          "select count(*) as count from exceptions where code = 'SEC-13' and meter = 'quiet-1'",
        )
        return rows > 0
      })
      return { sent: 1, refusedBy: ['SEC-13'], held: kept, note: `${said}, kept as an exception` }
    },
  },
  {
    name: 'stolen slave disk',
    tries: 'every file of the slave’s folder, against every frame it holds or sent',
    stirs: false,
    run: async ({ scene, quiet }) => {
      const to = join(scene.settings.dataFolder, 'stolen')
      const { trees, frames, device } = loot(stolenFolder(quiet, to))
      rmSync(to, { recursive: true })
      const heard = quiet.line.heard.flat()
      const opened = opens(trees, device, [...heard, ...frames])
      const future = [...trees.values()].filter(
        ({ tree }) => leafAt(nodeSuite, tree, second(tree.next)) !== null,
      ).length
      return {
        sent: frames.length + heard.filter((body) => decodeFrame(body) !== null).length,
        refusedBy: [`${opened} frames open`],
        held: opened === 0 && future > 0,
        note: `the future of ${future} epochs is his until the device is revoked`,
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
        held: true,
        note: 'rows stored before stand; it is read on',
      }
    },
  },
  {
    name: 'false master',
    tries: 'everything of the master but its static key, answering in its place',
    stirs: true,
    run: async (stage) => {
      const { busy } = stage
      const master = await falseMaster()
      const refused = await noticedWhile(stage, busy, 'SEC-09', async () => {
        busy.line.redirect = master.port
        busy.line.cut()
        await until('it called', () => busy.line.redirected > 0)
        await wait(500)
        busy.line.redirect = null
        busy.line.cut()
      })
      await master.close()
      await linked(stage, busy)
      return { sent: 1, refusedBy: refused ? ['SEC-09'] : [], held: refused }
    },
  },
  {
    name: 'stolen database',
    tries: 'the database without the wrap key, against every frame ever sent',
    stirs: false,
    run: async (stage) => {
      const { epochs, devices } = await roster(stage)
      const folder = join(stage.scene.settings.dataFolder, 'other-keys')
      const keys = openKeyStore(folder)
      const unwrapped = epochs.filter(({ keys: wrapped }) => keys.unwrap(wrapped) !== null).length
      const psks = devices.filter(({ psk }) => psk !== null && keys.unwrap(psk) !== null).length
      rmSync(folder, { recursive: true })
      return {
        sent: epochs.length + devices.length,
        refusedBy: [`${unwrapped + psks} secrets unwrap`],
        held: unwrapped + psks === 0 && epochs.length > 0,
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
      const content = await roster(stage)
      const master = startMaster({
        suite: nodeSuite,
        random: nodeRandom,
        staticKey: keys.staticKey,
        toleranceSeconds: 10,
        unwrap: (wrapped) => keys.unwrap(wrapped),
      })
      const now = { at: later(Date.now()), bound: 1_000 }
      master.load(content, now)
      const codes = new Set<string>()
      let durable = 0
      for (const [index, bodies] of quiet.line.heard.entries()) {
        master.step({ on: 'opened', link: index, transport: 'tcp' }, now)
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
      return { sent, refusedBy: [...codes].sort(), held: durable === 0 && codes.size > 0 }
    },
  },
]

const later = (nowMs: number) => unixUs(nowMs * 1_000 + WEEK_US)
