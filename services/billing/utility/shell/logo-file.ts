// The last check of a logo, which needs to unpack it: a PNG of a few kilobytes can stand for
// gigabytes of pixels, and the PDF library would unpack them all.

import { createHash } from 'node:crypto'
import { inflateSync } from 'node:zlib'
import { type CheckedLogo, checkLogo, pngPixels } from '../core/logo.ts'

export type LogoFile =
  | { readonly ok: true; readonly logo: CheckedLogo }
  | { readonly ok: false; readonly problem: string }

/** Checks an uploaded file, and names it by its hash. */
export function readLogo(content: Uint8Array): LogoFile {
  const verdict = checkLogo(content)
  if (!verdict.ok) return verdict
  const { logo } = verdict
  if (logo.type === 'image/png' && !unpacksAsItSays(content)) {
    return { ok: false, problem: 'a damaged PNG file' }
  }
  return { ok: true, logo: { ...logo, hash: createHash('sha256').update(content).digest('hex') } }
}

/** The last of the filters that a row can have; another one would end the thread that draws bills.
 * Source: PNG (W3C), section 9. */
const FILTER_MAX = 4

function unpacksAsItSays(content: Uint8Array): boolean {
  const { packed, bytes, row } = pngPixels(content)
  try {
    // One byte more than it may be: then what unpacks to more is an error at once.
    const pixels = inflateSync(Buffer.concat(packed), { maxOutputLength: bytes + 1 })
    if (pixels.length !== bytes) return false
    for (let at = 0; at < bytes; at += row) if ((pixels[at] ?? 0) > FILTER_MAX) return false
    return true
  } catch {
    return false
  }
}
