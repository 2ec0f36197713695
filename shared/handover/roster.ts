// Who may call the master: devices, one-time tokens, epochs and stream positions. Secrets cross
// this border only as sealed blobs (tree, psk): the master's key store wraps them before they are
// handed over.

import type { Second, UnixMs } from '../units.ts'
import type { DeviceId, StreamPosition } from './sink.ts'

export interface DeviceRecord {
  readonly id: DeviceId
  readonly name: string
  /** The slave's static X25519 public key, 32 bytes; null until enrolled. */
  readonly staticKey: Uint8Array | null
  /** Wrapped pre-shared key; null until enrolled. */
  readonly psk: Uint8Array | null
  /** Attempt number of the enrolment that made this psk (wire.md 3). */
  readonly attempt: number
  readonly revoked: boolean
  /** From when the slave back-fills from its meters' load profiles; null: no back-fill. */
  readonly historyFrom: UnixMs | null
}

export interface TokenRecord {
  /** 8 bytes as 16 hex digits; travels in clear in the first enrolment message. */
  readonly id: string
  readonly device: DeviceId
  /** Wrapped token secret. */
  readonly secret: Uint8Array
  readonly expiresAt: UnixMs
  /** Static key that used it; null when unused. */
  readonly burntBy: Uint8Array | null
}

export interface EpochRecord {
  readonly device: DeviceId
  readonly id: number
  readonly origin: UnixMs
  /** Final handshake transcript hash, 32 bytes: part of every frame's associated data. */
  readonly transcript: Uint8Array
  /** Wrapped key tree and iv key, as shared/tves encodes them. */
  readonly keys: Uint8Array
  readonly closed: boolean
}

/** Thrown by a write that lost: another key burnt the token, or a newer attempt is stored. */
export class RosterConflict extends Error {
  override readonly name = 'RosterConflict'
}

export interface Roster {
  /** Everything, at start and again whenever `revision` changed. */
  load(): Promise<{
    readonly revision: number
    readonly devices: readonly DeviceRecord[]
    readonly tokens: readonly TokenRecord[]
    readonly epochs: readonly EpochRecord[]
    readonly positions: readonly StreamPosition[]
  }>
  /** Grows with every change of devices or tokens from outside (new token, revocation). */
  revision(): Promise<number>
  /** Burns the token for this key and stores key, psk and attempt in one transaction. Rejects with
   * RosterConflict when another key holds the token or a later attempt is stored. */
  enrol(entry: {
    readonly token: string
    readonly device: DeviceId
    readonly staticKey: Uint8Array
    readonly psk: Uint8Array
    readonly attempt: number
  }): Promise<void>
  /** Stores a new epoch and closes the device's older ones, in one transaction; storing the same
   * epoch again changes nothing. Resolves when durable. */
  commitEpoch(epoch: EpochRecord): Promise<void>
  /** Forgets epochs of which the slave holds nothing any more, with their keys and positions. */
  retireEpochs(device: DeviceId, epochs: readonly number[]): Promise<void>
  /** Replaces the wrapped keys of an epoch by ones punctured up to `second`. */
  puncture(device: DeviceId, epoch: number, second: Second, keys: Uint8Array): Promise<void>
}
