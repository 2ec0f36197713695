// Attacks by strangers to whom nobody gave a key: false and stolen tokens, floods.

import { setTimeout as wait } from 'node:timers/promises'
import { concat } from '../../shared/bytes.ts'
import { nodeRandom, nodeSuite } from '../../shared/node/node-suite.ts'
import { Secret } from '../../shared/secret.ts'
import { decodeToken, encodeToken } from '../../shared/tves/token.ts'
import { monoUs, unixMs } from '../../shared/units.ts'
import { SESSION_BYTE } from '../../shared/wire/message.ts'
import { beginSession } from '../slave/core/link/session.ts'
import { enrolRogue, RawLink, RogueRun, RogueSession, type StolenKeys } from './rogue.ts'
import { until } from './scene.ts'
import { countedWhile, type Finding, has, type Stage, total, type Trial } from './trial.ts'

/** Links of one flood. */
const LINKS = 300
/** Frames of one flood on an authenticated link. */
const FRAMES = 2_000
/** The handshake limiter may refuse before the check itself does. */
const LIMITED = 'WIR-05'

/** Opens links one after the other, each with one body; counts what refused them. */
async function flood(
  { scene }: Stage,
  bodies: readonly Uint8Array[],
  codes: readonly string[],
): Promise<Finding> {
  const port = scene.settings.tcpPort
  let micros = 0
  const found = await countedWhile(
    scene,
    async () => {
      const since = performance.now()
      for (const body of bodies) {
        const link = await RawLink.open(port)
        link.send(body)
        await link.ended()
        link.close()
      }
      micros = ((performance.now() - since) * 1_000) / bodies.length
    },
    (now) => total(now) >= bodies.length,
  )
  const refused = [...found].filter(([code]) => codes.includes(code))
  return {
    sent: bodies.length,
    refusedBy: [...found.keys()].sort(),
    microsEach: micros,
    stopped: refused.reduce((sum, [, count]) => sum + count, 0) >= bodies.length,
  }
}

/** First messages of sessions by callers that nobody enrolled, to the master's true key. */
async function unknownCallers(stage: Stage): Promise<readonly Uint8Array[]> {
  const { masterKey } = await insider(stage, 'lister')
  return Array.from({ length: LINKS }, () => {
    const ours = { suite: nodeSuite, random: nodeRandom, processId: nodeRandom(8) }
    const keys = { staticKey: nodeRandom(32), masterKey, psk: nodeRandom(32) }
    const { send } = beginSession(ours, keys, { wantEpoch: false, mono: monoUs(0) })
    return send ?? new Uint8Array(0)
  })
}

/** A device that the attacker enrolled legitimately and whose keys it holds. */
export async function insider({ scene }: Stage, name: string): Promise<StolenKeys> {
  const { token } = await scene.register(`${name}-${nodeRandom(4).join('')}`)
  const keys = await enrolRogue(scene.settings.tcpPort, token)
  if (keys === null) throw new Error('the attacker could not enrol a device of its own')
  return keys
}

export const STRANGER_TRIALS: readonly Trial[] = [
  {
    name: 'false token',
    tries: 'tokens that nobody issued, and a true one’s id with another secret',
    stirs: false,
    run: async ({ scene }) => {
      const { token } = await scene.register(`guessed-${nodeRandom(4).join('')}`)
      const decoded = decodeToken(token)
      if (decoded === null) throw new Error('a token of ours is readable')
      const guesses = [
        { ...decoded, secret: new Secret(nodeRandom(16)) },
        { ...decoded, id: nodeRandom(8) },
      ].map(encodeToken)
      let enrolled = 0
      const found = await countedWhile(
        scene,
        async () => {
          for (const guess of guesses) {
            if ((await enrolRogue(scene.settings.tcpPort, guess)) !== null) enrolled += 1
          }
        },
        (now) => (now.get('SEC-07') ?? 0) >= guesses.length,
      )
      return { sent: 2, refusedBy: [...found.keys()].sort(), stopped: enrolled === 0 }
    },
  },
  {
    name: 'stolen token raced',
    tries: 'a used token by a second key; the second caller is refused, and an alarm is raised',
    stirs: false,
    run: async ({ scene }) => {
      const { token } = await scene.register(`raced-${nodeRandom(4).join('')}`)
      let second: StolenKeys | null = null
      const found = await countedWhile(
        scene,
        async () => {
          const both = [1, 2].map(() => enrolRogue(scene.settings.tcpPort, token))
          const [one = null, two = null] = await Promise.all(both)
          second = one !== null && two !== null ? two : null
        },
        has('SEC-08'),
      )
      return {
        sent: 2,
        refusedBy: [...found.keys()].sort(),
        stopped: second === null && found.has('SEC-08'),
      }
    },
  },
  {
    name: 'flood: garbage',
    tries: 'handshakes of random bytes',
    stirs: false,
    run: (stage) =>
      flood(
        stage,
        Array.from({ length: LINKS }, () =>
          concat(Uint8Array.of(SESSION_BYTE, 1, 1), nodeRandom(1_300)),
        ),
        ['SEC-09', 'WIR-01', LIMITED],
      ),
  },
  {
    name: 'flood: unknown devices',
    tries: 'well-formed handshakes by keys that nobody enrolled',
    stirs: false,
    run: async (stage) => flood(stage, await unknownCallers(stage), ['SEC-01', LIMITED]),
  },
  {
    name: 'flood: half-open links',
    tries: 'links that say nothing',
    stirs: false,
    run: async ({ scene }) => {
      const links = await Promise.all(
        Array.from({ length: LINKS }, () => RawLink.open(scene.settings.tcpPort)),
      )
      const found = await countedWhile(
        scene,
        async () => {
          await Promise.all(links.map((link) => link.ended(20_000)))
        },
        (now) => total(now) >= LINKS,
      )
      return {
        sent: LINKS,
        refusedBy: [...found.keys()].sort(),
        stopped: has('WIR-06', LIMITED)(found),
      }
    },
  },
  {
    name: 'flood: future tags',
    tries: 'frames sealed for a minute ahead, on an authenticated link',
    stirs: false,
    run: async (stage) => {
      const { scene } = stage
      const session = await RogueSession.open(scene.settings.tcpPort, await insider(stage, 'hasty'))
      if (session === null || session.epoch === null) throw new Error('no session')
      const run = new RogueRun(session.keys, session.epoch, 1)
      const opener = run.opener(Date.now())
      session.link.send(opener)
      await session.verdict()
      const future = run.sealReading(Date.now() + 60_000, 1, unixMs(Date.now()))
      let micros = 0
      const found = await countedWhile(
        scene,
        async () => {
          const since = performance.now()
          session.link.send(...Array.from({ length: FRAMES }, () => future))
          await until('all are answered', () => session.link.pending >= FRAMES, 20_000)
          micros = ((performance.now() - since) * 1_000) / FRAMES
        },
        (now) => (now.get('SEC-02') ?? 0) >= FRAMES,
      )
      session.link.close()
      await wait(100)
      const stopped = found.get('SEC-02') === FRAMES
      return { sent: FRAMES, refusedBy: [...found.keys()].sort(), microsEach: micros, stopped }
    },
  },
]
