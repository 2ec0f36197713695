// One attack: what is tried, what must refuse it, and what must not have changed when it is over.

import type { AttackLine } from '../billing/site/core/views.ts'
import { type AttackScene, until, type Victim } from './scene.ts'

/** The attacker's surroundings. */
export interface Stage {
  readonly scene: AttackScene
  /** Read once, then silent: what is stored of it must not change at all. */
  readonly quiet: Victim
  /** Read every second, so that there is traffic to tamper with. */
  readonly busy: Victim
}

export interface Finding {
  /** Bogus messages sent, or attempts made. */
  readonly sent: number
  /** Fault codes, or words that say what stopped it. */
  readonly refusedBy: readonly string[]
  /** Time the master and the attacker together spent on each, microseconds; null: not measured. */
  readonly microsEach?: number
  /** False: it went through. */
  readonly stopped: boolean
  readonly note?: string
}

export interface Trial {
  readonly name: string
  readonly tries: string
  /** True: the slaves react (a new epoch, a repeated frame), so that keys and tokens are compared,
   * and each row with what its meter showed. False: nothing durable may differ at all. */
  readonly stirs: boolean
  run(stage: Stage): Promise<Finding>
}

/** The result of a trial; one line of the scoreboard. */
export interface Verdict extends AttackLine {
  readonly seconds: number
}

/** The refusals that the master counted while `work` ran, once there are `enough`. */
export async function countedWhile(
  scene: AttackScene,
  work: () => Promise<void>,
  enough: (found: ReadonlyMap<string, number>) => boolean,
): Promise<ReadonlyMap<string, number>> {
  const before = await scene.refused()
  const since = async (): Promise<ReadonlyMap<string, number>> => {
    const found = new Map<string, number>()
    for (const [code, count] of await scene.refused()) {
      const more = count - (before.get(code) ?? 0)
      if (more > 0) found.set(code, more)
    }
    return found
  }
  await work()
  try {
    return await until('the refusal is counted', async () => {
      const found = await since()
      return enough(found) ? found : null
    })
  } catch {
    return since()
  }
}

export const total = (found: ReadonlyMap<string, number>): number =>
  [...found.values()].reduce((sum, count) => sum + count, 0)

export const has =
  (...codes: readonly string[]) =>
  (found: ReadonlyMap<string, number>): boolean =>
    codes.some((code) => found.has(code))

/** Waits until the slave itself counts one more of a fault, which its status reports to the master;
 * false: it never did. */
export async function noticedWhile(
  { scene }: Pick<Stage, 'scene'>,
  victim: Victim,
  code: string,
  work: () => Promise<void>,
): Promise<boolean> {
  const reported = (): Promise<number> =>
    scene.count(
      'select coalesce((faults ->> $2)::bigint, 0) as count from device_status where device_id = $1',
      [victim.device, code],
    )
  const before = await reported()
  await work()
  try {
    await until(`${code} at ${victim.name}`, async () => (await reported()) > before)
    return true
  } catch {
    return false
  }
}

/** How long a slave may pause before the attacker restarts it, ms: after many broken links it waits
 * up to a minute, and the attack has more to do. */
const PAUSE_MS = 3_000

/** Waits until the victim's link is up again and confirmed at the master. */
export async function linked({ scene }: Pick<Stage, 'scene'>, victim: Victim): Promise<void> {
  const stands = async (): Promise<boolean> =>
    (await scene.count(
      `select count(*) as count from device_status
       where device_id = $1 and connected_at > coalesce(disconnected_at, '-infinity')`,
      [victim.device],
    )) > 0
  try {
    await until(`${victim.name} is linked`, stands, PAUSE_MS)
  } catch {
    await victim.process.stop()
    victim.process.start()
    await until(`${victim.name} is linked`, stands)
  }
}
