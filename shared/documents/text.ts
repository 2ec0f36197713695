// From the bytes of a file to its text. Text of people (names, addresses, paths) comes from office
// programs and editors that save it in half a dozen encodings. What is not what it is taken for is
// refused with its place, not read as U+FFFD: two names that lost their umlauts look the same, and
// one that is stored so is wrong for ever.
//
// A byte order mark says what a file is, whatever else is said of it (Encoding Standard, "decode").
// Without one, and without a name from the operator, a file is UTF-8. Nothing else is guessed.

import { fromText } from '../bytes.ts'

export type TextVerdict =
  | { readonly ok: true; readonly text: string }
  | {
      readonly ok: false
      readonly line: number
      /** In characters, counted from 1. */
      readonly column: number
      readonly problem: string
    }

/** What a decoder puts where bytes are no text. */
const LOST = '\uFFFD'

const MARKS: readonly (readonly [readonly number[], string])[] = [
  [[0xef, 0xbb, 0xbf], 'utf-8'],
  [[0xff, 0xfe], 'utf-16le'],
  [[0xfe, 0xff], 'utf-16be'],
]

/** Whether this machine can read files in an encoding of this name (`windows-1252`). */
export function isEncoding(name: string): boolean {
  try {
    return new TextDecoder(name).encoding !== ''
  } catch {
    return false
  }
}

/** `encoding`: as the operator names it; null: UTF-8. The text is without its byte order mark. */
export function decodeText(bytes: Uint8Array, encoding: string | null = null): TextVerdict {
  const mark = MARKS.find(([start]) => start.every((byte, at) => bytes[at] === byte))
  const [skipped, used] = [mark?.[0].length ?? 0, mark?.[1] ?? encoding ?? 'utf-8']
  const body = bytes.subarray(skipped)
  const text = new TextDecoder(used, { ignoreBOM: true }).decode(body)
  const at = text.search(/[\uFFFD\0]/)
  if (at < 0) return { ok: true, text }
  const before = text.slice(0, at)
  return { ok: false, ...placeAfter(before), problem: problemAt(body, before, text, used) }
}

function problemAt(body: Uint8Array, before: string, text: string, used: string): string {
  if (text[before.length] !== LOST) {
    return 'a zero byte: if it is UTF-16 without its mark, name the encoding (utf-16le)'
  }
  if (used !== 'utf-8') return `not ${used}, or a character that was lost before (U+FFFD)`
  const at = fromText(before).length
  const found = body.subarray(at, at + 3)
  if (found.toHex() === 'efbfbd') return 'a character that was lost when this was saved (U+FFFD)'
  const byte = found.subarray(0, 1).toHex().toUpperCase()
  return `byte ${byte} is not UTF-8: save it as UTF-8, or name its encoding (windows-1252)`
}

/** The place of the character that follows a text; lines end with CR, LF or both. */
function placeAfter(text: string): { readonly line: number; readonly column: number } {
  const lines = text.split(/\r\n|\r|\n/)
  const last = lines.at(-1) ?? ''
  return { line: lines.length, column: Array.from(last).length + 1 }
}
