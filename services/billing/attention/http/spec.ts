// The lists of what needs attention, as a query may ask for them.

import type { ListSpec } from '../../kit/list.ts'
import { ATTENTION_SORTS, type AttentionState } from '../core/views.ts'

const PATHS: Readonly<Record<AttentionState, string>> = {
  open: '/attention',
  muted: '/attention/muted',
  closed: '/attention/closed',
}

export const attentionSpec = (state: AttentionState): ListSpec => ({
  path: PATHS[state],
  sorts: ATTENTION_SORTS,
  sort: 'rank',
  filters: {},
})
