// A complete rotation of the static key under load, narrated as it happens: enrol from one CSV
// file, read, rotate until the old key is destroyed; then count.

import { setTimeout as wait } from 'node:timers/promises'
import { readdirSync } from 'node:fs'
import { addStaticKey } from '../../services/master/shell/keys/key-store.ts'
import { equalConstantTime, type Random } from '../../shared/bytes.ts'
import { KeyFleet } from './key-fleet.ts'
import type { LightSlave } from './light-slave.ts'

const LOOK_MS = 100
const TELL_MS = 10_000

export interface RotationPlan {
  readonly devices: number
  readonly everyMs: number
  readonly patienceMs: number
  readonly random?: Random
}

export interface RotationOutcome {
  readonly fleet: KeyFleet
  readonly enrolMs: number
  readonly rotationMs: number
  readonly longestStallMs: number
  readonly taken: number
  readonly stored: { readonly rows: number; readonly distinct: number; readonly lost: number }
}

/** Rotates; the caller closes the fleet. `tell` gets the transcript line by line. */
export async function rotateUnderLoad(
  plan: RotationPlan,
  tell: (line: string) => void,
): Promise<RotationOutcome> {
  const begin = performance.now()
  const say = (line: string): void => {
    tell(`${((performance.now() - begin) / 1_000).toFixed(1).padStart(7)} s  ${line}`)
  }
  const fleet = await KeyFleet.open()
  try {
    return await rotate(fleet, plan, say)
  } catch (error) {
    await fleet.close()
    throw error
  }
}

async function rotate(
  fleet: KeyFleet,
  plan: RotationPlan,
  say: (line: string) => void,
): Promise<RotationOutcome> {
  const { devices, everyMs, patienceMs, random } = plan
  const until = async (what: string, which: (slave: LightSlave) => boolean): Promise<void> => {
    const end = performance.now() + patienceMs
    let told = performance.now()
    while (fleet.count(which) < devices) {
      if (performance.now() > end) throw new Error(`${what}: ${fleet.count(which)} of ${devices}`)
      if (performance.now() - told > TELL_MS) {
        told = performance.now()
        say(`  ${fleet.count(which)} ${what}, ${fleet.taken} readings taken`)
      }
      await wait(LOOK_MS)
    }
    say(`${devices} ${what}, ${fleet.taken} readings taken`)
  }
  const { ms: enrolMs, tokens } = await fleet.enrol(devices)
  say(`${devices} devices enrolled from one CSV file in ${Math.round(enrolMs)} ms`)
  await fleet.startSlaves(tokens, { everyMs, ...(random === undefined ? {} : { random }) })
  await until('slaves are linked and read', (slave) => slave.view.linked && slave.taken > 1)
  for (const slave of fleet.slaves.values()) slave.faults.length = 0
  const stalls = stallWatch()
  const from = performance.now()
  addStaticKey(fleet.keyFolder)
  const files = (): string =>
    readdirSync(fleet.keyFolder)
      .filter((n) => /static/.test(n))
      .join(' ')
  say(`rotate-key: the folder holds ${files()}`)
  const [old] = fleet.keys.staticKeys
  const isNew = ({ disk }: LightSlave): boolean => {
    const { identity } = disk.load()
    return !equalConstantTime(identity?.masterKey ?? old.publicKey, old.publicKey)
  }
  await until('slaves have confirmed the new key and forgotten the old', isNew)
  const end = performance.now() + patienceMs
  while (fleet.keys.staticKeys.length > 1 && performance.now() < end) await wait(LOOK_MS)
  const rotationMs = performance.now() - from
  say(`the folder holds ${files()}`)
  for (const line of fleet.said) say(`head-end: ${line}`)
  const longestStallMs = stalls()
  say(
    `the loop of master and slaves together stood ${Math.round(longestStallMs)} ms at the longest`,
  )
  await fleet.drain(patienceMs)
  const stored = await fleet.stored()
  const moves = [...fleet.slaves.values()].reduce((sum, slave) => sum + slave.moves, 0)
  const faults = new Map<string, number>()
  for (const code of [...fleet.slaves.values()].flatMap((slave) => slave.faults)) {
    faults.set(code, (faults.get(code) ?? 0) + 1)
  }
  const told = [...faults].map(([code, count]) => `${code} ${count} times`)
  say(`links left without a fault: ${moves}; faults meanwhile: ${told.join(', ') || 'none'}`)
  say(
    `readings taken ${fleet.taken}, stored ${stored.rows}, of them different ${stored.distinct}, ` +
      `lost ${stored.lost}, twice ${stored.rows - stored.distinct}`,
  )
  return { fleet, enrolMs, rotationMs, longestStallMs, taken: fleet.taken, stored }
}

/** Measures the longest time between two turns of the event loop until the returned function is
 * called. */
export function stallWatch(): () => number {
  let [last, longest] = [performance.now(), 0]
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - last)
    last = performance.now()
  }, 1)
  return () => {
    clearInterval(timer)
    return longest
  }
}
