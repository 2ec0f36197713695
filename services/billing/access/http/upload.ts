// A form that carries a file. Its text fields come first, so the form's token is known before a
// byte of the file is taken; the file itself is handed on while it arrives. Nothing is written to a
// disk, and no more of it is held than its reader keeps.

import type { FastifyRequest } from 'fastify'
import type { Multipart, MultipartFile } from '@fastify/multipart'
import { type Upload, UPLOAD_BYTES_MAX } from '../../kit/door.ts'
import { isPlainText } from '../../kit/plain-text.ts'

/** Text fields before the file: token, version, and what an import asks about its file. */
const FIELDS_MAX = 64
/** Longest text field of such a form, bytes. */
const FIELD_BYTES_MAX = 4_096
/** Longest name of a field, bytes: ours are words. */
const NAME_BYTES_MAX = 100
/** Longest name of a file that is shown; the rest is cut. */
const FILENAME_CHARS_MAX = 200
/** What stands around the file in a body, bytes. */
const FRAME_BYTES_MAX = FIELDS_MAX * (FIELD_BYTES_MAX + 1_024)

/** For the plugin. */
export const UPLOAD_LIMITS = {
  fieldNameSize: NAME_BYTES_MAX,
  fieldSize: FIELD_BYTES_MAX,
  fields: FIELDS_MAX,
  files: 1,
  parts: FIELDS_MAX + 1,
  headerPairs: 8,
  fileSize: UPLOAD_BYTES_MAX,
}

/** The form up to its file; the text fields stand in the request's body as those of any form do. */
export interface Arriving {
  readonly upload: Upload | null
  /** Drops what nobody read. */
  finish(): void
}

export async function takeForm(
  request: FastifyRequest,
): Promise<Arriving | 'too large' | 'unreadable'> {
  const length = Number(request.headers['content-length'] ?? 0)
  if (length > UPLOAD_BYTES_MAX + FRAME_BYTES_MAX) return 'too large'
  const fields: Record<string, string | string[]> = Object.create(null)
  const parts = request.parts()
  try {
    for (;;) {
      const next = await parts.next()
      const part: Multipart | null = next.done === true ? null : next.value
      if (part === null || part.type === 'file') {
        request.body = fields
        return part === null ? { upload: null, finish: () => {} } : arriving(part)
      }
      const { fieldname, value, valueTruncated, fieldnameTruncated } = part
      if (valueTruncated || fieldnameTruncated) return 'too large'
      if (typeof value !== 'string') return 'unreadable'
      if (!isPlainText(fieldname) || !isPlainText(value)) return 'unreadable'
      add(fields, fieldname, value)
    }
  } catch {
    // The reader of multipart throws for everything that is not a form; all of it is from outside.
    return 'unreadable'
  }
}

function add(fields: Record<string, string | string[]>, name: string, value: string): void {
  const before = fields[name]
  if (before === undefined) fields[name] = value
  else if (typeof before === 'string') fields[name] = [before, value]
  else before.push(value)
}

function arriving({ file, filename }: MultipartFile): Arriving {
  // Whoever reads it hears of an error; when nobody does any more, it must not end the process.
  file.on('error', () => {})
  const name = isPlainText(filename) ? filename.slice(0, FILENAME_CHARS_MAX) : ''
  return {
    upload: { filename: name.toWellFormed(), chunks: file, isCut: () => file.truncated },
    finish: () => void file.resume(),
  }
}
