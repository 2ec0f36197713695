// The project's own vectors as the tests read them, and the few primitives the tests compute by
// themselves.

import { createDecipheriv, createHash, createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { concat } from '../../../shared/bytes.ts'
import { nodeSuite } from '../../../shared/node/node-suite.ts'
import { packageRoot } from '../../../shared/node/root.ts'
import { nobleSuite } from '../../../shared/tves/noble-suite.ts'
import type { HandSession, HandStep } from './hand-noise.ts'

export const suites = [nodeSuite, nobleSuite(nodeSuite)]
export const NONE = new Uint8Array(0)

/** Fields of fixed bytes stand as hex in the files; these names are text or numbers. */
const TEXT_FIELDS = new Set([
  'about',
  'is',
  'kind',
  'name',
  'from',
  'code',
  'clockState',
  'detail',
  'task',
  'outcome',
  'reason',
  'meter',
  'register',
  'source',
  'text',
])

/** A vector file, its hex turned into bytes. What it holds is checked by the comparisons below. */
export function load(name: string): ReturnType<typeof JSON.parse> {
  const file = join(packageRoot(), 'test/vectors', `${name}.json`)
  return JSON.parse(readFileSync(file, 'utf8'), (key, value: unknown) =>
    typeof value === 'string' && !TEXT_FIELDS.has(key) && /^(?:[0-9a-f]{2})*$/.test(value)
      ? Uint8Array.fromHex(value)
      : value,
  )
}

export const sha512 = (...parts: Uint8Array[]) =>
  createHash('sha512')
    .update(concat(...parts))
    .digest()
export const hmac = (key: Uint8Array, message: Uint8Array): Uint8Array =>
  new Uint8Array(createHmac('sha256', key).update(message).digest())

/** AES-256-GCM, straight from node:crypto; throws when it does not open. */
export function decrypt(
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  sealed: Uint8Array,
): string {
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 })
  decipher.setAAD(aad).setAuthTag(sealed.subarray(-16))
  return Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]).toString('hex')
}

interface Keys {
  readonly privateKey: Uint8Array
  readonly publicKey: Uint8Array
}
export interface Run {
  readonly prologue: Uint8Array
  readonly bodies: readonly Uint8Array[]
  readonly transcript: Uint8Array
  readonly chainingKey: Uint8Array
}
export interface HandshakeVectors {
  readonly slaveStatic: Keys
  readonly masterStatic: Keys
  readonly ephemerals: Record<'enrolment' | 'session', { slave: Uint8Array; master: Uint8Array }>
  readonly token: {
    readonly id: Uint8Array
    readonly secret: Uint8Array
    readonly fingerprint: Uint8Array
    readonly text: string
  }
  readonly enrolment: Run & {
    readonly psk: Uint8Array
    readonly devicePsk: Uint8Array
    readonly enrolled: Uint8Array
  }
  readonly hybridSession: HybridVectors
  readonly session: Run & {
    readonly masterKeyTag: Uint8Array
    readonly hello: object
    readonly offer: object
    readonly payloads: readonly Uint8Array[]
    readonly epoch: { readonly id: number; readonly secret: Uint8Array }
  }
}

interface HybridVectors extends Run {
  readonly masterKeyTag: Uint8Array
  readonly ephemerals: { readonly slave: Uint8Array; readonly master: Uint8Array }
  readonly kem: HandSession['kem'] & { readonly seed: Uint8Array; readonly coins: Uint8Array }
  readonly payloads: readonly [Uint8Array, Uint8Array]
  readonly steps: readonly HandStep[]
  readonly transportKeys: { readonly slave: Uint8Array; readonly master: Uint8Array }
  readonly epoch: { readonly id: number; readonly secret: Uint8Array }
}
