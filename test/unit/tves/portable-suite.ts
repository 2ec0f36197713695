// The portable provider with nothing of node:crypto in it: @noble/curves and @noble/post-quantum
// stand in for what a browser would bring. Slow, and for tests only.

import { x25519 } from '@noble/curves/ed25519.js'
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js'
import { nobleSuite } from '../../../shared/tves/noble-suite.ts'
import { KEM_CIPHERTEXT_BYTES } from '../../../shared/tves/suite.ts'

function orNull<Result>(compute: () => Result): Result | null {
  try {
    return compute()
  } catch {
    return null
  }
}

export const portableSuite = nobleSuite({
  publicKey: (privateKey) => x25519.getPublicKey(privateKey),
  dh: (privateKey, publicKey) => orNull(() => x25519.getSharedSecret(privateKey, publicKey)),
  kem: {
    encapsulationKey: (seed) => ml_kem768.keygen(seed).publicKey,
    encapsulate: (encapsulationKey) =>
      orNull(() => {
        const { cipherText, sharedSecret } = ml_kem768.encapsulate(encapsulationKey)
        return { ciphertext: cipherText, secret: sharedSecret }
      }),
    decapsulate: (seed, ciphertext) =>
      ciphertext.length === KEM_CIPHERTEXT_BYTES
        ? ml_kem768.decapsulate(ciphertext, ml_kem768.keygen(seed).secretKey)
        : null,
  },
})
