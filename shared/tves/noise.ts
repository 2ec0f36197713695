// A small Noise core (revision 34) for 25519, AESGCM and SHA256: the handshakes of TVES and every
// other interactive pattern that the same tokens can spell, so that the published vectors can test
// it. Noise's extension for hybrid forward secrecy (tokens e1 and ekem1) is there with ML-KEM-768.
// Ephemeral keys are passed in. Nothing an outsider sends makes it throw: a message that does not
// authenticate gives null and ends the handshake.
// https://noiseprotocol.org/noise.html

import { assert } from '../assert.ts'
import { concat, fromText, isSpent } from '../bytes.ts'
import { hkdf } from './hkdf.ts'
import {
  exchangeOf,
  type Field,
  FIELD_BYTES,
  isField,
  type Pattern,
  PATTERNS,
  type Token,
} from './noise-patterns.ts'
import { type Aead, KEM_SEED_BYTES, KEY_BYTES, NONCE_BYTES, type Suite } from './suite.ts'
import { TAG_BYTES } from '../wire/limits.ts'

const NONE = new Uint8Array(0)

export interface KeyPair {
  readonly privateKey: Uint8Array
  readonly publicKey: Uint8Array
}

/** Nonce of Noise's AESGCM: four zero bytes, then the counter as u64. */
function counterNonce(counter: number): Uint8Array {
  const nonce = new Uint8Array(NONCE_BYTES)
  new DataView(nonce.buffer).setBigUint64(NONCE_BYTES - 8, BigInt(counter))
  return nonce
}

/** One direction: a key and a counter that grows by one per message. */
export class CipherState {
  readonly #key: Uint8Array
  readonly #aead: Aead
  #counter = 0

  /** `key` is ours from here on. */
  constructor(suite: Suite, key: Uint8Array) {
    this.#key = key
    this.#aead = suite.aead(key)
  }

  /** Overwrites the key: nothing is sealed or opened any more. */
  forget(): void {
    this.#key.fill(0)
  }

