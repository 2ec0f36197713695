// `ticklock attack`: a scripted attacker between real slaves and a real master. Each attack is one
// line: what was tried, which check refused it, and that nothing forged was stored and nothing
// moved.

import { errorText } from '../../shared/node/fault-error.ts'
import type { AttackScene } from './scene.ts'
import type { Finding, Stage, Trial, Verdict } from './trial.ts'
import { DOUBLE_TRIALS } from './trials-double.ts'
import { LINE_TRIALS } from './trials-line.ts'
import { STRANGER_TRIALS } from './trials-flood.ts'
import { GATE_TRIALS } from './trials-gates.ts'
import { LOOT_TRIALS } from './trials-loot.ts'
import { SESSION_TRIALS } from './trials-session.ts'
import { SQUATTER_TRIALS } from './trials-squatter.ts'
import { THIEF_TRIALS } from './trials-thief.ts'

const TRIALS: readonly Trial[] = [
  ...LINE_TRIALS,
  ...STRANGER_TRIALS,
  ...GATE_TRIALS,
  ...THIEF_TRIALS,
  ...SQUATTER_TRIALS,
  ...DOUBLE_TRIALS,
  ...SESSION_TRIALS,
  ...LOOT_TRIALS,
]

/** Runs every attack, one after the other, and reports each verdict as it comes. True: all were
 * refused. `only`: part of a name. */
/** The names of all attacks, in their order. */
export const attackNames = (): readonly string[] => TRIALS.map(({ name }) => name)

export async function runAttacks(
  scene: AttackScene,
  report: (verdict: Verdict) => void,
  only: string | null = null,
): Promise<boolean> {
  const quiet = await scene.victim('quiet', { meters: 1, everySeconds: 3_600 })
  const busy = await scene.victim('busy', { meters: 2, everySeconds: 1 })
  let all = true
  for (const trial of TRIALS) {
    if (only !== null && !trial.name.includes(only)) continue
    const verdict = await judge({ scene, quiet, busy }, trial)
    report(verdict)
    all &&= verdict.ok
  }
  return all
}

async function judge(stage: Stage, trial: Trial): Promise<Verdict> {
  const { scene, quiet, busy } = stage
  const { name, tries } = trial
  // Slaves that react make epochs and send readings, which `forged` judges; their keys stay.
  const fingerprint = (): Promise<string> =>
    trial.stirs
      ? scene.fingerprint([quiet.device, busy.device], 'keys')
      : scene.fingerprint([quiet.device], 'all')
  const before = await fingerprint()
  const since = performance.now()
  let finding: Finding
  try {
    finding = await trial.run(stage)
  } catch (error) {
    finding = { sent: 0, refusedBy: [], stopped: false, note: errorText(error) }
  }
  for (const victim of [quiet, busy]) victim.line.tamper = null
  const rowsAdded = await scene.forged()
  const moved = (await fingerprint()) !== before
  return {
    name,
    tries,
    sent: finding.sent,
    refusedBy: finding.refusedBy,
    rowsAdded,
    moved,
    microsEach: finding.microsEach ?? null,
    ok: finding.stopped && rowsAdded === 0 && !moved,
    note: finding.note ?? '',
    seconds: (performance.now() - since) / 1_000,
  }
}

/** One line of the scoreboard as text. */
export function verdictLine(verdict: Verdict): string {
  const { ok, name, tries, sent, refusedBy, rowsAdded, moved, microsEach, note, seconds } = verdict
  const cost = microsEach === null ? '' : `, ${microsEach.toFixed(0)} us each`
  const detail = note === '' ? '' : ` (${note})`
  return (
    `${ok ? 'refused' : 'FAILED '}  ${name.padEnd(24)} ${tries}: ${sent} sent${cost}; ` +
    `${refusedBy.join(' ') || 'nothing'}; rows added ${rowsAdded}, ` +
    `state moved ${moved ? 'YES' : 'none'}${detail} [${seconds.toFixed(1)} s]`
  )
}
