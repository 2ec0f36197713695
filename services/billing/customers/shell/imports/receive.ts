// Takes a file in: stores it part by part, hashes it, and looks whether it is UTF-8.

import type { Kysely } from 'kysely'
import { createHash } from 'node:crypto'
import { errorCode } from '../../../../../shared/node/fault-error.ts'
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

interface Arriving {
  readonly kind: Kind
  readonly name: string
  readonly by: string
  readonly chunks: AsyncIterable<Uint8Array>
  /** Whether more came than was taken; known when `chunks` has ended. */
  readonly isCut?: () => boolean
}

/** Stores the bytes of a file as a new import. OPS-39 when it is empty or too large. Of a file that
 * does not arrive whole nothing stays; rejects with what broke it off. */
export async function receiveFile(db: Kysely<Database>, file: Arriving): Promise<Received> {
  await dropOldFiles(db)
  const name = file.name.replaceAll(/[\p{C}]/gu, '').slice(-NAME_CHARS_MAX) || 'file'
  const id = await beginImport(db, { kind: file.kind, name, by: file.by })
  try {
    const received = await takeParts(db, id, file)
    if (!received.ok) await dropImport(db, id)
    return received
  } catch (error) {
    await dropImport(db, id)
    if (errorCode(error) !== NO_SUCH_IMPORT) throw error
    return refused('somebody discarded it')
  }
}

/** The database's word for a part of an import that is gone: a foreign key. */
const NO_SUCH_IMPORT = '23503'
const TOO_LARGE = `it is larger than ${IMPORT_BYTES_MAX / 1_048_576} MiB; split it`
const refused = (detail: string): Received => ({ ok: false, fault: 'OPS-39', detail })

/** Until it is sealed, no page and no dry run takes it for a file. */
async function takeParts(db: Kysely<Database>, id: number, file: Arriving): Promise<Received> {
  const hash = createHash('sha256')
  const probe = new EncodingProbe()
  let [bytes, no] = [0, 0]
  for await (const part of parts(file.chunks)) {
    bytes += part.length
    if (bytes > IMPORT_BYTES_MAX) return refused(TOO_LARGE)
    hash.update(part)
    probe.take(part)
    await addPart(db, { id, no, content: part })
    no += 1
  }
  if (file.isCut?.() === true) return refused(TOO_LARGE)
  if (bytes === 0) return refused('it is empty')
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
