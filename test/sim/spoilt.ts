// A bit that flips in a slave's memory while a frame is sealed: what is stored is whole by its
// hash, and nobody can ever open it. Such a frame is skipped (wire.md 6.4).

import type { Suite } from '../../shared/tves/suite.ts'
import { digestOf } from './book.ts'
import { FRAME_AAD_MIN } from './checkers.ts'
import type { Chance } from './prng.ts'

export function spoiling(
  suite: Suite,
  chance: Chance,
  spoil: { readonly rate: number; readonly onSpoilt: (digest: string) => void },
): Suite {
  if (spoil.rate === 0) return suite
  return {
    ...suite,
    aead: (key) => {
      const inner = suite.aead(key)
      return {
        ...inner,
        seal: (nonce, aad, plaintext, head) => {
          const sealed = inner.seal(nonce, aad, plaintext, head)
          if (aad.length <= FRAME_AAD_MIN || !chance.happens(spoil.rate)) return sealed
          const from = head?.length ?? 0
          const at = from + chance.below(sealed.length - from)
          sealed[at] = (sealed[at] ?? 0) ^ (1 << chance.below(8))
          spoil.onSpoilt(digestOf(sealed))
          return sealed
        },
      }
    },
  }
}
