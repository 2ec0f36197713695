// Who took the transport keys of a live session, both directions, and nothing else: no static key,
// no epoch, and the psk only where a test hands it over. The keys are taken from the victim's
// crypto provider, as from its memory.

import { concat } from '../../shared/bytes.ts'
import { type Aead, NONCE_BYTES, type Suite } from '../../shared/tves/suite.ts'
import { CONTROL_BYTE } from '../../shared/wire/message.ts'

const AAD = Uint8Array.of(CONTROL_BYTE)

/** One direction of a session, as its cipher state has it. */
interface Direction {
  readonly aead: Aead
  /** The counter of the next message. */
  readonly next: number
}

const counterOf = (nonce: Uint8Array): number =>
  Number(new DataView(nonce.buffer, nonce.byteOffset).getBigUint64(NONCE_BYTES - 8))

function nonceOf(counter: number): Uint8Array {
  const nonce = new Uint8Array(NONCE_BYTES)
  new DataView(nonce.buffer).setBigUint64(NONCE_BYTES - 8, BigInt(counter))
  return nonce
}

const isControl = (aad: Uint8Array): boolean => aad.length === 1 && aad[0] === CONTROL_BYTE

export class SessionThief {
  /** The victim's provider, watched. */
  readonly suite: Suite
  #says: Direction | null = null
  #hears: Direction | null = null
  /** The newest of all, in the order in which they were made. */
  #made: Aead[] = []

  constructor(suite: Suite) {
    this.suite = {
      ...suite,
      aead: (key) => {
        const aead = suite.aead(key)
        this.#made = [...this.#made.slice(-3), aead]
        return this.#watched(aead)
      },
    }
  }

  /** True once both directions were seen. */
  get holds(): boolean {
    return this.#says !== null && this.#hears !== null
  }

  /** A message that the victim takes for its peer's. */
  toVictim(plaintext: Uint8Array): Uint8Array {
    return body(this.#hears, plaintext)
  }

  /** A message that the peer takes for the victim's; the victim's own next one opens no more. */
  asVictim(plaintext: Uint8Array): Uint8Array {
    const sent = body(this.#says, plaintext)
    if (this.#says !== null) this.#says = { ...this.#says, next: this.#says.next + 1 }
    return sent
  }

  #watched(aead: Aead): Aead {
    return {
      seal: (nonce, aad, plaintext, head) => {
        if (isControl(aad)) {
          const next = counterOf(nonce) + 1
          this.#says = { aead, next }
          // The slave's first word of a session: Noise's split made both keys, this one first.
          const other = this.#made[this.#made.indexOf(aead) + 1]
          if (next === 1 && other !== undefined) this.#hears = { aead: other, next: 0 }
        }
        return aead.seal(nonce, aad, plaintext, head)
      },
      open: (nonce, aad, sealed) => {
        const plaintext = aead.open(nonce, aad, sealed)
        if (isControl(aad) && plaintext !== null) this.#hears = { aead, next: counterOf(nonce) + 1 }
        return plaintext
      },
    }
  }
}

function body(direction: Direction | null, plaintext: Uint8Array): Uint8Array {
  if (direction === null) return new Uint8Array(0)
  const { aead, next } = direction
  return concat(AAD, aead.seal(nonceOf(next), AAD, plaintext))
}
