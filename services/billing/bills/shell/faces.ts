// The letters of the world. A bill's own words fit into Noto Sans (Latin, Greek, Cyrillic,
// Devanagari); a customer's name or address may need another script. Each script has a Noto face of
// its own, in small files by range of letters (packages @fontsource-variable/*, SIL Open Font
// License). A bill embeds the letters it uses and nothing else; a file is read when a bill first
// needs it.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fontkit from 'fontkit'
import decompress from 'woff2-encoder/decompress'
import { packageRoot } from '../../../../shared/node/root.ts'

/** Noto Sans has the rupee sign and every letter of the bill's own words. */
const MAIN = join('node_modules', '@expo-google-fonts', 'noto-sans')
export const MAIN_REGULAR = join(MAIN, '400Regular', 'NotoSans_400Regular.ttf')
export const MAIN_BOLD = join(MAIN, '700Bold', 'NotoSans_700Bold.ttf')

/** Faces in the order in which they are asked for a letter. */
const SCRIPTS =
  'arabic hebrew devanagari bengali gurmukhi gujarati oriya tamil telugu kannada malayalam ' +
  'sinhala thai lao khmer myanmar georgian armenian ethiopic sc kr'
const FAMILIES = SCRIPTS.split(' ').map((script) => `noto-sans-${script}`)
const EMOJI = 'noto-emoji'
/** Stored in their thinnest weight: they are drawn with an outline. */
const THIN: ReadonlySet<string> = new Set(['noto-sans-sc', 'noto-sans-kr', 'noto-sans-hebrew'])

const ASCII_END = 0x80
/** Joiners and variation selectors: they shape their neighbours and are drawn by no face. */
const UNDRAWN = /\p{Join_Control}|\p{Variation_Selector}/u

export interface Face {
  /** File name without ending: `noto-sans-tamil-tamil`. */
  readonly name: string
  readonly thin: boolean
}

interface Stored extends Face {
  readonly path: string
  /** What the package says is in the file. Some of it is not. */
  readonly ranges: readonly (readonly [first: number, last: number])[]
}

/** A face that was read. */
export interface LoadedFace extends Face {
  /** A TrueType file. */
  readonly bytes: Uint8Array
  readonly draws: (code: number) => boolean
}

/** Read once in the life of the process: the packages do not change under it. */
const memory: {
  main: ((code: number) => boolean) | null
  faces: readonly Stored[] | null
  readonly loaded: Map<string, Promise<LoadedFace>>
  /** The decoder may answer with a view of memory that it uses again: one file at a time. */
  decoding: Promise<unknown>
} = { main: null, faces: null, loaded: new Map(), decoding: Promise.resolve() }

function glyphsOf(bytes: Uint8Array): (code: number) => boolean {
  const font = fontkit.create(Buffer.from(bytes))
  if (!('hasGlyphForCodePoint' in font)) throw new Error('broken promise: one font per file')
  return (code) => font.hasGlyphForCodePoint(code)
}

function mainDraws(code: number): boolean {
  memory.main ??= glyphsOf(readFileSync(join(packageRoot(), MAIN_REGULAR)))
  return memory.main(code)
}

/** `U+0B82-0BFA,U+20B9` as pairs. */
const rangesOf = (text: string): Stored['ranges'] =>
  text.split(',').map((range) => {
    const [first = '', last = first] = range.replace('U+', '').split('-')
    return [Number.parseInt(first, 16), Number.parseInt(last, 16)]
  })

function storedFaces(): readonly Stored[] {
  memory.faces ??= [...FAMILIES, EMOJI].flatMap((family) => {
    const folder = join(packageRoot(), 'node_modules', '@fontsource-variable', family)
    const index: unknown = JSON.parse(readFileSync(join(folder, 'unicode.json'), 'utf8'))
    return Object.entries(index ?? {}).map(([part, ranges]) => {
      const name = `${family}-${part.replace(/[[\]]/g, '')}`
      const path = join(folder, 'files', `${name}-wght-normal.woff2`)
      return { name, path, thin: THIN.has(family), ranges: rangesOf(String(ranges)) }
    })
  })
  return memory.faces
}

function load({ name, path, thin }: Stored): Promise<LoadedFace> {
  const known = memory.loaded.get(name)
  if (known !== undefined) return known
  const face = memory.decoding.then(async () => {
    const bytes = new Uint8Array(await decompress(readFileSync(path)))
    return { name, thin, bytes, draws: glyphsOf(bytes) }
  })
  memory.decoding = face.catch(() => undefined)
  memory.loaded.set(name, face)
  return face
}

/** What draws a cluster (a letter with its marks): `main`, Noto Sans itself; `none`, nothing we
 * have; else the face. */
export async function faceFor(cluster: string): Promise<LoadedFace | 'main' | 'none'> {
  const codes = Array.from(cluster)
    .filter((letter) => !UNDRAWN.test(letter))
    .map((letter) => letter.codePointAt(0) ?? 0)
  if (codes.every((code) => code < ASCII_END || mainDraws(code))) return 'main'
  for (const stored of storedFaces()) {
    const claims = codes.every((code) =>
      stored.ranges.some(([first, last]) => code >= first && code <= last),
    )
    if (!claims) continue
    const face = await load(stored)
    if (codes.every((code) => face.draws(code))) return face
  }
  return 'none'
}
