// What lies in the memory of a simulated process: every array of bytes that can be reached from its
// state, and every secret that its crypto provider ever handed out and nobody overwrote, reachable
// or not. A real memory image holds both: what is freed is not erased.

import { isSpent } from '../../shared/bytes.ts'
import { type Agent, startAgent, stateAtStart } from '../../services/slave/core/agent.ts'
import type { AgentSetup } from '../../services/slave/core/state/setup.ts'
import type { Suite } from '../../shared/tves/suite.ts'

/** Every array of bytes that can be reached from `root`. */
export function bytesIn(root: unknown): readonly Uint8Array[] {
  const [found, seen, waiting] = [new Set<Uint8Array>(), new Set<object>(), [root]]
  for (let next = waiting.pop(); waiting.length > 0 || next !== undefined; next = waiting.pop()) {
    if (typeof next !== 'object' || next === null || seen.has(next)) continue
    seen.add(next)
    if (next instanceof Uint8Array) found.add(next)
    else if (next instanceof Map) waiting.push(...next.keys(), ...next.values())
    else if (next instanceof Set || Array.isArray(next)) waiting.push(...next)
    else waiting.push(...Object.values(next))
  }
  return [...found]
}

/** A provider that remembers the secrets it handed out. */
export class RememberedSuite {
  readonly suite: Suite
  #secrets: Uint8Array[] = []

  constructor(suite: Suite) {
    const kept = <Bytes extends Uint8Array | null>(secret: Bytes): Bytes => {
      if (secret !== null) this.#secrets.push(secret)
      return secret
    }
    this.suite = {
      ...suite,
      sha512Halves: (message) => {
        const [left, right] = suite.sha512Halves(message)
        return [kept(left), kept(right)]
      },
      hmacSha256: (key, message) => kept(suite.hmacSha256(key, message)),
      dh: (privateKey, publicKey) => kept(suite.dh(privateKey, publicKey)),
    }
  }

  /** Those that nobody overwrote. */
  left(): readonly Uint8Array[] {
    this.#secrets = this.#secrets.filter((secret) => !isSpent(secret))
    return this.#secrets
  }
}

/** An agent, and what lies in its memory; null while frames are on their way to the disk: until it
 * hears that they are stored, it must hold what sealed them. */
export function remembered(setup: AgentSetup): {
  readonly agent: Agent
  readonly image: () => readonly Uint8Array[] | null
} {
  const memory = new RememberedSuite(setup.suite)
  const watched = { ...setup, suite: memory.suite }
  const state = stateAtStart(watched)
  const waits = (): boolean => state.jobs.waiting.some(({ job }) => job.is === 'frames')
  const image = () => (waits() ? null : [...bytesIn(state), ...memory.left()])
  return { agent: startAgent(watched, state), image }
}
