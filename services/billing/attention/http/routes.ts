// What needs attention: the operators' first page, and what they say of its entries.

import type { FastifyInstance } from 'fastify'
import type { VNode } from 'preact'
import type { UnixMs } from '../../../../shared/units.ts'
import { type Door, query, type Visit } from '../../kit/door.ts'
import { EMPTY_FORM, type FormState, hasErrors, readForm } from '../../kit/form.ts'
import { listHref, pageOf, readList, readSelection } from '../../kit/list.ts'
import type { AttentionReads } from '../db/board.ts'
import { markOf } from '../core/mark.ts'
import {
  ATTENTION_STATES,
  type AttentionRow,
  type AttentionState,
  isAttentionState,
} from '../core/views.ts'
import { AttentionPage } from '../pages/attention.tsx'
import { attentionSpec } from './spec.ts'

export interface AttentionDeps {
  readonly attention: AttentionReads
  readonly now: () => UnixMs
}

export function attentionRoutes(app: FastifyInstance, deps: AttentionDeps, page: Door): void {
  for (const state of ATTENTION_STATES) {
    app.get(
      attentionSpec(state).path,
      page((visit) => shown(deps, visit, { state, from: visit.request.query, form: EMPTY_FORM })),
    )
  }
  app.post(
    '/attention/mark',
    page(async (visit) => {
      const { request, viewer } = visit
      const { attention, now } = deps
      const stated = query(request, 'state')
      const state = isAttentionState(stated) ? stated : 'open'
      const spec = attentionSpec(state)
      const values = readForm(request, ['do', 'until', 'reason'])
      const selection = readSelection(request, spec)
      const verdict = markOf(values, now())
      const ids = selection === null || selection.all ? [] : selection.ids
      const none = ids.length === 0 ? { id: 'Tick at least one entry.' } : {}
      const errors = { ...none, ...verdict.errors }
      if (verdict.mark === null || hasErrors(errors)) {
        const form = { values, errors }
        return { status: 422, ...(await shown(deps, visit, { state, from: request.body, form })) }
      }
      await attention.mark(ids, verdict.mark, viewer.name, now())
      return { to: listHref(spec, readList(request.body, spec)) }
    }),
  )
}

interface Shown {
  readonly state: AttentionState
  readonly from: unknown
  readonly form: FormState
}

async function shown(
  { attention, now }: AttentionDeps,
  { context }: Visit,
  { state, from, form }: Shown,
): Promise<{ readonly page: VNode }> {
  const spec = attentionSpec(state)
  const asked = readList(from, spec)
  const [rows, totals] = await Promise.all([
    attention.list({ state, query: asked }, now()),
    attention.totals(now()),
  ])
  const page = pageOf(rows, asked, (row) => ({ key: keyOf(row, asked.sort), id: row.id }))
  const list = { spec, query: asked, page }
  return { page: AttentionPage({ context, list, state, totals, form, now: now() }) }
}

function keyOf(row: AttentionRow, sort: string): string {
  if (sort === 'since') return new Date(row.since).toISOString()
  if (sort === 'last') return new Date(row.lastAt).toISOString()
  return String(sort === 'count' ? row.count : row.rank)
}
