// What comes out of a finished handshake: exported secrets, the epoch it may found, and the control
// channel. wire.md 4.1, 4.2, 5 and 6.

import { concat, fromText, Reader } from '../bytes.ts'
import { MASTER_KEY_TAG_BYTES } from '../wire/limits.ts'
import { CONTROL_BYTE, type SessionSuite } from '../wire/message.ts'
import { type Certifier, isCertified, withoutCertificate } from './certificate.ts'
import { hkdf } from './hkdf.ts'
import type { CipherState, HandshakeResult } from './noise.ts'
import { KEY_BYTES, type Suite } from './suite.ts'

const EXPORT_LABEL = fromText('TVES/1 export')
const ENROLMENT_LABEL = fromText('TVES/1 enrol')
const SESSION_LABEL = fromText('TVES/1 session')
const CONTROL_AAD = Uint8Array.of(CONTROL_BYTE)

/** Noise prologue of an enrolment; `token` is the token's id, 8 bytes. */
export const enrolmentPrologue = (token: Uint8Array): Uint8Array => concat(ENROLMENT_LABEL, token)

/** Noise prologue of a session; `suite` as it stands in step 1. */
export const sessionPrologue = (suite: SessionSuite): Uint8Array =>
  concat(SESSION_LABEL, Uint8Array.of(suite))

/** Noise pattern of each suite of the session handshake. wire.md 4. */
export const SESSION_PATTERN = { 0: 'IKpsk2', 1: 'IKpsk2+hfs' } as const

/** Says in clear, in step 1, which of the master's keys the slave calls. wire.md 4. */
export const masterKeyTag = (suite: Suite, publicKey: Uint8Array): Uint8Array =>
  suite.sha256(publicKey).slice(0, MASTER_KEY_TAG_BYTES)

/** A 32-byte secret of its own for one purpose, from a handshake's final chaining key. wire.md 4.2.
 */
export function exporter(
  suite: Suite,
  chainingKey: Uint8Array,
  label: 'psk' | 'epoch',
): Uint8Array {
  return hkdf(suite, { salt: chainingKey, secret: EXPORT_LABEL, info: fromText(label) }, KEY_BYTES)
}

/** Id of the epoch that a session handshake founds, from its final transcript hash. 0 (once in four
 * billion) stands for "none": both sides see it and continue as if no epoch had been offered.
 * wire.md 6. */
export const epochId = (transcript: Uint8Array): number => new Reader(transcript).u32()

export interface EpochSecret {
  readonly id: number
  /** 32 bytes: part of every frame's associated data. */
  readonly transcript: Uint8Array
  /** 32 bytes: what plantTree grows the tree from. */
  readonly secret: Uint8Array
}

/** The epoch that a session handshake founds. Null when its id would be 0, which stands for "none":
 * once in four billion; both sides see it and continue as if none had been offered. wire.md 6. */
export function epochOf(
  suite: Suite,
  { transcript, chainingKey }: Pick<HandshakeResult, 'transcript' | 'chainingKey'>,
): EpochSecret | null {
  const id = epochId(transcript)
  if (id === 0) return null
  return { id, transcript, secret: exporter(suite, chainingKey, 'epoch') }
}

export type Opened =
  | { readonly ok: true; readonly plaintext: Uint8Array }
  /** SEC-11: it was not sealed under this session's keys, in this place. SEC-16: it was, but what
   * outlives the session lacks its certificate. Either ends the link. */
  | { readonly ok: false; readonly fault: 'SEC-11' | 'SEC-16' }

/** Sealed control messages in both directions. The cipher states count: a repeated, dropped or
 * reordered body does not open, and after one that does not open (SEC-11) none does. Certificates
 * are added and checked here, so that no message that needs one goes without. */
export class ControlChannel {
  readonly #send: CipherState
  readonly #receive: CipherState
  readonly #certifier: Certifier | null
  #broken = false

  /** `certifier` null: an enrolment, in which nothing is said that outlives it but its end. */
  constructor(keys: Pick<HandshakeResult, 'send' | 'receive'>, certifier: Certifier | null) {
    this.#send = keys.send
    this.#receive = keys.receive
    this.#certifier = certifier
  }

  /** The session is over: overwrites its keys. */
  forget(): void {
    this.#broken = true
    this.#send.forget()
    this.#receive.forget()
  }

  /** The whole body of one control message. Where our certificates are worth nothing (the peer's
   * static key is a point of small order) it goes without, and is refused. */
  seal(plaintext: Uint8Array): Uint8Array {
    const certificate = isCertified(plaintext) ? this.#certifier?.ours(plaintext) : null
    const whole = certificate ? concat(plaintext, certificate) : plaintext
    return concat(CONTROL_AAD, this.#send.encrypt(CONTROL_AAD, whole))
  }

  /** The plaintext of a body, its certificate taken off. */
  open(body: Uint8Array): Opened {
    if (this.#broken) return { ok: false, fault: 'SEC-11' }
    const opened =
      body[0] === CONTROL_BYTE ? this.#receive.decrypt(CONTROL_AAD, body.subarray(1)) : null
    this.#broken = opened === null
    if (opened === null) return { ok: false, fault: 'SEC-11' }
    if (!isCertified(opened)) return { ok: true, plaintext: opened }
    const certifier = this.#certifier
    const plaintext = certifier === null ? null : withoutCertificate(certifier, opened)
    this.#broken = plaintext === null
    return plaintext === null ? { ok: false, fault: 'SEC-16' } : { ok: true, plaintext }
  }
}
