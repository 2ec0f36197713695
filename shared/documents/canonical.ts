// Canonical JSON, so that one document has one hash: object keys in code-unit order, no spaces,
// integers only. A subset of RFC 8785 in which no number can be written in two ways.

import { sha256 } from '@noble/hashes/sha2.js'
import { assert } from '../assert.ts'
import { fromText, toHex } from '../bytes.ts'

/** What a hashed document may hold. Amounts and quantities are strings: no float can creep in. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject
export interface JsonObject {
  readonly [key: string]: Json
}

export function canonicalJson(value: Json): string {
  if (typeof value === 'number') {
    assert(Number.isSafeInteger(value), 'a number in a hashed document is a safe integer')
    return String(value)
  }
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  if (isList(value)) return `[${value.map(canonicalJson).join(',')}]`
  const fields = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key] ?? null)}`)
  return `{${fields.join(',')}}`
}

const isList = (value: readonly Json[] | JsonObject): value is readonly Json[] =>
  Array.isArray(value)

/** SHA-256 of the canonical form, 64 hex digits. */
export const hashOf = (value: Json): string => toHex(sha256(fromText(canonicalJson(value))))
