// The device thief: he holds a copy of a device's keys while the true device is away with a
// backlog. He calls in its name, lists nothing, and lies that its epoch is drained; whatever the
// true device has sealed must open when it comes back, and operators must learn that there are
// two.

import { nodeRandom, nodeSuite } from '../../shared/node/node-suite.ts'
import { streamNext, streamStart } from '../../shared/tves/stream.ts'
import { unixMs } from '../../shared/units.ts'
import type { SealedUpTo } from '../../shared/wire/control.ts'
import { RogueRun, RogueSession, type StolenKeys } from './rogue.ts'
import { until } from './scene.ts'
import { countedWhile, type Finding, has, type Stage, type Trial } from './trial.ts'
import { insider } from './trials-flood.ts'

/** Calls of the thief: fewer than one device may make in a minute (wire.md 10). */
const CALLS = 4
/** Frames that wait at the true device. */
const BACKLOG = 3
const RUN = 1

/** A device with an acknowledged opener and frames sealed behind it that were never sent. */
async function robbed(stage: Stage, name: string) {
  const { tcpPort } = stage.scene.settings
  const keys = await insider(stage, name)
  const session = await RogueSession.open(tcpPort, keys)
  if (session === null || session.epoch === null) throw new Error('no session')
  const run = new RogueRun(keys, session.epoch, RUN)
  const opener = run.opener(Date.now())
  session.link.send(opener)
  const said = await session.verdict()
  if (said !== 'acknowledged') throw new Error(`the opener: ${said}`)
  session.link.close()
  // Of a meter that is another device's: stored as exceptions, never as readings.
  const backlog = Array.from({ length: BACKLOG }, (_, at) =>
    run.sealReading(Date.now() + 1_000, at + 1, unixMs(Date.now()), 'quiet-1'),
  )
  const epoch = session.epoch.id
  const start = streamStart(nodeSuite, keys.device, epoch, RUN)
  const known = streamNext(nodeSuite, start, opener)
  const last = backlog.reduce((hash, body) => streamNext(nodeSuite, hash, body), known)
  const copied: SealedUpTo = { epoch, run: RUN, sequence: 0, hash: known }
  const sealed: SealedUpTo = { epoch, run: RUN, sequence: BACKLOG, hash: last }
  return { keys, backlog, copied, sealed }
}

/** The true device is back: its frames are taken, all of them. */
async function comesBack(
  { scene }: Stage,
  keys: StolenKeys,
  { backlog, sealed }: { readonly backlog: readonly Uint8Array[]; readonly sealed: SealedUpTo },
): Promise<boolean> {
  const session = await RogueSession.open(scene.settings.tcpPort, keys, undefined, [sealed])
  if (session === null) return false
  session.link.send(...backlog)
  const device = keys.device.toHex()
  const stored = async (): Promise<boolean> =>
    (await scene.count(
      'select sequence as count from stream_positions where device_id = $1 and epoch = $2',
      [device, sealed.epoch],
    )) === BACKLOG
  const all = await until('the backlog is stored', stored).catch(() => false)
  session.link.close()
  return all
}

export const DOUBLE_TRIALS: readonly Trial[] = [
  {
    name: 'device thief: silence',
    tries: 'a copy of a device’s keys calls again and again and lists nothing',
    stirs: false,
    run: async (stage): Promise<Finding> => {
      const { keys, ...rest } = await robbed(stage, 'silenced')
      const since = performance.now()
      for (let call = 0; call < CALLS; call += 1) {
        const thief = await RogueSession.open(stage.scene.settings.tcpPort, keys)
        thief?.say({ is: 'clock-request', id: nodeRandom(16) })
        await thief?.told('clock-reply')
        thief?.link.close()
      }
      const microsEach = ((performance.now() - since) * 1_000) / CALLS
      const all = await comesBack(stage, keys, rest)
      const note = all ? `${BACKLOG} frames of the true device opened` : 'its frames are lost'
      return { sent: CALLS, refusedBy: ['nothing destroyed'], microsEach, stopped: all, note }
    },
  },
  {
    name: 'device thief: DRAINED',
    tries: 'a copy of a device’s keys lies that its epoch is drained, with wrong and right hashes',
    stirs: false,
    run: async (stage): Promise<Finding> => {
      const { scene } = stage
      const { keys, copied, ...rest } = await robbed(stage, 'drained')
      let taken = false
      let all = false
      let microsEach = 0
      const found = await countedWhile(
        scene,
        async () => {
          const thief = await RogueSession.open(scene.settings.tcpPort, keys)
          if (thief === null) return
          const since = performance.now()
          thief.say({ is: 'drained', ...copied, hash: nodeRandom(32) })
          thief.say({ is: 'drained', ...copied, sequence: BACKLOG })
          // The right one is believed, and answered.
          thief.say({ is: 'drained', ...copied })
          taken = (await thief.told('drained')) !== null
          microsEach = ((performance.now() - since) * 1_000) / 3
          thief.link.close()
          all = await comesBack(stage, keys, rest)
        },
        (now) => (now.get('SEC-18') ?? 0) >= 3,
      )
      const exceptions = await scene.count(
        "select count(*) as count from exceptions where device_id = $1 and code = 'SEC-18'",
        [keys.device.toHex()],
      )
      const stopped = taken && all && exceptions >= 3 && has('SEC-18')(found)
      const note = `${exceptions} exceptions; ${all ? BACKLOG : 0} frames of the true device opened`
      return { sent: 3, refusedBy: [...found.keys()].sort(), microsEach, stopped, note }
    },
  },
]
