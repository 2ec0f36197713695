// Runs in the browser: opens the frames of test/vectors/frame.json with the portable provider
// alone, as a page that has a run's secret would, and reports what it found.

import { equalConstantTime, fromHex, toHex } from '../../shared/bytes.ts'
import { nobleSuite } from '../../shared/tves/noble-suite.ts'
import { openFrame, sealFrame } from '../../shared/tves/seal.ts'
import { leafAt, plantTree, runIv } from '../../shared/tves/tree.ts'
import { startOfSecond, unixMs } from '../../shared/units.ts'
import { expandBody } from '../../shared/wire/compact.ts'
import { decodeContent } from '../../shared/wire/content.ts'
import { decodeFrame, type FrameHeader } from '../../shared/wire/frame.ts'
import type { Opener } from '../../shared/wire/opener.ts'

/** The fields of the file that are used here; bytes are hex. */
export interface FrameFile {
  readonly secret: string
  readonly device: string
  readonly transcript: string
  readonly salt: string
  readonly origin: number
  readonly frames: readonly { readonly name: string; readonly line: string }[]
}

/** Reading frames needs no key agreement, so this provider has none. */
const noAgreement = (): never => {
  throw new Error('X25519 was asked for')
}
const suite = nobleSuite({
  publicKey: noAgreement,
  dh: noAgreement,
  kem: { encapsulationKey: noAgreement, encapsulate: noAgreement, decapsulate: noAgreement },
})

function bytes(hex: string): Uint8Array {
  const read = fromHex(hex)
  if (read === null) throw new Error('not hex')
  return read
}

const shown = (content: unknown): string =>
  JSON.stringify(content, (_key, value: unknown) =>
    value instanceof Uint8Array ? toHex(value) : value,
  )

/** One line for each frame: its name and its content as JSON, or why there is none. */
export function openAll(file: FrameFile): string {
  let tree = plantTree(suite, bytes(file.secret))
  const iv = runIv(suite, tree.ivKey, 3, bytes(file.salt))
  const known = { iv, device: bytes(file.device), transcript: bytes(file.transcript) }
  let previous: FrameHeader | null = null
  let opener: Opener | null = null
  const lines: string[] = []
  for (const { name, line } of file.frames) {
    const body: Uint8Array | null = expandBody(previous, bytes(line))
    const parts = body === null ? null : decodeFrame(body)
    const leaf = parts === null ? null : leafAt(suite, tree, parts.header.second)
    if (body === null || parts === null || leaf === null) return `${name} is no frame`
    tree = leaf.tree
    const { header, headerBytes, sealed } = parts
    const { key } = leaf
    const { sequence } = header
    const plaintext = openFrame(suite, { ...known, key, headerBytes, sequence, sealed })
    if (plaintext === null) return `${name} does not open`
    const again = sealFrame(suite, { ...known, key, header, plaintext })
    if (!equalConstantTime(again, body)) return `${name} is sealed in another way`
    const begins = startOfSecond(unixMs(file.origin), header.second)
    const content = decodeContent(plaintext, header.count, { begins, opener })
    if (content?.kind === 'opener') opener = content
    previous = header
    lines.push(`${name} ${shown(content)}`)
  }
  return lines.join('\n')
}
