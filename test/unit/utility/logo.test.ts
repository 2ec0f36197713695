// Which files may become the logo on bills, and that the rest is refused in words.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deflateSync } from 'node:zlib'
import {
  checkLogo,
  LOGO_BYTES_MAX,
  LOGO_SIDE_MAX,
} from '../../../services/billing/utility/core/logo.ts'
import { readLogo } from '../../../services/billing/utility/shell/logo-file.ts'
import { chunk, header, jpeg, png, PNG_MAGIC, RGBA } from '../../fixtures/logos.ts'

const END = chunk('IEND', Buffer.alloc(0))
const PIXELS = chunk('IDAT', Buffer.from([1]))
const shown = (content: Uint8Array): string => {
  const file = readLogo(content)
  if (!file.ok) return file.problem
  return `${file.logo.type} ${file.logo.width}x${file.logo.height}`
}

test('PNG and JPEG pass with their dimensions, up to the largest side', () => {
  assert.equal(shown(png(40, 20)), 'image/png 40x20')
  assert.equal(shown(png(LOGO_SIDE_MAX, 1)), `image/png ${LOGO_SIDE_MAX}x1`)
  assert.equal(shown(jpeg(300, 120)), 'image/jpeg 300x120')
  assert.equal(shown(jpeg(300, 120, { marker: 0xc2, components: 1 })), 'image/jpeg 300x120')
  const file = readLogo(png(1, 1))
  assert.match(file.ok ? file.logo.hash : '', /^[0-9a-f]{64}$/)
})

const PNG_HEAD = (...rest: readonly number[]) =>
  Buffer.concat([PNG_MAGIC, header(4, 4, ...rest), PIXELS, END])

const REFUSED: readonly (readonly [string, Uint8Array, RegExp])[] = [
  ['nothing', new Uint8Array(), /no file/],
  ['SVG', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>'), /neither/],
  ['HTML behind the magic of a GIF', Buffer.from('GIF89a<html>'), /neither/],
  ['too many bytes', Buffer.concat([png(2, 2), Buffer.alloc(LOGO_BYTES_MAX)]), /larger than 256/],
  ['too wide', png(LOGO_SIDE_MAX + 1, 1), /2001 by 1 pixels: at most 2000/],
  [
    'no pixels at all',
    Buffer.concat([PNG_MAGIC, header(0, 4, 8, RGBA, 0, 0, 0), PIXELS, END]),
    /0 by 4/,
  ],
  ['something behind the end', Buffer.concat([png(2, 2), Buffer.from('<script>')]), /damaged PNG/],
  ['cut off', png(8, 8).subarray(0, 50), /damaged PNG/],
  [
    'a chunk longer than the file',
    Buffer.concat([PNG_MAGIC, Buffer.from([255, 255, 255, 255, 73, 72, 68, 82])]),
    /damaged PNG/,
  ],
  [
    'pixels before the header',
    Buffer.concat([PNG_MAGIC, PIXELS, header(1, 1, 8, RGBA, 0, 0, 0), END]),
    /damaged PNG/,
  ],
  ['16 bits', PNG_HEAD(16, RGBA, 0, 0, 0), /depth/],
  ['interlaced', PNG_HEAD(8, RGBA, 0, 0, 1), /interlac/],
  ['pixels that do not unpack', PNG_HEAD(8, RGBA, 0, 0, 0), /damaged PNG/],
  ['pixels that unpack to a hundred megabytes', png(10, 10, 100_000_000), /damaged PNG/],
  ['fewer pixels than it says', png(10, 10, 10), /damaged PNG/],
  ['a JPEG without its end', jpeg(4, 4).subarray(0, -2), /damaged JPEG/],
  ['a JPEG for print (CMYK)', jpeg(4, 4, { components: 4 }), /other colours/],
  ['a lossless JPEG', jpeg(4, 4, { marker: 0xc3 }), /rare kind/],
  ['a JPEG that is too high', jpeg(4, 40_000), /4 by 40000/],
]
for (const [name, content, said] of REFUSED) {
  test(`refused: ${name}`, () => assert.match(shown(content), said))
}

test('every file with one byte changed or cut is a verdict, never an exception', () => {
  for (const whole of [png(6, 5), jpeg(6, 5)]) {
    for (let at = 0; at < whole.length; at += 1) {
      const changed = Buffer.from(whole)
      changed[at] = (changed[at] ?? 0) ^ 0xff
      for (const content of [changed, whole.subarray(0, at)]) {
        assert.equal(typeof checkLogo(content).ok, 'boolean')
        assert.equal(typeof readLogo(content).ok, 'boolean')
      }
    }
  }
})

test('a PNG of a filter that there is not, which would end the thread that draws bills, is refused', () => {
  for (const [filter, said] of [
    [4, 'image/png 3x2'],
    [5, 'a damaged PNG file'],
  ] as const) {
    const pixels = Buffer.alloc(2 * (1 + 3 * 4))
    pixels[1 + 3 * 4] = filter
    const file = Buffer.concat([
      PNG_MAGIC,
      header(3, 2, 8, RGBA, 0, 0, 0),
      chunk('IDAT', deflateSync(pixels)),
      chunk('IEND', Buffer.alloc(0)),
    ])
    assert.equal(shown(file), said)
  }
})

test('a JPEG with bytes between its segments, which the PDF library does not read, is refused', () => {
  const whole = jpeg(30, 20)
  const filled = Buffer.concat([whole.subarray(0, 2), Buffer.from([0xff]), whole.subarray(2)])
  assert.equal(shown(filled), 'a JPEG of a rare kind: save it as a plain one')
})
