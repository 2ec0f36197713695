// How often a password may be tried for one name, whichever addresses the attempts come from. The
// limit per address stops one guesser; this one stops many who share the work. An address from
// which that operator has logged in before is not held up by it: otherwise strangers could lock an
// operator out by guessing.

import type { UnixMs } from '../../../../shared/units.ts'
import { LOGINS_PER_ACCOUNT, NAMES_MAX } from './limits.ts'

const MINUTE_MS = 60_000
/** Addresses remembered for each name: a person's desk, home and telephone, with room. */
const ADDRESSES_PER_NAME = 8

interface Tried {
  since: UnixMs
  count: number
  /** From where this operator logged in, the latest last. */
  readonly known: string[]
}

export interface Attempt {
  readonly name: string
  readonly address: string
  readonly now: UnixMs
}

export interface Attempts {
  /** Counts an attempt; false: one too many for this name from an unknown address. */
  admit(attempt: Attempt): boolean
  /** The password was right. */
  succeeded(attempt: Attempt): void
}

export function createAttempts(): Attempts {
  const names = new Map<string, Tried>()
  const triedOf = ({ name, now }: Attempt): Tried => {
    const found = names.get(name) ?? { since: now, count: 0, known: [] }
    // The name tried last stands last: the first is the one to forget.
    names.delete(name)
    names.set(name, found)
    const [oldest] = names.keys()
    if (names.size > NAMES_MAX && oldest !== undefined) names.delete(oldest)
    return found
  }
  return {
    admit(attempt) {
      const tried = triedOf(attempt)
      if (attempt.now - tried.since >= MINUTE_MS || attempt.now < tried.since) {
        tried.since = attempt.now
        tried.count = 0
      }
      if (tried.known.includes(attempt.address)) return true
      tried.count += 1
      return tried.count <= LOGINS_PER_ACCOUNT
    },
    succeeded(attempt) {
      const { known } = triedOf(attempt)
      const at = known.indexOf(attempt.address)
      if (at >= 0) known.splice(at, 1)
      known.push(attempt.address)
      if (known.length > ADDRESSES_PER_NAME) known.shift()
    },
  }
}
