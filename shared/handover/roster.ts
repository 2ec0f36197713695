// Who may call the master: devices, one-time tokens, epochs and stream positions. Secrets cross
// this border only as sealed blobs (tree, psk), wrapped by the master's key store.

import type { FaultCode } from '../faults.ts'
import type { UnixMs } from '../units.ts'
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
  /** Tag of the master's key under which its last CONFIRM came (wire.md 4); absent: none known. */
  readonly masterKey?: Uint8Array
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
  /** Tag of the master's key whose fingerprint it carries; absent: the oldest one's. */
  readonly masterKey?: Uint8Array
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

/** One epoch's wrapped keys as they lie in the store. */
export interface StoredKeys {
  readonly device: DeviceId
  readonly epoch: number
  readonly keys: Uint8Array
}

/** Which secret of which row of a device: a wrapped one opens in its own place only. */
export type DevicePlace =
  | { readonly is: 'psk'; readonly device: DeviceId; readonly staticKey: Uint8Array }
  | { readonly is: 'token'; readonly device: DeviceId; readonly token: string }
  | { readonly is: 'tree'; readonly device: DeviceId; readonly epoch: number }

/** Which secret of which row. What is sent to a mail server or gateway (`peer`) opens for no
 * other. */
export type SecretPlace =
  | DevicePlace
  | { readonly is: 'service'; readonly service: 'mail' | 'sms'; readonly peer: string }

/** Wraps what is kept in the database, and opens it again; master/shell/keys. */
export interface SecretBox {
  wrap(secret: Uint8Array, place: SecretPlace): Uint8Array
  /** Null when it was wrapped by another key or for another place, or is damaged. */
  unwrap(wrapped: Uint8Array, place: SecretPlace): Uint8Array | null
}

/** A device's wrapped secret as it lies in the store. */
export interface StoredSecret {
  readonly place: DevicePlace
  readonly wrapped: Uint8Array
}

/** Returns newly wrapped keys for a batch, in its order; null leaves an entry as it is. */
export type Rewrap = (batch: readonly StoredKeys[]) => readonly (Uint8Array | null)[]

/** One epoch, by its device and number. */
export interface EpochName {
  readonly device: DeviceId
  readonly epoch: number
}

/** What contradicts what a device said or holds: an exception, one for each place and
 * kind. */
export interface Doubt extends EpochName {
  /** Told apart from others of the same place: DRAINED was not taken; a drained epoch is back; the
   * histories differ; frames are lost. */
  readonly about: 'drained' | 'back' | 'history' | 'lost'
  readonly run: number
  readonly sequence: number
  readonly code: FaultCode
  readonly detail: string
}

/** Thrown by a write that lost: another key burnt the token, or a newer attempt is stored. */
export class RosterConflict extends Error {
  override readonly name = 'RosterConflict'
}

export interface Roster {
  /** Reads everything, at the start and whenever `revision` has changed. */
  load(): Promise<{
    readonly revision: number
    readonly devices: readonly DeviceRecord[]
    readonly tokens: readonly TokenRecord[]
    /** Those that are drained are left out, with their positions. */
    readonly epochs: readonly EpochRecord[]
    readonly positions: readonly StreamPosition[]
    /** Given up by an operator: a master that holds one forgets it. */
    readonly letGo: readonly EpochName[]
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
   * epoch again changes nothing. Resolves when durable. Rejects with RosterConflict when the device
   * does not call with this static key any more, or is revoked. */
  commitEpoch(epoch: EpochRecord, staticKey: Uint8Array): Promise<void>
  /** Sets a closed epoch aside as drained, with its keys as wrapped for that. Resolves when
   * durable. */
  drainEpoch(name: EpochName, keys: Uint8Array): Promise<void>
  /** Those of these epochs that are drained, and the positions of their runs. */
  drainedEpochs(
    device: DeviceId,
    epochs: readonly number[],
  ): Promise<{
    readonly epochs: readonly EpochRecord[]
    readonly positions: readonly StreamPosition[]
  }>
  /** It is not drained after all. Resolves when durable. */
  reviveEpoch(name: EpochName, keys: Uint8Array): Promise<void>
  /** Raises an exception, unless the same is there already. */
  doubt(doubt: Doubt): Promise<void>
  /** Raises an exception for each closed epoch that is neither drained nor named by CONFIRM, and
   * destroys what was drained DRAINED_KEPT_DAYS ago, keys and positions. */
  tidyEpochs(): Promise<{ readonly destroyed: number }>
  /** CONFIRM named these closed epochs. */
  namedEpochs(device: DeviceId, epochs: readonly number[]): Promise<void>
  /** Wraps the keys of every epoch that is not drained again, in one transaction during which none
   * is added or removed. Resolves when that is durable; rejects when nothing changed or the outcome
   * is unknown. */
  rewrap(rewrap: Rewrap): Promise<void>
  /** The same for every secret of every row, in batches, in one transaction. */
  rewrapSecrets(
    rewrap: (batch: readonly StoredSecret[]) => readonly (Uint8Array | null)[],
  ): Promise<void>
  /** Stores under which of the master's keys devices called last. Resolves when durable. */
  calledUnder(tags: ReadonlyMap<DeviceId, Uint8Array>): Promise<void>
  /** What may still need another of the master's keys than this one: enrolled devices, not revoked,
   * whose last call used another, and usable tokens that were made under another. */
  olderKeys(tag: Uint8Array): Promise<{ readonly devices: number; readonly tokens: number }>
}
