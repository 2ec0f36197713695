// A stand-in for ML-KEM-768: sizes are right and both sides get the same secret, but it protects
// nothing. node:crypto draws the randomness of an encapsulation itself, so with the real algorithm
// the same seed would not give the same world.

import { concat, type Random } from '../../shared/bytes.ts'
import { nodeSuite } from '../../shared/node/node-suite.ts'
import { KEM_CIPHERTEXT_BYTES, KEM_KEY_BYTES, type Suite } from '../../shared/tves/suite.ts'

const KEY_ID_BYTES = 32

function padded(bytes: Uint8Array, length: number): Uint8Array {
  const whole = new Uint8Array(length)
  whole.set(bytes)
  return whole
}

/** node:crypto with the stand-in; every encapsulation draws from `random`. */
export function simulatedSuite(random: Random): Suite {
  const { sha256 } = nodeSuite
  const keyOf = (seed: Uint8Array): Uint8Array => padded(sha256(seed), KEM_KEY_BYTES)
  const secretOf = (key: Uint8Array, ciphertext: Uint8Array): Uint8Array =>
    sha256(concat(key, ciphertext))
  return {
    ...nodeSuite,
    kem: {
      encapsulationKey: keyOf,
      encapsulate: (key) => {
        // Stands for the modulus check.
        if (key.subarray(KEY_ID_BYTES).some((byte) => byte !== 0)) return null
        const ciphertext = padded(random(KEY_ID_BYTES), KEM_CIPHERTEXT_BYTES)
        return { ciphertext, secret: secretOf(key, ciphertext) }
      },
      decapsulate: (seed, ciphertext) => secretOf(keyOf(seed), ciphertext),
    },
  }
}
