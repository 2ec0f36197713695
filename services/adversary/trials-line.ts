// Attacks by someone who holds the line between slave and master, but no key.

import { setTimeout as wait } from 'node:timers/promises'
import { FRAME_BYTE, isFrame } from '../../shared/wire/frame.ts'
import { CONTROL_BYTE, ENROLMENT_BYTE, SESSION_BYTE } from '../../shared/wire/message.ts'
import { type Direction, flipBit, type Tamper } from './line.ts'
import { RawLink } from './rogue.ts'
import { until } from './scene.ts'
import {
  countedWhile,
  type Finding,
  has,
  linked,
  noticedWhile,
  type Stage,
  total,
  type Trial,
} from './trial.ts'

/** Messages tampered with in one trial. */
const TIMES = 12
/** Longer than a clock reply may take (wire.md 5), ms. */
const LATE_MS = 2_500

/** Applies `change` to TIMES messages of one kind on the busy slave's line. */
async function tampered(
  { scene, busy }: Stage,
  which: (body: Uint8Array, direction: Direction) => boolean,
  change: Tamper,
  codes: readonly string[],
): Promise<Finding> {
  let sent = 0
  const found = await countedWhile(
    scene,
    async () => {
      busy.line.tamper = (body, direction) => {
        if (sent >= TIMES || !which(body, direction)) return [body]
        sent += 1
        return change(body, direction)
      }
      await until('enough messages', () => sent >= TIMES)
    },
    has(...codes),
  )
  busy.line.tamper = null
  await linked({ scene }, busy)
  return { sent, refusedBy: [...found.keys()].sort(), stopped: has(...codes)(found) }
}

const upwards = (body: Uint8Array, direction: Direction): boolean =>
  direction === 'to-master' && isFrame(body)

/** Sends bodies on a connection of the attacker's own. */
async function playAgain(stage: Stage, bodies: readonly Uint8Array[]): Promise<void> {
  const link = await RawLink.open(stage.scene.settings.tcpPort)
  link.send(...bodies)
  await Promise.race([link.ended(), wait(300)])
  link.close()
}

/** What the quiet slave sent on its newest connection that reached a session. */
function recorded({ quiet }: Stage): readonly Uint8Array[] {
  const sessions = quiet.line.heard.filter((bodies) =>
    bodies.some((body) => body[0] === SESSION_BYTE),
  )
  return sessions.at(-1) ?? []
}

async function replaySession(stage: Stage): Promise<Finding> {
  const bodies = recorded(stage)
  const session = bodies.slice(bodies.findIndex((body) => body[0] === SESSION_BYTE))
  const frames = stage.quiet.line.heard.flat().filter(isFrame)
  const found = await countedWhile(
    stage.scene,
    async () => {
      await playAgain(stage, session)
      await playAgain(stage, frames)
    },
    (now) => now.has('SEC-11') && now.has('WIR-04'),
  )
  const stopped = found.has('SEC-11') && found.has('WIR-04')
  return { sent: session.length + frames.length, refusedBy: [...found.keys()].sort(), stopped }
}

/** Sends the master's last message back to it. */
async function reflectToMaster(stage: Stage): Promise<Finding> {
  const { busy, scene } = stage
  await linked(stage, busy)
  const answer = busy.line.answered.at(-1)?.findLast((body) => body[0] === CONTROL_BYTE)
  const found = await countedWhile(
    scene,
    async () => {
      if (answer !== undefined) busy.line.inject(answer, 'to-master')
    },
    has('SEC-11'),
  )
  await linked(stage, busy)
  return { sent: 1, refusedBy: [...found.keys()].sort(), stopped: found.has('SEC-11') }
}

