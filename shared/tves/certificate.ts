// What a message needs that changes something for longer than its session: a certificate. Transport
// keys pass: they lie in the memory of two processes, and whoever copied them speaks in the session
// until it ends. If that were enough to name the master's next key, to give a command or to give up
// frames, a thief of an hour would rule for ever. So these messages carry a tag under a key that
// both sides derive from their static keys alone. No session key and no psk is in it.
//
//   shared = X25519(own static private key, peer's static public key)
//   key = HMAC(HMAC(shared, "TVES/1 certificate"), master's public || slave's public || 0x01)
//   certificate = HMAC(key, sender u8 || device id (8) || plaintext before it)
//
// wire.md 5.5.

import { concat, equalConstantTime, fromText } from '../bytes.ts'
import { CERTIFICATE_BYTES } from '../wire/limits.ts'
import { CERTIFIED_TYPES } from '../wire/numbers.ts'
import { hkdf } from './hkdf.ts'
import { KEY_BYTES, type Suite } from './suite.ts'

const LABEL = fromText('TVES/1 certificate')

/** Whose certificate it is; part of it, so that none can be thrown back. */
const SENDER = { slave: 1, master: 2 } as const
export type Side = keyof typeof SENDER

/** Whom certificates on one link are between. */
export interface CertificateParties {
  readonly suite: Suite
  /** Which of the two we are. */
  readonly side: Side
  /** 8 bytes. */
  readonly device: Uint8Array
  readonly privateKey: Uint8Array
  /** The peer's static public key. */
  readonly peer: Uint8Array
  readonly masterKey: Uint8Array
  readonly slaveKey: Uint8Array
}

/** Writes and checks the certificates of one link. Null: the peer's static key is a point of small
 * order, nothing is certified. */
export interface Certifier {
  ours(plaintext: Uint8Array): Uint8Array | null
  theirs(plaintext: Uint8Array): Uint8Array | null
}

/** Null when `peer` is a point of small order. */
export function certificateKey({
  suite,
  privateKey,
  peer,
  masterKey,
  slaveKey,
}: Omit<CertificateParties, 'device' | 'side'>): Uint8Array | null {
  const shared = suite.dh(privateKey, peer)
  if (shared === null) return null
  const info = concat(masterKey, slaveKey)
  return hkdf(suite, { salt: shared, secret: LABEL, info }, KEY_BYTES)
}

/** The key costs an X25519, so it is made when the first certificate is asked for: most sessions
 * ask for none. */
export function certifierOf(parties: CertificateParties): Certifier {
  const { suite, device, side } = parties
  let key: Uint8Array | null | undefined
  const of = (sender: Side, plaintext: Uint8Array): Uint8Array | null => {
    if (key === undefined) key = certificateKey(parties)
    if (key === null) return null
    return suite.hmacSha256(key, concat(Uint8Array.of(SENDER[sender]), device, plaintext))
  }
  const other = side === 'slave' ? 'master' : 'slave'
  return { ours: (plaintext) => of(side, plaintext), theirs: (plaintext) => of(other, plaintext) }
}

/** Whether a control message of this plaintext carries a certificate. */
export const isCertified = (plaintext: Uint8Array): boolean =>
  CERTIFIED_TYPES.has(plaintext[0] ?? 0)

/** The plaintext without its certificate; null when that does not fit (SEC-16). */
export function withoutCertificate(certifier: Certifier, plaintext: Uint8Array): Uint8Array | null {
  if (plaintext.length <= CERTIFICATE_BYTES) return null
  const said = plaintext.subarray(0, -CERTIFICATE_BYTES)
  const due = certifier.theirs(said)
  const fits = due !== null && equalConstantTime(due, plaintext.subarray(-CERTIFICATE_BYTES))
  return fits ? new Uint8Array(said) : null
}
