// Suite 1's session handshake written out token by token, with nothing but node:crypto: a second
// opinion on shared/tves/noise.ts, and where the intermediate values of the vectors come from.

import {
  createCipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
} from 'node:crypto'

const PROTOCOL = 'Noise_IKpsk2+hfs_25519+MLKEM768_AESGCM_SHA256'

interface Keys {
  readonly privateKey: Uint8Array
  readonly publicKey: Uint8Array
}

export interface HandSession {
  readonly prologue: Uint8Array
  readonly psk: Uint8Array
  readonly slave: Keys
  readonly master: Keys
  readonly slaveEphemeral: Keys
  readonly masterEphemeral: Keys
  readonly kem: {
    readonly encapsulationKey: Uint8Array
    readonly ciphertext: Uint8Array
    readonly secret: Uint8Array
  }
  readonly payloads: readonly [Uint8Array, Uint8Array]
}

export interface HandStep {
  readonly after: string
  readonly transcript: Uint8Array
  readonly chainingKey: Uint8Array
}

export interface HandResult {
  readonly steps: readonly HandStep[]
  readonly messages: readonly [Uint8Array, Uint8Array]
  /** Split(): what seals slave to master, and master to slave. */
  readonly transportKeys: readonly [Uint8Array, Uint8Array]
}

const join = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts))
const hmac = (key: Uint8Array, message: Uint8Array): Uint8Array =>
  new Uint8Array(createHmac('sha256', key).update(message).digest())
const sha256 = (message: Uint8Array): Uint8Array =>
  new Uint8Array(createHash('sha256').update(message).digest())

function x25519(own: Keys, peer: Keys): Uint8Array {
  const raw = { asymmetricKeyType: 'x25519' } as const
  const privateKey = createPrivateKey({
    key: Buffer.from(own.privateKey),
    format: 'raw-private',
    ...raw,
  })
  const publicKey = createPublicKey({
    key: Buffer.from(peer.publicKey),
    format: 'raw-public',
    ...raw,
  })
  return new Uint8Array(diffieHellman({ privateKey, publicKey }))
}

class Hand {
  readonly steps: HandStep[] = []
  message: Uint8Array = new Uint8Array(0)
  transcript: Uint8Array
  chainingKey: Uint8Array
  #key: Uint8Array = new Uint8Array(0)
  #counter = 0

  constructor() {
    this.transcript = sha256(Buffer.from(PROTOCOL))
    this.chainingKey = this.transcript
  }

  hkdf(input: Uint8Array): readonly [Uint8Array, Uint8Array, Uint8Array] {
    const secret = hmac(this.chainingKey, input)
    const first = hmac(secret, Uint8Array.of(1))
    const second = hmac(secret, join(first, Uint8Array.of(2)))
    return [first, second, hmac(secret, join(second, Uint8Array.of(3)))]
  }

  hash(bytes: Uint8Array): void {
    this.transcript = sha256(join(this.transcript, bytes))
  }

  key(input: Uint8Array): void {
    const [chainingKey, key] = this.hkdf(input)
    this.chainingKey = chainingKey
    this.#key = key
    this.#counter = 0
  }

  psk(input: Uint8Array): void {
    const [chainingKey, hash, key] = this.hkdf(input)
    this.chainingKey = chainingKey
    this.hash(hash)
    this.#key = key
    this.#counter = 0
  }

  /** Bytes in clear. */
  show(bytes: Uint8Array): void {
    this.hash(bytes)
    this.message = join(this.message, bytes)
  }

  /** EncryptAndHash. */
  seal(plaintext: Uint8Array): void {
    const nonce = new Uint8Array(12)
    nonce[11] = this.#counter
    this.#counter += 1
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce, { authTagLength: 16 })
    cipher.setAAD(this.transcript)
    const sealed = join(cipher.update(plaintext), cipher.final(), cipher.getAuthTag())
    this.show(sealed)
  }

  after(token: string): void {
    this.steps.push({ after: token, transcript: this.transcript, chainingKey: this.chainingKey })
  }
}

/** wire.md 4, suite 1, both messages. */
export function handSession(session: HandSession): HandResult {
  const { slave, master, slaveEphemeral, masterEphemeral, kem, payloads } = session
  const hand = new Hand()
  hand.hash(session.prologue)
  hand.hash(master.publicKey)
  hand.after('start')
  hand.show(slaveEphemeral.publicKey)
  hand.key(slaveEphemeral.publicKey)
  hand.after('1 e')
  hand.seal(kem.encapsulationKey)
  hand.after('1 e1')
  hand.key(x25519(slaveEphemeral, master))
  hand.after('1 es')
  hand.seal(slave.publicKey)
  hand.after('1 s')
  hand.key(x25519(slave, master))
  hand.after('1 ss')
  hand.seal(payloads[0])
  hand.after('1 payload')
  const first = hand.message
  hand.message = new Uint8Array(0)
  hand.show(masterEphemeral.publicKey)
  hand.key(masterEphemeral.publicKey)
  hand.after('2 e')
  hand.key(x25519(masterEphemeral, slaveEphemeral))
  hand.after('2 ee')
  hand.seal(kem.ciphertext)
  hand.key(kem.secret)
  hand.after('2 ekem1')
  hand.key(x25519(masterEphemeral, slave))
  hand.after('2 se')
  hand.psk(session.psk)
  hand.after('2 psk')
  hand.seal(payloads[1])
  hand.after('2 payload')
  const [up, down] = hand.hkdf(new Uint8Array(0))
  return { steps: hand.steps, messages: [first, hand.message], transportKeys: [up, down] }
}
