// The door in front of a page, as a domain's routes see it: what a handler receives, what it may
// answer, and how to read a request. access/http/guard.ts decides who may pass.

import type { FastifyRequest, RouteHandlerMethod } from 'fastify'
import type { VNode } from 'preact'
import type { PageContext, Viewer } from './context.ts'
import type { Trouble } from './trouble.ts'

/** What a page handler returns: a page, a file, or a redirect. */
export type Shown =
  | { readonly to: string }
  | { readonly page: VNode }
  | { readonly pdf: Uint8Array; readonly name: string }
/** ... or what went wrong. */
export type Outcome = Shown | { readonly trouble: Trouble }

export interface Visit {
  readonly request: FastifyRequest
  readonly context: PageContext
  readonly viewer: Viewer
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
