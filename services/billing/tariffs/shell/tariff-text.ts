// A tariff document as somebody typed or uploaded it: from its text to the tariff, or to every
// mistake with its line and column. jsonc-parser keeps the place of every value, goes on after a
// mistake, and sees a name that stands twice, all of which JSON.parse does not (ADR 20).

import {
  createScanner,
  findNodeAtLocation,
  getNodeValue,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from 'jsonc-parser'
import type { JsonObject } from '../../../../shared/documents/canonical.ts'
import type { PlacedFault } from '../../../../shared/documents/document.ts'
import { decodeText } from '../../../../shared/documents/text.ts'
import { parseTariff, type Tariff } from '../core/tariff.ts'
import type { TextFault } from '../core/views.ts'

/** Longest text, characters. A hundred slabs take some five thousand; a megabyte is no tariff. */
export const TARIFF_TEXT_MAX = 65_536
/** Deepest nesting: a tariff needs four. The parser calls itself for each level. */
const DEPTH_MAX = 16
/** Most mistakes that are shown. */
const FAULTS_MAX = 50

export type TariffTextVerdict =
  | {
      readonly ok: true
      readonly tariff: Tariff
      readonly document: JsonObject
      readonly hash: string
    }
  | { readonly ok: false; readonly fault: 'BIL-20'; readonly faults: readonly TextFault[] }

const refused = (faults: readonly TextFault[]): TariffTextVerdict => ({
  ok: false,
  fault: 'BIL-20',
  faults: faults.toSorted((a, b) => a.line - b.line || a.column - b.column).slice(0, FAULTS_MAX),
})

export type TariffFile =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly faults: readonly TextFault[] }

/** The text of an uploaded file: UTF-8, or UTF-16 with its mark; anything else is named. */
export function tariffFile(bytes: Uint8Array): TariffFile {
  const decoded = decodeText(bytes)
  if (decoded.ok) return decoded
  const { line, column, problem } = decoded
  return { ok: false, faults: [{ line, column, path: '', why: problem }] }
}

/** Reads a document. BIL-20 with every mistake at its place. */
export function readTariffText(text: string): TariffTextVerdict {
  const places = placesIn(text)
  const early = tooMuch(text)
  if (early !== null) return refused([{ ...places(early.at), path: '', why: early.why }])
  const errors: ParseError[] = []
  const root = parseTree(text, errors, { disallowComments: true, allowTrailingComma: false })
  if (errors.length > 0 || root === undefined) {
    return refused(syntaxFaults(errors).map(({ at, why }) => ({ ...places(at), path: '', why })))
  }
  const twice = namedTwice(root).map(({ at, why }) => ({ ...places(at), path: '', why }))
  const verdict = parseTariff(getNodeValue(root))
  if (verdict.ok && twice.length === 0) return verdict
  const faults = verdict.ok ? [] : verdict.faults
  return refused([
    ...twice,
    ...faults.map(({ path, why, ...fault }) => ({ ...places(placeOf(root, fault)), path, why })),
  ])
}

interface At {
  /** Offset in the text. */
  readonly at: number
  readonly why: string
}

function tooMuch(text: string): At | null {
  if (text.trim() === '')
    return { at: 0, why: 'nothing here: write the document, or take one over' }
  if (text.length > TARIFF_TEXT_MAX) {
    return { at: 0, why: `longer than ${TARIFF_TEXT_MAX} characters: no tariff is` }
  }
  const scanner = createScanner(text, true)
  let depth = 0
  while (scanner.getPosition() < text.length) {
    scanner.scan()
    // A text begins with its quote, so no bracket inside one is taken for a bracket.
    const first = text[scanner.getTokenOffset()]
    if (first === '{' || first === '[') depth += 1
    if (first === '}' || first === ']') depth -= 1
    if (depth > DEPTH_MAX) return { at: scanner.getTokenOffset(), why: 'nested too deeply' }
  }
  return null
}

const SYNTAX: Readonly<Record<string, string>> = {
  InvalidSymbol: 'not a value: a text stands in double quotes',
  InvalidNumberFormat: 'not a number',
  PropertyNameExpected: 'the name of a field is missing, or is not in double quotes',
  ValueExpected: 'a value is missing',
  ColonExpected: 'a colon is missing before this',
  CommaExpected: 'a comma is missing before this',
  CloseBraceExpected: 'a closing brace } is missing',
  CloseBracketExpected: 'a closing bracket ] is missing',
  EndOfFileExpected: 'something stands behind the document',
  InvalidCommentToken: 'a comment: JSON has none',
  UnexpectedEndOfComment: 'a comment: JSON has none',
  UnexpectedEndOfString: 'a text without its closing quote',
  UnexpectedEndOfNumber: 'not a number',
  InvalidUnicode: 'not a character: \\u and four digits',
  InvalidEscapeCharacter: 'no such escape: write \\\\ for a backslash',
  InvalidCharacter: 'a line break or control character inside a text',
}

/** One mistake for each place, in words; what is not JSON at all says so once. */
function syntaxFaults(errors: readonly ParseError[]): readonly At[] {
  const seen = new Set<number>()
  const faults: At[] = []
  for (const { error, offset } of errors) {
    if (faults.length >= FAULTS_MAX || seen.has(offset)) continue
    seen.add(offset)
    faults.push({ at: offset, why: SYNTAX[printParseErrorCode(error)] ?? 'not JSON' })
  }
  return faults.length > 0 ? faults : [{ at: 0, why: 'not JSON' }]
}

/** Names that stand twice in one object: a reader would see the one, a program take the other. */
function namedTwice(root: Node): readonly At[] {
  const faults: At[] = []
  const waiting: Node[] = [root]
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    const names = new Set<unknown>()
    for (const child of node.children ?? []) {
      waiting.push(child)
      const [key] = child.type === 'property' ? (child.children ?? []) : []
      if (key === undefined) continue
      if (names.has(key.value)) faults.push({ at: key.offset, why: 'this field stands twice' })
      names.add(key.value)
    }
  }
  return faults
}

/** Where a fault is: its value, its name if that is what is wrong, or what it is missing from. */
function placeOf(root: Node, { steps, stray }: Pick<PlacedFault, 'steps' | 'stray'>): number {
  for (let length = steps.length; length > 0; length -= 1) {
    const node = findNodeAtLocation(root, steps.slice(0, length))
    if (node === undefined) continue
    return stray && length === steps.length ? (node.parent?.offset ?? node.offset) : node.offset
  }
  return root.offset
}

/** Line and column of an offset; lines end with LF, CR or both. */
function placesIn(text: string): (at: number) => { line: number; column: number } {
  const starts = [0]
  for (const { index, 0: end } of text.matchAll(/\r\n|\r|\n/g)) starts.push(index + end.length)
  return (at) => {
    let [low, high] = [0, starts.length - 1]
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if ((starts[middle] ?? 0) <= at) low = middle
      else high = middle - 1
    }
    const start = starts[low] ?? 0
    return { line: low + 1, column: Array.from(text.slice(start, at)).length + 1 }
  }
}
