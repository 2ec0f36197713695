// The other side of NTS, for tests: opens a client's request as a server does and answers it.

import assert from 'node:assert/strict'
import {
  type ExtensionField,
  HEADER_BYTES,
  readPacket,
  writeFields,
} from '../../../shared/clock/ntp/packet.ts'
import { FIELD, openAuthenticator, sealAuthenticator } from '../../../shared/clock/nts/fields.ts'
import { AEAD_AES_SIV_CMAC_256, NTPV4, writeRecord } from '../../../shared/clock/nts/records.ts'
import { concat, Writer } from '../../../shared/bytes.ts'
import { nodeRandom } from '../../../shared/node/node-suite.ts'
import { Secret } from '../../../shared/secret.ts'

export const TO_SERVER = new Secret(new Uint8Array(32).fill(1))
export const TO_CLIENT = new Secret(new Uint8Array(32).fill(2))

const CRITICAL = 0x8000
const u16 = (value: number): Uint8Array => new Writer().u16(value).done()

/** Records as [type, body]; bit 15 of the type means critical. */
export function records(...list: readonly (readonly [number, Uint8Array])[]): Uint8Array {
  const out = new Writer()
  for (const [type, body] of list) writeRecord(out, type, body)
  return out.done()
}

const NOTHING = new Uint8Array(0)
export const NEXT = [CRITICAL | 1, u16(NTPV4)] as const
export const AEAD = [CRITICAL | 4, u16(AEAD_AES_SIV_CMAC_256)] as const
export const END = [CRITICAL, NOTHING] as const
export const cookieRecord = (byte: number, length = 100) =>
  [5, new Uint8Array(length).fill(byte)] as const

/** An answer of key establishment with eight cookies. */
export const grantOf = (...more: readonly (readonly [number, Uint8Array])[]): Uint8Array =>
  records(NEXT, AEAD, ...[1, 2, 3, 4, 5, 6, 7, 8].map((n) => cookieRecord(n)), ...more, END)

export interface Asked {
  readonly unique: Uint8Array
  readonly cookie: Uint8Array
  readonly placeholders: number
}

/** The content of a request; fails when a server would not accept it. */
export function readRequest(request: Uint8Array, key = TO_SERVER): Asked {
  const read = readPacket(request)
  assert.ok(read.ok)
  const { fields } = read.packet
  const of = (type: number) => fields.filter((field) => field.type === type)
  const [unique] = of(FIELD.unique)
  const [cookie, ...others] = of(FIELD.cookie)
  const seal = fields.at(-1)
  assert.ok(unique !== undefined && cookie !== undefined && others.length === 0)
  assert.equal(seal?.type, FIELD.authenticator)
  const before = request.subarray(0, seal.at)
  assert.deepEqual(openAuthenticator(key.reveal(), before, seal.body), NOTHING)
  for (const { body } of of(FIELD.placeholder)) assert.equal(body.length, cookie.body.length)
  return {
    unique: unique.body,
    cookie: cookie.body,
    placeholders: of(FIELD.placeholder).length,
  }
}

interface AnswerOptions {
  readonly unique: Uint8Array
  /** Each given as a field of the encrypted part. */
  readonly cookies?: readonly Uint8Array[]
  readonly key?: Secret
  readonly more?: readonly ExtensionField[]
  readonly header?: Uint8Array
}

export const ANSWER_HEADER = new Uint8Array(HEADER_BYTES).fill(9)
ANSWER_HEADER[0] = 0x24

export function answerTo({ unique, cookies = [], key, more = [], header }: AnswerOptions) {
  const named = { type: FIELD.unique, body: unique }
  const before = concat(header ?? ANSWER_HEADER, writeFields([named, ...more]))
  const plaintext = writeFields(cookies.map((body) => ({ type: FIELD.cookie, body })))
  const body = sealAuthenticator((key ?? TO_CLIENT).reveal(), nodeRandom(16), before, plaintext)
  return concat(before, writeFields([{ type: FIELD.authenticator, body }]))
}

/** "I do not know your cookie." */
export function nakTo(unique: Uint8Array): Uint8Array {
  const header = new Uint8Array(ANSWER_HEADER)
  header[1] = 0
  header.set(new TextEncoder().encode('NTSN'), 12)
  return concat(header, writeFields([{ type: FIELD.unique, body: unique }]))
}
