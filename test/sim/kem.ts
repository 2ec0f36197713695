// A stand-in for ML-KEM-768 in the simulated world: the sizes are right and both sides get the same
// secret, but anybody could compute it. node:crypto draws the randomness of an encapsulation
// itself, so with the real one the same seed would not be the same world.

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
        // What the modulus check is to the real one.
        if (key.subarray(KEY_ID_BYTES).some((byte) => byte !== 0)) return null
        const ciphertext = padded(random(KEY_ID_BYTES), KEM_CIPHERTEXT_BYTES)
        return { ciphertext, secret: secretOf(key, ciphertext) }
      },
      decapsulate: (seed, ciphertext) => secretOf(keyOf(seed), ciphertext),
    },
  }
}