export const LINE_TRIALS: readonly Trial[] = [
  {
    name: 'duplicate',
    tries: 'every frame twice on the live link',
    stirs: true,
    run: (stage) => tampered(stage, upwards, (body) => [body, body], ['SEC-05', 'SEC-06']),
  },
  {
    name: 'reorder',
    tries: 'frames in the wrong order',
    stirs: true,
    run: (stage) => {
      let held: Uint8Array | null = null
      return tampered(
        stage,
        upwards,
        (body) => {
          if (held === null) {
            held = body
            return []
          }
          const before = held
          held = null
          return [body, before]
        },
        ['SEC-03', 'SEC-06', 'SEC-05', 'WIR-03'],
      )
    },
  },
  {
    name: 'drop',
    tries: 'every other frame vanishes',
    stirs: true,
    run: (stage) => {
      let odd = false
      return tampered(
        stage,
        upwards,
        (body) => {
          odd = !odd
          return odd ? [] : [body]
        },
        ['SEC-06', 'SEC-03', 'WIR-03'],
      )
    },
  },
  {
    name: 'truncate',
    tries: 'frames without their last byte',
    stirs: true,
    run: (stage) =>
      tampered(stage, upwards, (body) => [body.subarray(0, body.length - 1)], ['SEC-03']),
  },
  {
    name: 'bit flip',
    tries: 'one flipped bit of a frame, after its first byte',
    stirs: true,
    run: (stage) => {
      let flips = 0
      return tampered(
        stage,
        upwards,
        (body) => {
          flips += 1
          return [flipBit(body, 8 + ((flips * 7_919) % (body.length * 8 - 8)))]
        },
        ['SEC-02', 'SEC-03', 'SEC-04', 'SEC-05', 'SEC-06', 'SEC-12', 'WIR-03'],
      )
    },
  },
  {
    name: 'reflect to the master',
    tries: 'the master’s own messages sent back to it',
    stirs: true,
    run: reflectToMaster,
  },
  {
    name: 'reflect to the slave',
    tries: 'the slave’s own messages sent back to it',
    stirs: true,
    run: async (stage) => {
      const { busy } = stage
      const said = busy.line.heard.at(-1)?.findLast((body) => body[0] === CONTROL_BYTE)
      const refused = await noticedWhile(stage, busy, 'SEC-11', async () => {
        if (said !== undefined) busy.line.inject(said, 'to-slave')
      })
      await linked(stage, busy)
      return { sent: 1, refusedBy: refused ? ['SEC-11'] : [], stopped: refused }
    },
  },
  {
    name: 'cross-device swap',
    tries: 'one device’s frames on another device’s link',
    stirs: true,
    run: async (stage) => {
      const { scene, busy, quiet } = stage
      const frames = (busy.line.heard.at(-1) ?? []).filter((body) => body[0] === FRAME_BYTE)
      await linked(stage, quiet)
      const found = await countedWhile(
        scene,
        async () => {
          for (const body of frames.slice(-3)) quiet.line.inject(body, 'to-master')
        },
        has('SEC-04', 'SEC-03', 'SEC-05'),
      )
      await linked(stage, quiet)
      return {
        sent: Math.min(3, frames.length),
        refusedBy: [...found.keys()].sort(),
        stopped: total(found) > 0,
      }
    },
  },
  {
    name: 'delay',
    tries: 'frames, held back for 2.5 s, then sent in order',
    stirs: true,
    run: async (stage) => {
      const { busy, scene } = stage
      await linked(stage, busy)
      let held: Uint8Array[] = []
      busy.line.tamper = (body, direction) => {
        if (direction !== 'to-master') return [body]
        held.push(body)
        return []
      }
      await wait(LATE_MS)
      busy.line.tamper = null
      const late = held
      held = []
      for (const body of late) busy.line.inject(body, 'to-master')
      const before = await scene.readingsOf(busy.device)
      await until('it is read on', async () => (await scene.readingsOf(busy.device)) > before)
      return { sent: late.length, refusedBy: ['taken late, nothing lost'], stopped: true }
    },
  },
  {
    name: 'clock reply delayed',
    tries: 'clock replies to the slave, held back past the limit',
    stirs: true,
    run: async (stage) => {
      const { busy } = stage
      busy.line.cut()
      await linked(stage, busy)
      // Everything reaches the slave late, so its clock replies do too.
      const refused = await noticedWhile(stage, busy, 'CLK-03', async () => {
        busy.line.tamper = (body, direction) => {
          if (direction === 'to-master') return [body]
          setTimeout(() => busy.line.inject(body, 'to-slave'), LATE_MS)
          return []
        }
        await wait(2 * LATE_MS)
      })
      busy.line.tamper = null
      // What is still held back would arrive out of order, after what is not.
      busy.line.cut()
      await linked(stage, busy)
      return { sent: 1, refusedBy: refused ? ['CLK-03'] : [], stopped: refused }
    },
  },
  {
    name: 'clock reply forged',
    tries: 'one flipped bit of the master’s clock reply',
    stirs: true,
    run: async (stage) => {
      const { busy } = stage
      let done = false
      const refused = await noticedWhile(stage, busy, 'SEC-11', async () => {
        busy.line.tamper = (body, direction) => {
          if (done || direction === 'to-master' || body[0] !== CONTROL_BYTE) return [body]
          done = true
          return [flipBit(body, 200)]
        }
        await until('an answer to forge', () => done)
      })
      busy.line.tamper = null
      await linked(stage, busy)
      return { sent: 1, refusedBy: refused ? ['SEC-11'] : [], stopped: refused }
    },
  },
  {
    name: 'downgrade',
    tries: 'suite and version of the first message, changed in transit',
    stirs: true,
    run: async (stage) => {
      const { busy, scene } = stage
      let sent = 0
      const found = await countedWhile(
        scene,
        async () => {
          busy.line.tamper = (body, direction) => {
            if (direction !== 'to-master' || body[0] !== SESSION_BYTE || sent >= 2) return [body]
            sent += 1
            const changed = Uint8Array.from(body)
            if (sent === 1) changed[2] = changed[2] === 0 ? 1 : 0
            else changed[0] = 0x22
            return [changed]
          }
          for (let round = 1; round <= 2; round += 1) {
            await busy.process.stop()
            busy.process.start()
            await until('a handshake to change', () => sent >= round)
          }
        },
        (now) => total(now) >= sent,
      )
      busy.line.tamper = null
      await linked(stage, busy)
      const stopped = found.has('WIR-01') && total(found) >= 2
      return { sent, refusedBy: [...found.keys()].sort(), stopped }
    },
  },
  {
    name: 'replay at once',
    tries: 'a recorded session and its frames on a link of the attacker’s own',
    stirs: false,
    run: replaySession,
  },
  {
    name: 'replay after restart',
    tries: 'the same after the master was restarted',
    stirs: true,
    run: async (stage) => {
      const { scene, quiet, busy } = stage
      const bodies = recorded(stage)
      await scene.stopMaster()
      await scene.startMaster()
      const found = await countedWhile(
        scene,
        () => playAgain(stage, bodies.slice(bodies.findIndex((body) => body[0] === SESSION_BYTE))),
        has('SEC-11'),
      )
      await linked(stage, quiet)
      await linked(stage, busy)
      return {
        sent: bodies.length,
        refusedBy: [...found.keys()].sort(),
        stopped: found.has('SEC-11'),
      }
    },
  },
  {
    name: 'replayed handshake',
    tries: 'a recorded first message, 50 times from the slave’s own address; none moves anything',
    stirs: false,
    run: async (stage) => {
      const { scene, quiet } = stage
      const hello = recorded(stage).find((body) => body[0] === SESSION_BYTE)
      const connected =
        'select extract(epoch from connected_at) * 1000 as count from device_status where device_id = $1'
      const before = await scene.count(connected, [quiet.device])
      let answered = 0
      for (let i = 0; i < 50 && hello !== undefined; i += 1) {
        const link = await RawLink.open(scene.settings.tcpPort)
        link.send(hello)
        const answer = await link.next()
        if (answer?.[0] === SESSION_BYTE) answered += 1
        link.close()
      }
      const after = await scene.count(connected, [quiet.device])
      return {
        sent: 50,
        refusedBy: ['no CONFIRM without the session’s keys'],
        stopped: after === before && hello !== undefined,
        note: `${answered} answered; the slave’s own link stayed up`,
      }
    },
  },
  {
    name: 'replayed enrolment',
    tries: 'a recorded enrolment played again',
    stirs: false,
    run: async (stage) => {
      const bodies = (stage.quiet.line.heard[0] ?? []).filter((body) => body[0] === ENROLMENT_BYTE)
      const found = await countedWhile(stage.scene, () => playAgain(stage, bodies), has('SEC-07'))
      return {
        sent: bodies.length,
        refusedBy: [...found.keys()].sort(),
        stopped: found.has('SEC-07'),
      }
    },
  },
]
