// Takes a file in: stores it part by part, hashes it, and looks whether it is UTF-8.

import type { Kysely } from 'kysely'
import { createHash } from 'node:crypto'
import type { Database } from '../../../store/schema.ts'
import {
  type Encoding,
  EncodingProbe,
  type EncodingVerdict,
  IMPORT_BYTES_MAX,
} from '../../core/imports/dialect.ts'
import type { Kind } from '../../core/imports/kinds.ts'
import { addPart, beginImport, dropImport, dropOldFiles, sealFile } from '../../db/imports/files.ts'

/** Bytes of a stored part. */
const PART_BYTES = 262_144
/** Longest name of a file that is kept, characters. */
const NAME_CHARS_MAX = 200

export type Received =
  | { readonly ok: true; readonly id: number; readonly encoding: EncodingVerdict }
  | { readonly ok: false; readonly fault: 'OPS-39'; readonly detail: string }

/** Stores the bytes of a file as a new import. OPS-39 when it is empty or too large. */
export async function receiveFile(
  db: Kysely<Database>,
  file: {
    readonly kind: Kind
    readonly name: string
    readonly by: string
    readonly chunks: AsyncIterable<Uint8Array>
  },
): Promise<Received> {
  await dropOldFiles(db)
  const name = file.name.replaceAll(/[\p{C}]/gu, '').slice(-NAME_CHARS_MAX) || 'file'
  const id = await beginImport(db, { kind: file.kind, name, by: file.by })
  const hash = createHash('sha256')
  const probe = new EncodingProbe()
  let [bytes, no] = [0, 0]
  for await (const part of parts(file.chunks)) {
    bytes += part.length
    if (bytes > IMPORT_BYTES_MAX) {
      await dropImport(db, id)
      const detail = `it is larger than ${IMPORT_BYTES_MAX / 1_048_576} MiB; split it`
      return { ok: false, fault: 'OPS-39', detail }
    }
    hash.update(part)
    probe.take(part)
    await addPart(db, { id, no, content: part })
    no += 1
  }
  if (bytes === 0) {
    await dropImport(db, id)
    return { ok: false, fault: 'OPS-39', detail: 'it is empty' }
  }
  await sealFile(db, id, { bytes, sha256: hash.digest('hex') })
  return { ok: true, id, encoding: probe.end() }
}

/** The encoding to propose. */
export const proposedEncoding = (verdict: EncodingVerdict): Encoding =>
  verdict.ok ? 'utf-8' : verdict.looks

/** Chunks as they come, joined to parts of one size. */
async function* parts(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = []
  let length = 0
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += PART_BYTES) {
      const piece = chunk.subarray(at, at + PART_BYTES)
      held.push(piece)
      length += piece.length
      if (length < PART_BYTES) continue
      yield Buffer.concat(held)
      held = []
      length = 0
    }
  }
  if (length > 0) yield Buffer.concat(held)
}
