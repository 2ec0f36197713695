// One page of a long list of bills or notices, as the address asks for it.

import type { FastifyRequest } from 'fastify'
import { query, rowId } from '../../kit/door.ts'
import { NOTICE_STATES, type Slice, SLICE_ROWS } from '../core/views.ts'

export const sliceOf = (request: FastifyRequest): Slice => ({
  state: NOTICE_STATES.find((state) => state === query(request, 'state')) ?? null,
  before: rowId(query(request, 'before')),
})

/** A full page has a next one, from its last id on. */
export const nextOf = (rows: readonly { readonly id: number }[]): number | null =>
  rows.length < SLICE_ROWS ? null : (rows.at(-1)?.id ?? null)