  encrypt(aad: Uint8Array, plaintext: Uint8Array): Uint8Array {
    assert(!isSpent(this.#key), 'nothing is said in a session that is over')
    const sealed = this.#aead.seal(counterNonce(this.#counter), aad, plaintext)
    this.#counter += 1
    return sealed
  }

  /** Null when it does not open; the counter then stands still. */
  decrypt(aad: Uint8Array, sealed: Uint8Array): Uint8Array | null {
    const plaintext = this.#aead.open(counterNonce(this.#counter), aad, sealed)
    if (plaintext !== null) this.#counter += 1
    return plaintext
  }
}

/** Chaining key, transcript hash, and the cipher once there is a key. Noise, section 5.2. */
class SymmetricState {
  readonly #suite: Suite
  chainingKey: Uint8Array
  transcript: Uint8Array
  #cipher: CipherState | null = null

  constructor(suite: Suite, protocol: string) {
    this.#suite = suite
    const name = fromText(protocol)
    // A name that fits is padded with zeros, a longer one is hashed.
    const padded = new Uint8Array(KEY_BYTES)
    if (name.length <= KEY_BYTES) padded.set(name)
    this.transcript = name.length <= KEY_BYTES ? padded : suite.sha256(name)
    this.chainingKey = this.transcript.slice()
  }

  get keyed(): boolean {
    return this.#cipher !== null
  }

  /** Derives `count` keys of 32 bytes each. */
  #hkdf(input: Uint8Array, outputs: number): Uint8Array[] {
    const from = { salt: this.chainingKey, secret: input, info: NONE }
    const keys = hkdf(this.#suite, from, outputs * KEY_BYTES)
    return Array.from({ length: outputs }, (_, at) =>
      keys.subarray(at * KEY_BYTES, (at + 1) * KEY_BYTES),
    )
  }

  /** The next chaining key and cipher; those before are overwritten. */
  #advance(chainingKey: Uint8Array, key: Uint8Array): void {
    this.chainingKey.fill(0)
    this.chainingKey = chainingKey
    this.#cipher?.forget()
    this.#cipher = new CipherState(this.#suite, key)
  }

  mixHash(bytes: Uint8Array): void {
    this.transcript = this.#suite.sha256(concat(this.transcript, bytes))
  }

  mixKey(input: Uint8Array): void {
    const [chainingKey = NONE, key = NONE] = this.#hkdf(input, 2)
    this.#advance(chainingKey, key)
  }

  mixKeyAndHash(input: Uint8Array): void {
    const [chainingKey = NONE, hash = NONE, key = NONE] = this.#hkdf(input, 3)
    this.mixHash(hash)
    hash.fill(0)
    this.#advance(chainingKey, key)
  }

  encryptAndHash(plaintext: Uint8Array): Uint8Array {
    const sealed = this.#cipher?.encrypt(this.transcript, plaintext) ?? plaintext
    this.mixHash(sealed)
    return sealed
  }

  decryptAndHash(sealed: Uint8Array): Uint8Array | null {
    const plaintext = this.#cipher === null ? sealed : this.#cipher.decrypt(this.transcript, sealed)
    if (plaintext !== null) this.mixHash(sealed)
    return plaintext
  }

  split(): readonly [CipherState, CipherState] {
    const [first = NONE, second = NONE] = this.#hkdf(NONE, 2)
    this.#cipher?.forget()
    return [new CipherState(this.#suite, first), new CipherState(this.#suite, second)]
  }
}

interface HandshakeKeys {
  readonly suite: Suite
  readonly initiator: boolean
  readonly prologue: Uint8Array
  readonly staticKey: KeyPair
  /** The peer's static key where the pattern says that it is known. */
  readonly remoteStatic?: Uint8Array
  /** 32 bytes; a responder that learns only from message 1 which one to use calls setPsk. */
  readonly psk?: Uint8Array
  /** Private key of this handshake alone: fresh, never used again, and overwritten at its end. */
  readonly ephemeral: Uint8Array
  /** Seed of the initiator's ML-KEM key pair, where the pattern has one: likewise. */
  readonly kemSeed?: Uint8Array
  /** Called with the peer's static key as soon as it is decrypted, before more work is spent on the
   * caller; false ends the handshake. */
  readonly admit?: (remoteStatic: Uint8Array) => boolean
}

export interface HandshakeResult {
  readonly send: CipherState
  readonly receive: CipherState
  /** Final transcript hash, 32 bytes. */
  readonly transcript: Uint8Array
  /** Final chaining key: what exporter() starts from. All secrets of the session follow from it, so
   * whoever finished the handshake overwrites it once it has exported what it needs. */
  readonly chainingKey: Uint8Array
}

export const startHandshake = (
  keys: HandshakeKeys & { readonly pattern: keyof typeof PATTERNS },
): Handshake => new Handshake(PATTERNS[keys.pattern], keys)

export class Handshake {
  readonly #keys: HandshakeKeys
  readonly #pattern: Pattern
  /** Public key of our ephemeral, once it is needed. */
  #ephemeralPublic: Uint8Array | null = null
  readonly #state: SymmetricState
  #psk: Uint8Array | null
  #remoteStatic: Uint8Array | null
  #remoteEphemeral: Uint8Array | null = null
  #remoteKemKey: Uint8Array | null = null
  #step = 0
  #failed = false

  constructor(pattern: Pattern, keys: HandshakeKeys) {
    const { suite, initiator, staticKey } = keys
    this.#keys = keys
    this.#pattern = pattern
    this.#psk = keys.psk ?? null
    this.#remoteStatic = keys.remoteStatic ?? null
    const protocol = `Noise_${pattern.name}_${exchangeOf(pattern)}_AESGCM_SHA256`
    this.#state = new SymmetricState(suite, protocol)
    this.#state.mixHash(keys.prologue)
    for (const side of [true, false]) {
      const known = side ? pattern.known.initiator : pattern.known.responder
      const key = side === initiator ? staticKey.publicKey : this.#remoteStatic
      if (!known) continue
      assert(key !== null, 'the pattern says that this static key is known')
      this.#state.mixHash(key)
    }
  }

  /** The peer's static key, once known; not proven to be its own before the handshake is done. */
  get remoteStatic(): Uint8Array | null {
    return this.#remoteStatic
  }

  get done(): boolean {
    return !this.#failed && this.#step === this.#pattern.messages.length
  }

  setPsk(psk: Uint8Array): void {
    this.#psk = psk
  }

  /** The next message, carrying `payload`. Null when a key that the peer sent is refused (a point
   * of small order, a malformed encapsulation key); the handshake is then over. */
  write(payload: Uint8Array): Uint8Array | null {
    const parts: Uint8Array[] = []
    const tokens = this.#turn(true)
    assert(tokens !== null || this.#failed, 'handshake messages are written in turn')
    if (tokens === null) return null
    for (const token of tokens) {
      if (isField(token)) {
        const field = this.#writeField(token)
        if (field === null) return this.#fail()
        parts.push(field)
      } else if (!this.#mixSecret(token)) return this.#fail()
    }
    parts.push(this.#state.encryptAndHash(payload))
    return concat(...parts)
  }

  /** The payload of the peer's next message, or null when it does not authenticate or comes out of
   * turn; the handshake is then over. */
  read(message: Uint8Array): Uint8Array | null {
    const tokens = this.#turn(false)
    if (tokens === null) return this.#fail()
    let rest = message
    for (const token of tokens) {
      if (!isField(token)) {
        if (!this.#mixSecret(token)) return this.#fail()
        continue
      }
      const sealed = token !== 'e' && this.#state.keyed
      const length = FIELD_BYTES[token] + (sealed ? TAG_BYTES : 0)
      if (rest.length < length) return this.#fail()
      const field = new Uint8Array(rest.subarray(0, length))
      rest = rest.subarray(length)
      if (!this.#readField(token, field)) return this.#fail()
    }
    const payload = this.#state.decryptAndHash(rest)
    return payload === null ? this.#fail() : new Uint8Array(payload)
  }

  /** Transport keys and what the exporter needs, after the last message. */
  finish(): HandshakeResult {
    assert(this.done, 'a handshake is finished after its last message')
    const [first, second] = this.#state.split()
    this.#forgetOwn()
    const { transcript, chainingKey } = this.#state
    return this.#keys.initiator
      ? { send: first, receive: second, transcript, chainingKey }
      : { send: second, receive: first, transcript, chainingKey }
  }

  /** Tokens of the next message, or null when it is not ours to write (or to read). */
  #turn(writing: boolean): readonly Token[] | null {
    const tokens = this.#pattern.messages[this.#step]
    const ours = (this.#step % 2 === 0) === this.#keys.initiator
    if (this.#failed || tokens === undefined || ours !== writing) return null
    this.#step += 1
    return tokens
  }

  /** The bytes of a field of ours; null when what the peer sent allows none. */
  #writeField(token: Field): Uint8Array | null {
    const { suite, staticKey, ephemeral, kemSeed } = this.#keys
    if (token === 'e') {
      this.#ephemeralPublic ??= suite.publicKey(ephemeral)
      this.#mixEphemeral(this.#ephemeralPublic)
      return this.#ephemeralPublic
    }
    if (token === 's') return this.#state.encryptAndHash(staticKey.publicKey)
    if (token === 'e1') {
      assert(kemSeed?.length === KEM_SEED_BYTES, 'the initiator brings a seed')
      return this.#state.encryptAndHash(suite.kem.encapsulationKey(kemSeed))
    }
    assert(this.#remoteKemKey !== null, 'a pattern sends a key before it uses it')
    const made = suite.kem.encapsulate(this.#remoteKemKey)
    if (made === null) return null
    const field = this.#state.encryptAndHash(made.ciphertext)
    this.#state.mixKey(made.secret)
    made.secret.fill(0)
    return field
  }

  /** Takes a field of the peer's; false when it is refused. */
  #readField(token: Field, field: Uint8Array): boolean {
    const { suite, kemSeed, admit } = this.#keys
    if (token === 'e') {
      this.#remoteEphemeral = field
      this.#mixEphemeral(field)
      return true
    }
    const content = this.#state.decryptAndHash(field)
    if (content === null) return false
    if (token === 's') {
      this.#remoteStatic = content
      return admit?.(content) ?? true
    }
    if (token === 'e1') {
      this.#remoteKemKey = content
      return true
    }
    assert(kemSeed !== undefined, 'the initiator brought a seed')
    const secret = suite.kem.decapsulate(kemSeed, content)
    if (secret === null) return false
    this.#state.mixKey(secret)
    secret.fill(0)
    return true
  }

  #fail(): null {
    this.#failed = true
    this.#forgetOwn()
    return null
  }

  /** From the ephemeral keys, and the static key of a device that is stolen later, a recorded
   * handshake could be worked out again. */
  #forgetOwn(): void {
    this.#keys.ephemeral.fill(0)
    this.#keys.kemSeed?.fill(0)
  }

  /** If the pattern uses a psk anywhere, ephemeral keys are mixed into the key too. */
  #mixEphemeral(key: Uint8Array): void {
    this.#state.mixHash(key)
    if (this.#pattern.name.includes('psk')) this.#state.mixKey(key)
  }

  /** A Diffie-Hellman result or the psk; false when the peer's key is refused. */
  #mixSecret(token: 'ee' | 'es' | 'se' | 'ss' | 'psk'): boolean {
    if (token === 'psk') {
      assert(this.#psk?.length === KEY_BYTES, 'the psk is set before its message')
      this.#state.mixKeyAndHash(this.#psk)
      return true
    }
    // The first letter is the initiator's key, the second the responder's.
    const [initiator, responder] = token
    const { initiator: weInitiate, staticKey, ephemeral, suite } = this.#keys
    const own = (weInitiate ? initiator : responder) === 'e' ? ephemeral : staticKey.privateKey
    const peer =
      (weInitiate ? responder : initiator) === 'e' ? this.#remoteEphemeral : this.#remoteStatic
    assert(peer !== null, 'a pattern sends a key before it uses it')
    const shared = suite.dh(own, peer)
    if (shared === null) return false
    this.#state.mixKey(shared)
    shared.fill(0)
    return true
  }
}
