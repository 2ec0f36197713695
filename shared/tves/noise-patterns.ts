// The handshake patterns of TVES, spelt as Noise spells them (noise.ts, which runs them).

import { KEM_CIPHERTEXT_BYTES, KEM_KEY_BYTES, KEY_BYTES } from './suite.ts'

/** Tokens that stand for bytes in the message. */
export type Field = 'e' | 's' | 'e1' | 'ekem1'
export type Token = Field | 'ee' | 'es' | 'se' | 'ss' | 'psk'

/** Bytes of a field before a tag is added. */
export const FIELD_BYTES: Readonly<Record<Field, number>> = {
  e: KEY_BYTES,
  s: KEY_BYTES,
  e1: KEM_KEY_BYTES,
  ekem1: KEM_CIPHERTEXT_BYTES,
}

export const isField = (token: Token): token is Field => token in FIELD_BYTES

export interface Pattern {
  /** As it stands in the protocol name, modifiers included: `IKpsk2+hfs`. */
  readonly name: string
  /** Static keys known before the first message. */
  readonly known: { readonly initiator: boolean; readonly responder: boolean }
  /** Tokens of each message; the initiator writes the first. */
  readonly messages: readonly (readonly Token[])[]
}

export const PATTERNS = {
  XXpsk3: {
    name: 'XXpsk3',
    known: { initiator: false, responder: false },
    messages: [['e'], ['e', 'ee', 's', 'es'], ['s', 'se', 'psk']],
  },
  IKpsk2: {
    name: 'IKpsk2',
    known: { initiator: false, responder: true },
    messages: [
      ['e', 'es', 's', 'ss'],
      ['e', 'ee', 'se', 'psk'],
    ],
  },
  'IKpsk2+hfs': {
    name: 'IKpsk2+hfs',
    known: { initiator: false, responder: true },
    messages: [
      ['e', 'e1', 'es', 's', 'ss'],
      ['e', 'ee', 'ekem1', 'se', 'psk'],
    ],
  },
} as const satisfies Record<string, Pattern>

/** Key exchange of a pattern, as it stands in the protocol name. */
export const exchangeOf = ({ name }: Pattern): string =>
  name.includes('hfs') ? '25519+MLKEM768' : '25519'
