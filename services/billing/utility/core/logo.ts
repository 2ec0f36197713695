// A logo, checked by what its bytes say and not by its name: PNG or JPEG that a browser and the PDF
// library draw without surprise. SVG is left out: it is a document that can carry scripts and
// foreign references. Dimensions are bounded because a small file can stand for an enormous
// picture, which has to be unpacked in memory.

import type { Logo } from './profile.ts'

/** Largest file, bytes: a logo on a bill is some 20 kB, and every mailed bill carries it. */
export const LOGO_BYTES_MAX = 262_144
/** Longest side, pixels: 5 cm at 600 dots per inch are 1,200. */
export const LOGO_SIDE_MAX = 2_000

export interface CheckedLogo extends Logo {
  readonly content: Uint8Array
}

export type LogoVerdict =
  | { readonly ok: true; readonly logo: Omit<CheckedLogo, 'hash'> }
  | { readonly ok: false; readonly problem: string }

interface Picture {
  readonly type: Logo['type']
  readonly width: number
  readonly height: number
}

const PNG = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]
const beginsWith = (bytes: Uint8Array, magic: readonly number[]): boolean =>
  magic.every((byte, at) => bytes[at] === byte)

/** Checks the whole file: kind, structure up to its last byte, and size. */
export function checkLogo(content: Uint8Array): LogoVerdict {
  if (content.length === 0) return wrong('no file was chosen')
  if (content.length > LOGO_BYTES_MAX) return wrong(`larger than ${LOGO_BYTES_MAX / 1_024} KiB`)
  const found = beginsWith(content, PNG)
    ? pngOf(content)
    : beginsWith(content, [0xff, 0xd8, 0xff])
      ? jpegOf(content)
      : 'neither a PNG nor a JPEG file'
  if (typeof found === 'string') return wrong(found)
  const { width, height } = found
  if (width < 1 || height < 1 || width > LOGO_SIDE_MAX || height > LOGO_SIDE_MAX) {
    return wrong(`${width} by ${height} pixels: at most ${LOGO_SIDE_MAX} each way`)
  }
  return { ok: true, logo: { ...found, content } }
}

const wrong = (problem: string): LogoVerdict => ({ ok: false, problem })

const u32 = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] ?? 0) * 0x1000000 +
    ((bytes[at + 1] ?? 0) << 16) +
    ((bytes[at + 2] ?? 0) << 8) +
    (bytes[at + 3] ?? 0)) >>>
  0
const u16 = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
const nameAt = (bytes: Uint8Array, at: number): string =>
  String.fromCharCode(...bytes.subarray(at, at + 4))

const CHUNK_FRAME = 12
const DEPTH = 8
const DEPTH_COLOURS: readonly number[] = [0, 2, 3, 4, 6]

/** Walks the chunks to IEND, behind which nothing may stand. Source: PNG (W3C), section 5. */
function pngOf(bytes: Uint8Array): Picture | string {
  const damaged = 'a damaged PNG file'
  let at = PNG.length
  let picture: Picture | null = null
  let hasPixels = false
  while (at + CHUNK_FRAME <= bytes.length) {
    const length = u32(bytes, at)
    const name = nameAt(bytes, at + 4)
    const next = at + CHUNK_FRAME + length
    if (next > bytes.length) return damaged
    if ((name === 'IHDR') !== (picture === null)) return damaged
    if (name === 'acTL') return 'an animated PNG: save it as a plain one'
    if (name === 'IHDR') {
      const [depth, colour, interlaced] = [bytes[at + 16], bytes[at + 17], bytes[at + 20]]
      if (length !== 13 || colour === undefined) return damaged
      if (depth !== DEPTH || !DEPTH_COLOURS.includes(colour)) {
        return 'a PNG of another depth than 8 bits: save it as a plain one'
      }
      if (interlaced !== 0) return 'an interlaced PNG: save it without interlacing'
      picture = { type: 'image/png', width: u32(bytes, at + 8), height: u32(bytes, at + 12) }
    }
    if (name === 'IDAT') hasPixels = true
    if (name === 'IEND') {
      const whole = picture !== null && hasPixels && next === bytes.length
      return whole && picture !== null ? picture : damaged
    }
    at = next
  }
  return damaged
}

/** Grey or YCbCr. */
const COMPONENTS: readonly number[] = [1, 3]

/** Walks the segments to the frame header. Source: ITU-T T.81, annex B. */
function jpegOf(bytes: Uint8Array): Picture | string {
  const damaged = 'a damaged JPEG file'
  if (u16(bytes, bytes.length - 2) !== 0xffd9) return damaged
  let at = 2
  while (at + 4 <= bytes.length) {
    if (bytes[at] !== 0xff) return damaged
    const marker = bytes[at + 1] ?? 0
    // Filling, which the format allows and the PDF library does not read.
    if (marker === 0xff) return 'a JPEG of a rare kind: save it as a plain one'
    const length = u16(bytes, at + 2)
    if (length < 2 || at + 2 + length > bytes.length) return damaged
    if (marker === 0xda) return damaged
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)
    if (isFrame) {
      if (marker > 0xc2) return 'a JPEG of a rare kind: save it as a plain one'
      if (bytes[at + 4] !== DEPTH || !COMPONENTS.includes(bytes[at + 9] ?? 0)) {
        return 'a JPEG with other colours than grey or RGB: save it for the screen'
      }
      return { type: 'image/jpeg', width: u16(bytes, at + 7), height: u16(bytes, at + 5) }
    }
    at += 2 + length
  }
  return damaged
}

/** Samples of a pixel by colour type. Source: PNG (W3C), section 6.1. */
const SAMPLES: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }
/** Where the colour type stands, counted from the first chunk. */
const COLOUR_AT = 17

/** The packed pixels of a PNG that passed checkLogo, and how many bytes they have unpacked. */
export function pngPixels(content: Uint8Array): {
  readonly packed: readonly Uint8Array[]
  readonly bytes: number
  /** Bytes of a row: its filter, then its pixels. */
  readonly row: number
} {
  const first = PNG.length
  const [width, height] = [u32(content, first + 8), u32(content, first + 12)]
  const samples = SAMPLES[content[first + COLOUR_AT] ?? 0] ?? 1
  const packed: Uint8Array[] = []
  for (let at = first; at + CHUNK_FRAME <= content.length; ) {
    const length = u32(content, at)
    if (nameAt(content, at + 4) === 'IDAT') packed.push(content.subarray(at + 8, at + 8 + length))
    at += CHUNK_FRAME + length
  }
  const row = 1 + width * samples
  return { packed, bytes: height * row, row }
}
