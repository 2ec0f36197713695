// Operators' passwords: argon2id from node:crypto, stored in the PHC text form, so that a later
// change of the parameters still verifies what is stored today.

import { argon2, timingSafeEqual } from 'node:crypto'

/** Memory per hash, KiB. Source: OWASP Password Storage Cheat Sheet, argon2id m=19456 t=2 p=1. */
const MEMORY_KIB = 19_456
const PASSES = 2
const LANES = 1
/** Length of a password's salt, bytes. */
export const SALT_BYTES = 16
const TAG_BYTES = 32

/** Most hashes computed at once: strangers can make us use 8 x 19 MiB of memory, no more. */
const HASHES_AT_ONCE = 8

const PHC =
  /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,3})\$([\w+/]{16,64})\$([\w+/]{16,88})$/

interface Parameters {
  readonly memory: number
  readonly passes: number
  readonly parallelism: number
}

const CURRENT: Parameters = { memory: MEMORY_KIB, passes: PASSES, parallelism: LANES }

/** Checked when the name is unknown, so that timing does not reveal which names exist. No password
 * gives a tag of zeros. */
const NOBODY = phcText(CURRENT, Buffer.alloc(SALT_BYTES), Buffer.alloc(TAG_BYTES))

export interface Passwords {
  /** The PHC text to store; `salt` is 16 random bytes. */
  hash(password: string, salt: Uint8Array): Promise<string>
  /** Whether the password matches. `stored` null (no such operator) costs the same time and is
   * false. `busy` when too many are being verified already: the caller answers OPS-23. */
  verify(password: string, stored: string | null): Promise<boolean | 'busy'>
}

export function createPasswords(): Passwords {
  let running = 0
  return {
    hash: async (password, salt) => phcText(CURRENT, salt, await tagOf(password, salt, CURRENT)),
    async verify(password, stored) {
      if (running >= HASHES_AT_ONCE) return 'busy'
      running += 1
      try {
        const fits = await compare(password, stored ?? NOBODY)
        return stored !== null && fits
      } finally {
        running -= 1
      }
    },
  }
}

async function compare(password: string, stored: string): Promise<boolean> {
  const match = PHC.exec(stored)
  if (match === null) return false
  const [, memory, passes, parallelism, salt = '', tag = ''] = match
  const expected = Buffer.from(tag, 'base64')
  const parameters = {
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
  }
  const found = await tagOf(password, Buffer.from(salt, 'base64'), parameters, expected.length)
  return timingSafeEqual(found, expected)
}

/** NFC, so that one password typed on two keyboards is one password (RFC 8265). */
function tagOf(
  password: string,
  salt: Uint8Array,
  parameters: Parameters,
  tagLength = TAG_BYTES,
): Promise<Buffer> {
  const message = Buffer.from(password.normalize('NFC'), 'utf8')
  return new Promise((done, fail) => {
    argon2('argon2id', { ...parameters, message, nonce: salt, tagLength }, (error, tag) => {
      if (error === null) done(tag)
      else fail(error)
    })
  })
}

function phcText(parameters: Parameters, salt: Uint8Array, tag: Uint8Array): string {
  const { memory, passes, parallelism } = parameters
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64').replace(/=+$/, '')
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${text(salt)}$${text(tag)}`
}
