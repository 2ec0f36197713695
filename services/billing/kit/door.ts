// The door in front of a page, as a domain's routes see it: what a handler receives, what it may
// answer, and how to read a request. access/http/guard.ts decides who may pass.

import type { FastifyRequest, RouteHandlerMethod } from 'fastify'
import type { VNode } from 'preact'
import type { PageContext, Viewer } from './context.ts'
import type { CsvList } from './csv.ts'
import type { Trouble } from './trouble.ts'

/** What a page handler returns: a page, a file, a list as a file, or a redirect. */
export type Shown =
  | { readonly to: string }
  /** 422: a form comes back with what is wrong in it. 409: somebody else changed the row. */
  | { readonly page: VNode; readonly status?: 200 | 409 | 422 }
  | { readonly pdf: Uint8Array; readonly name: string }
  | { readonly csv: CsvList; readonly name: string }
  /** A document as its text. */
  | { readonly json: string; readonly name: string }
/** ... or what went wrong. */
export type Outcome = Shown | { readonly trouble: Trouble }

export interface Visit {
  readonly request: FastifyRequest
  readonly context: PageContext
  readonly viewer: Viewer
  /** The file of a form that has one, on routes with the option UPLOAD. */
  readonly upload: Upload | null
}

/** A file while it arrives. What a handler does not read is dropped; nothing is kept on a disk. */
export interface Upload {
  /** As the browser calls it; text from outside. */
  readonly filename: string
  readonly chunks: AsyncIterable<Uint8Array>
  /** Whether it was cut off at UPLOAD_BYTES_MAX; known when `chunks` has ended. */
  isCut(): boolean
}

/** Largest file, bytes: a hundred thousand lines of 320. */
export const UPLOAD_BYTES_MAX = 32 * 1_048_576

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Its form carries a file. */
    readonly takesFile?: true
  }
}
/** Option of a route whose form carries a file. */
export const UPLOAD = { config: { takesFile: true } } as const

/** Option of a route whose form carries a document as text: a tariff, a legal text. */
export const LONG_FORM = { bodyLimit: 256 * 1_024 } as const

/** The whole file; null when it is larger than UPLOAD_BYTES_MAX. */
export async function uploadBytes(upload: Upload): Promise<Buffer | null> {
  const chunks: Uint8Array[] = []
  for await (const chunk of upload.chunks) chunks.push(chunk)
  return upload.isCut() ? null : Buffer.concat(chunks)
}

/** Turns a handler into a route that admits only viewers of the door's kind. */
export type Door = (handle: (visit: Visit) => Promise<Outcome>) => RouteHandlerMethod

/** A path parameter as text; empty when the route has none by that name. */
export function param(request: FastifyRequest, name: string): string {
  return textIn(request.params, name)
}

/** A query field as text; empty when missing or repeated. */
export const query = (request: FastifyRequest, name: string): string => textIn(request.query, name)

/** One field of a posted form as text; empty when it is missing, repeated or not text. */
export const field = (request: FastifyRequest, name: string): string => textIn(request.body, name)

function textIn(fields: unknown, name: string): string {
  if (typeof fields !== 'object' || fields === null || !Object.hasOwn(fields, name)) return ''
  const text: unknown = Reflect.get(fields, name)
  return typeof text === 'string' ? text : ''
}

/** A row id: 1 to 15 digits, so always a safe integer; null otherwise. */
export const rowId = (text: string): number | null =>
  /^[1-9]\d{0,14}$/.test(text) ? Number(text) : null

/** The largest id of a table whose ids are 32 bits wide. */
const SMALL_ID_MAX = 2_147_483_647

/** The id of a row of such a table; a larger number would be an error of the database. */
export function smallRowId(text: string): number | null {
  const id = rowId(text)
  return id === null || id > SMALL_ID_MAX ? null : id
}

export const isDeviceId = (text: string): boolean => /^[0-9a-f]{16}$/.test(text)
