// Bodies by their first byte (version * 16 + type), and what stands in clear around a handshake.
// wire.md 2 to 4.

import { assert } from '../assert.ts'
import { fromText, Reader, toText, Writer } from '../bytes.ts'
import { FAULT_CODE } from './fields.ts'
import { COMPACT_BYTE, FRAME_BYTE } from './frame.ts'
import { BODY_BYTES_MAX, MASTER_KEY_TAG_BYTES, TOKEN_ID_BYTES } from './limits.ts'

export const WIRE_VERSION = 1
export const ENROLMENT_BYTE = 0x11
export const SESSION_BYTE = 0x12
export const CONTROL_BYTE = 0x15
export const REFUSAL_BYTE = 0x16

/** Suites of the session handshake: 0 X25519 alone, 1 with an ephemeral ML-KEM-768. wire.md 4. */
export type SessionSuite = 0 | 1

export type Message =
  | {
      readonly is: 'enrolment'
      readonly step: 1
      readonly token: Uint8Array
      readonly noise: Uint8Array
    }
  | {
      readonly is: 'enrolment'
      readonly step: 2 | 3
      readonly token: null
      readonly noise: Uint8Array
    }
  | {
      readonly is: 'session'
      readonly step: 1
      readonly suite: SessionSuite
      /** Which of its keys the master is called under, 4 bytes. */
      readonly keyTag: Uint8Array
      readonly noise: Uint8Array
    }
  | {
      readonly is: 'session'
      readonly step: 2
      readonly suite: SessionSuite
      readonly noise: Uint8Array
    }
  /** With either header: expandBody rebuilds it, then decodeFrame takes it apart. */
  | { readonly is: 'frame'; readonly body: Uint8Array }
  /** ControlChannel.open opens it. */
  | { readonly is: 'control'; readonly body: Uint8Array }
  /** A hint for the log, not authenticated. */
  | { readonly is: 'refusal'; readonly code: string }

export type MessageVerdict =
  | { readonly ok: true; readonly message: Message }
  /** WIR-01 another version or suite, WIR-02 too long, WIR-03 cut short, WIR-04 unknown type. */
  | { readonly ok: false; readonly fault: 'WIR-01' | 'WIR-02' | 'WIR-03' | 'WIR-04' }

const refused = (fault: 'WIR-01' | 'WIR-02' | 'WIR-03' | 'WIR-04'): MessageVerdict => ({
  ok: false,
  fault,
})
const took = (message: Message | null): MessageVerdict =>
  message === null ? refused('WIR-03') : { ok: true, message }

/** Says what a body is. Only the link knows whether it is allowed now (WIR-04 too). */
export function readMessage(body: Uint8Array): MessageVerdict {
  const first = body[0]
  if (first === undefined) return refused('WIR-03')
  if (body.length > BODY_BYTES_MAX) return refused('WIR-02')
  if (first >> 4 !== WIRE_VERSION) return refused('WIR-01')
  switch (first) {
    case ENROLMENT_BYTE:
      return took(readEnrolment(body))
    case SESSION_BYTE:
      return readSession(body)
    case FRAME_BYTE:
    case COMPACT_BYTE:
      return took({ is: 'frame', body })
    case CONTROL_BYTE:
      return took({ is: 'control', body })
    case REFUSAL_BYTE:
      return took(readRefusal(body))
    default:
      return refused('WIR-04')
  }
}

function readEnrolment(body: Uint8Array): Message | null {
  const reader = new Reader(body)
  reader.u8()
  const step = reader.u8()
  const token = step === 1 ? reader.bytes(TOKEN_ID_BYTES) : null
  const noise = reader.rest()
  if (!reader.ok) return null
  if (token !== null) return { is: 'enrolment', step: 1, token, noise }
  return step === 2 || step === 3 ? { is: 'enrolment', step, token: null, noise } : null
}

function readSession(body: Uint8Array): MessageVerdict {
  const reader = new Reader(body)
  reader.u8()
  const step = reader.u8()
  const suite = reader.u8()
  if (!reader.ok || (step !== 1 && step !== 2)) return refused('WIR-03')
  if (suite !== 0 && suite !== 1) return refused('WIR-01')
  const keyTag = step === 1 ? reader.bytes(MASTER_KEY_TAG_BYTES) : null
  const noise = reader.rest()
  if (!reader.ok) return refused('WIR-03')
  if (keyTag === null) return took({ is: 'session', step: 2, suite, noise })
  return took({ is: 'session', step: 1, suite, keyTag, noise })
}

function readRefusal(body: Uint8Array): Message | null {
  const code = toText(body.subarray(1))
  return FAULT_CODE.test(code) ? { is: 'refusal', code } : null
}

/** Step 1 of an enrolment; `token` is the token's id, 8 bytes. */
export function enrolmentHello(token: Uint8Array, noise: Uint8Array): Uint8Array {
  assert(token.length === TOKEN_ID_BYTES, 'a token id has 8 bytes')
  return new Writer().u8(ENROLMENT_BYTE).u8(1).bytes(token).bytes(noise).done()
}

export const enrolmentStep = (step: 2 | 3, noise: Uint8Array): Uint8Array =>
  new Writer().u8(ENROLMENT_BYTE).u8(step).bytes(noise).done()

/** Step 1 of a session; `keyTag` says which of its keys the master is called under. */
export function sessionHello(
  suite: SessionSuite,
  keyTag: Uint8Array,
  noise: Uint8Array,
): Uint8Array {
  assert(keyTag.length === MASTER_KEY_TAG_BYTES, 'a master key tag has 4 bytes')
  return new Writer().u8(SESSION_BYTE).u8(1).u8(suite).bytes(keyTag).bytes(noise).done()
}

/** Step 2 of a session. */
export const sessionAnswer = (suite: SessionSuite, noise: Uint8Array): Uint8Array =>
  new Writer().u8(SESSION_BYTE).u8(2).u8(suite).bytes(noise).done()

/** A refusal in clear: `code` is 1..16 of A-Z 0-9 and hyphen, as every fault code is. */
export function refusal(code: string): Uint8Array {
  assert(FAULT_CODE.test(code), 'a fault code has 1 to 16 of A-Z, 0-9 and hyphen')
  return new Writer().u8(REFUSAL_BYTE).bytes(fromText(code)).done()
}
