// Attacks with a device's stolen keys: they let the thief speak as this device, not as another, and
// not for another time.

import { nodeRandom } from '../../shared/node/node-suite.ts'
import { unixMs } from '../../shared/units.ts'
import { RogueRun, RogueSession } from './rogue.ts'
import { until } from './scene.ts'
import { countedWhile, type Finding, has, type Stage, type Trial } from './trial.ts'
import { insider } from './trials-flood.ts'

/** A session of a device that the attacker holds, with a run whose opener is acknowledged. */
export async function holding(
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
    stopped: found.has(code),
    note: `answer ${said}`,
  }
}

export const THIEF_TRIALS: readonly Trial[] = [
  {
    name: 'future tag',
    tries: 'a stolen device seals for a minute ahead',
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
      return { sent: 1, refusedBy: [...found.keys()].sort(), stopped: found.has('SEC-03') }
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
      return {
        sent: 1,
        refusedBy: ['SEC-13'],
        stopped: kept,
        note: `${said}, kept as an exception`,
      }
    },
  },
  {
    name: 'lies by skips',
    tries:
      'a stolen device skips frames that were never refused, and gives up frames that are not next',
    stirs: false,
    run: async (stage) => {
      const { session, run } = await holding(stage, 'liar')
      const { scene } = stage
      const epoch = run.epoch.id
      const hash = nodeRandom(32)
      const found = await countedWhile(
        scene,
        async () => {
          session.say({ is: 'skip', epoch, run: 1, sequence: 1, bodyHash: hash })
          await session.verdict()
          session.say({ is: 'skip', epoch, run: 1, sequence: 0, bodyHash: hash })
          session.say({
            is: 'tombstone',
            epoch,
            run: 1,
            first: 5,
            last: 9,
            reason: 'damaged',
            hash,
          })
          await session.verdict()
          session.say({
            is: 'tombstone',
            epoch: 1,
            run: 1,
            first: 0,
            last: 9,
            reason: 'damaged',
            hash,
          })
          await session.verdict()
        },
        (now) => now.has('SEC-06') && now.has('SEC-04'),
      )
      session.link.close()
      const stopped = found.has('SEC-06') && found.has('SEC-04')
      return { sent: 4, refusedBy: [...found.keys()].sort(), stopped }
    },
  },
  {
    name: 'gives up its own',
    tries: 'a stolen device gives up its own frames, four times: kept as exceptions, an alarm',
    stirs: false,
    run: async (stage) => {
      const { session, run } = await holding(stage, 'quitter')
      const { scene } = stage
      const found = await countedWhile(
        scene,
        async () => {
          for (const first of [1, 2, 3, 4]) {
            session.say({
              is: 'tombstone',
              epoch: run.epoch.id,
              run: 1,
              first,
              last: first,
              reason: 'damaged',
              hash: nodeRandom(32),
            })
            await session.verdict()
          }
        },
        has('SEC-15'),
      )
      session.link.close()
      const kept = await scene.count(
        "select count(*) as count from exceptions where code = 'OPS-16'",
      )
      return {
        sent: 4,
        refusedBy: [...found.keys()].sort(),
        stopped: found.has('SEC-15') && kept >= 4,
        note: `${kept} exceptions`,
      }
    },
  },
]
