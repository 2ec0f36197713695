// Attacks with a device of one's own, enrolled like any other: to own the meters of others by being
// first, and to say what stops the work that is done for all.

import { Writer } from '../../shared/bytes.ts'
import { obisOf } from '../../shared/meter/obis.ts'
import { nodeRandom } from '../../shared/node/node-suite.ts'
import { unixMs } from '../../shared/units.ts'
import { CONTROL_TYPE } from '../../shared/wire/numbers.ts'
import { register } from '../billing/customers/db/registry.ts'
import { type RogueRun, RogueSession } from './rogue.ts'
import { type AttackScene, until } from './scene.ts'
import { countedWhile, type Finding, type Stage, type Trial } from './trial.ts'
import { insider } from './trials-flood.ts'
import { holding } from './trials-thief.ts'

/** The meter that is claimed before its own device reports it. */
const METER = 'squat-1'
const CLAIMS = 100
/** Readings in a frame whatever they name, and frames of them: more meters and kinds of register
 * than a device may bring. */
const READINGS = 1_000
const FRAMES = 11
/** Sealed behind the run's opener (holding). */
const AHEAD_MS = 2_000

/** Sends the frames and waits until the last is acknowledged; microseconds for each. */
async function sendAll(session: RogueSession, frames: readonly Uint8Array[]): Promise<number> {
  const since = performance.now()
  session.link.send(...frames)
  for (;;) {
    const answer = await session.told('acknowledge')
    if (answer === null) throw new Error('the link ended before all was acknowledged')
    if (answer.sequence >= frames.length) break
  }
  return ((performance.now() - since) * 1_000) / frames.length
}

async function squat({ scene }: Stage, run: RogueRun, session: RogueSession): Promise<Finding> {
  const at = Date.now() + AHEAD_MS
  const frames = Array.from({ length: CLAIMS }, (_, n) =>
    run.sealReading(at, n + 1, unixMs(Date.now() - n * 1_000), METER),
  )
  const microsEach = await sendAll(session, frames)
  const billed = await scene.count(
    'select count(*) as count from meters where number = $1 and adopted_at is not null',
    [METER],
  )
  const { device } = await scene.register(`rightful-${nodeRandom(4).join('')}`)
  await register(scene.headEnd.billing.db.pool, {
    meters: [{ number: METER, device, digits: null }],
  })
  const owned = await scene.count(
    'select count(*) as count from meters where number = $1 and device_id = $2',
    [METER, device],
  )
  const standing = await scene.count(
    `select count(*) as count from standing_readings join meters on meters.id = meter_id
     where number = $1`,
    [METER],
  )
  const alarms = await scene.count(
    "select count(*) as count from exceptions where code = 'SEC-13' and meter = $1",
    [METER],
  )
  return {
    sent: CLAIMS,
    refusedBy: ['BIL-14', 'SEC-13'],
    microsEach,
    stopped: billed === 0 && owned === 1 && standing === 0 && alarms === 1,
    note: `the registered device owns the meter, ${CLAIMS} readings set aside, an alarm`,
  }
}

/** An anchor of a process that began 8,919 years ago. */
const anchorOfOld = (): Uint8Array =>
  new Writer()
    .u8(CONTROL_TYPE.anchor)
    .bytes(nodeRandom(8))
    .u48(2 ** 48 - 1)
    .u48(Date.now())
    .u32(5)
    .done()

/** A status of more meters than any column holds. */
const statusOfMany = (): Uint8Array => {
  const writer = new Writer().u8(CONTROL_TYPE.status).u8('S'.charCodeAt(0)).svarint(0).uvarint(1)
  writer
    .uvarint(1)
    .uvarint(0)
    .uvarint(2 ** 31)
    .u8(0)
    .u8(0)
    .uvarint(0)
    .uvarint(0)
    .uvarint(0)
  return writer.svarint(0).done()
}

/** Says it in a session of its own, which the master must end. */
async function sayBadly(stage: Stage, plaintext: Uint8Array): Promise<void> {
  const keys = await insider(stage, 'poisoner')
  const session = await RogueSession.open(stage.scene.settings.tcpPort, keys)
  if (session === null) throw new Error('no session')
  session.sayRaw(plaintext)
  await session.link.ended()
  session.link.close()
}

const made = (n: number) => ({
  meter: `poison-${n}`,
  register: obisOf([1, 0, n % 256, Math.floor(n / 256), 7, 255]),
})

/** Whether another device may still bring a kind of register, and the fleet board is still kept. */
async function othersGoOn(stage: Stage): Promise<boolean> {
  const { scene, busy } = stage
  const { session, run } = await holding(stage, 'neighbour')
  // Ahead of its time: no row comes of it, but its register is new.
  const kind = [{ meter: 'neighbour-1', register: obisOf([1, 0, 9, 200, 0, 1]) }]
  const late = unixMs(Date.now() + 3_600_000)
  await sendAll(session, [run.sealReadings(Date.now() + AHEAD_MS, 1, late, kind)])
  session.link.close()
  const taken = await scene.count(
    "select count(*) as count from registers where obis = '1-0:9.200.0*1'",
  )
  const reported = (): Promise<number> => reportedAt(scene, busy.device)
  const before = await reported()
  await until('the fleet board is kept', async () => (await reported()) > before)
  return taken === 1
}

const reportedAt = (scene: AttackScene, device: string): Promise<number> =>
  scene.count(
    `select extract(epoch from reported_at) as count from device_status where device_id = $1`,
    [device],
  )

async function poison(stage: Stage): Promise<Finding> {
  const { scene } = stage
  let microsEach = 0
  const found = await countedWhile(
    scene,
    async () => {
      for (const bad of [anchorOfOld(), statusOfMany()]) await sayBadly(stage, bad)
      const { session, run } = await holding(stage, 'hoarder')
      const [at, late] = [Date.now() + AHEAD_MS, unixMs(Date.now() + 3_600_000)]
      const frames = Array.from({ length: FRAMES }, (_frame, index) =>
        run.sealReadings(
          at,
          index + 1,
          late,
          Array.from({ length: READINGS }, (_reading, n) => made(index * READINGS + n)),
        ),
      )
      microsEach = await sendAll(session, frames)
      session.link.close()
    },
    (now) => (now.get('WIR-03') ?? 0) >= 2,
  )
  const above = await scene.count(
    "select count(*) as count from exceptions where code = 'BIL-15' and meter like 'poison-%'",
  )
  const ended = (found.get('WIR-03') ?? 0) >= 2
  const stopped = ended && above > 0 && (await othersGoOn(stage))
  return {
    sent: 2 + FRAMES,
    refusedBy: [...found.keys(), 'BIL-12', 'BIL-15'].sort(),
    microsEach,
    stopped,
    note: `${READINGS} made-up meters and registers a frame; others go on`,
  }
}

export const SQUATTER_TRIALS: readonly Trial[] = [
  {
    name: 'squatter',
    tries: 'a device reports a meter before the one that reads it, then the operator registers it',
    stirs: false,
    run: async (stage) => {
      const { session, run } = await holding(stage, 'squatter')
      const finding = await squat(stage, run, session)
      session.link.close()
      return finding
    },
  },
  {
    name: 'poisoners',
    tries: 'an anchor, a status, meters and registers that would stop the work done for all',
    stirs: false,
    run: poison,
  },
]
