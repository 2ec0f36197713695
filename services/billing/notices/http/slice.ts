// One page of a long list of bills or notices, as the URL asks for it.

import type { FastifyRequest } from 'fastify'
import { query, rowId } from '../../kit/door.ts'
import { NOTICE_STATES, type Slice, SLICE_ROWS } from '../core/views.ts'

export const sliceOf = (request: FastifyRequest): Slice => ({
  state: NOTICE_STATES.find((state) => state === query(request, 'state')) ?? null,
  before: rowId(query(request, 'before')),
})

/** Where the next page starts: after the last id of a full page; null after the last page. */
export const nextOf = (rows: readonly { readonly id: number }[]): number | null =>
  rows.length < SLICE_ROWS ? null : (rows.at(-1)?.id ?? null)
