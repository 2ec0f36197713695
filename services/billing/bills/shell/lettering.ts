// Text of any script on the sheet: which face draws which part, where lines break, and in which
// order the parts of a line stand. pdfkit shapes what one face draws (it joins Arabic, reorders
// Indic vowels); it does not choose faces, and orders nothing from right to left.

import bidiFactory from 'bidi-js'
import { type Face, faceFor } from './faces.ts'

const bidi = bidiFactory()
const clusters = new Intl.Segmenter('und', { granularity: 'grapheme' })
const words = new Intl.Segmenter('und', { granularity: 'word' })
/** Scripts whose letters pdfkit itself puts from right to left. */
const RIGHT_TO_LEFT = /\p{Script=Arabic}|\p{Script=Hebrew}/u

const clustersOf = (text: string): readonly string[] =>
  Array.from(clusters.segment(text), ({ segment }) => segment)

/** How a text is drawn: which face draws which of its letters. */
export interface Lettering {
  /** By cluster, where Noto Sans does not draw it. */
  readonly faceOf: ReadonlyMap<string, Face>
  /** By the face's name. */
  readonly fonts: ReadonlyMap<string, Uint8Array>
  /** What none of our faces draws. */
  readonly missing: readonly string[]
}

export async function letteringOf(text: string): Promise<Lettering> {
  const faces = new Map<string, Face>()
  const fonts = new Map<string, Uint8Array>()
  const missing: string[] = []
  for (const cluster of new Set(clustersOf(text))) {
    const face = await faceFor(cluster)
    if (face === 'none') missing.push(cluster)
    else if (face !== 'main') {
      faces.set(cluster, face)
      fonts.set(face.name, face.bytes)
    }
  }
  return { faceOf: faces, fonts, missing }
}

/** Letters that follow each other in one face and one direction. */
export interface Part {
  readonly text: string
  /** Null: Noto Sans. */
  readonly face: Face | null
}

interface Levelled extends Part {
  readonly level: number
}

/** True when Noto Sans alone draws it, from left to right. */
export const isPlain = ({ faceOf }: Lettering, text: string): boolean =>
  faceOf.size === 0 ||
  /^\p{ASCII}*$/u.test(text) ||
  (!RIGHT_TO_LEFT.test(text) && !clustersOf(text).some((cluster) => faceOf.has(cluster)))

/** The parts of one line, in the order in which they stand from left to right. */
export function partsOf({ faceOf }: Lettering, line: string): readonly Part[] {
  const { levels } = bidi.getEmbeddingLevels(line)
  const parts: Levelled[] = []
  let at = 0
  for (const cluster of clustersOf(line)) {
    const face = faceOf.get(cluster) ?? null
    const level = levels[at] ?? 0
    at += cluster.length
    const last = parts.at(-1)
    if (last !== undefined && last.level === level && last.face?.name === face?.name) {
      parts[parts.length - 1] = { ...last, text: `${last.text}${cluster}` }
    } else parts.push({ text: cluster, face, level })
  }
  return reordered(parts).map(({ text, face, level }) => ({ text: shown(text, level), face }))
}

/** From the highest level down, what lies at a level or above is turned around (UAX 9, L2). */
function reordered(parts: readonly Levelled[]): readonly Levelled[] {
  const line = [...parts]
  const highest = Math.max(0, ...parts.map(({ level }) => level))
  for (let level = highest; level > 0; level -= 1) {
    let from = 0
    while (from < line.length) {
      let to = from
      while ((line[to]?.level ?? -1) >= level) to += 1
      if (to > from) line.splice(from, to - from, ...line.slice(from, to).reverse())
      from = Math.max(to, from + 1)
    }
  }
  return line
}

/** What stands from right to left and has no direction of its own (blanks, brackets) is turned
 * here; letters of Arabic and Hebrew are turned when they are shaped. */
function shown(text: string, level: number): string {
  if (level % 2 === 0 || RIGHT_TO_LEFT.test(text)) return text
  return clustersOf(text)
    .toReversed()
    .map((letter) => bidi.getMirroredCharacter(letter) ?? letter)
    .join('')
}

/** Lines of at most `width`, `linesMax` of them; what does not fit ends with an ellipsis. */
export function linesOf(
  text: string,
  room: {
    readonly width: number
    readonly linesMax: number
    readonly measure: (line: string) => number
  },
): readonly string[] {
  const { width, linesMax, measure } = room
  const lines: string[] = []
  for (const paragraph of text.split('\n')) {
    let line = ''
    for (const { segment } of words.segment(paragraph)) {
      if (line !== '' && measure(`${line}${segment}`.trimEnd()) > width) {
        lines.push(line.trimEnd())
        line = segment.trimStart()
      } else line = `${line}${segment}`
    }
    lines.push(line.trimEnd())
  }
  const kept = lines.slice(0, linesMax)
  const cut = lines.length > kept.length
  return kept.map((line, at) => shortened(line, cut && at === kept.length - 1, room))
}

function shortened(
  line: string,
  cut: boolean,
  { width, measure }: { readonly width: number; readonly measure: (line: string) => number },
): string {
  if (!cut && measure(line) <= width) return line
  const letters = [...clustersOf(line)]
  while (letters.length > 0 && measure(`${letters.join('')}…`) > width) letters.pop()
  return `${letters.join('').trimEnd()}…`
}
