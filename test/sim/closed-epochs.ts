// What masters ask for about closed epochs, of a ledger in memory, or where none is ever closed.

import { unreachable } from '../../shared/assert.ts'
import type { MasterAction, MasterEvent } from '../../services/master/core/state.ts'
import type { Ledger } from './sink.ts'

const ABOUT = ['recall', 'drain', 'revive', 'named', 'doubt'] as const
type AboutEpochs = Extract<MasterAction, { do: (typeof ABOUT)[number] }>

const isAboutEpochs = (action: MasterAction): action is AboutEpochs =>
  ABOUT.some((what) => what === action.do)

/** What becomes of it in a ledger, and what the master is told. */
function afterwards(
  action: AboutEpochs,
  ledger: Ledger | null,
  outcome: 'done' | 'failed' | 'unsure' = 'done',
): MasterEvent | null {
  switch (action.do) {
    case 'recall': {
      const found = ledger?.recall(action) ?? { epochs: [], positions: [] }
      return { on: 'recalled', link: action.link, found: outcome === 'done' ? found : null }
    }
    case 'drain': {
      const { link, device } = action
      if (outcome !== 'failed') ledger?.drain(action)
      return { on: 'drained', link, device, stored: outcome === 'done' }
    }
    case 'revive':
      ledger?.revive(action)
      return null
    case 'named':
    case 'doubt':
      return null
  }
  return unreachable(action)
}

/** False: it is about something else. Otherwise done at once, and answered. */
export function settlesEpochs(
  action: MasterAction,
  ledger: Ledger | null,
  answer: (event: MasterEvent) => void,
): action is AboutEpochs {
  if (!isAboutEpochs(action)) return false
  const event = afterwards(action, ledger)
  if (event !== null) answer(event)
  return true
}

/** The same in a database in trouble: what it answers comes later, and perhaps it failed. */
export function settlesEpochsLater(
  action: MasterAction,
  ledger: Ledger,
  statement: (apply: (outcome: 'done' | 'failed' | 'unsure') => MasterEvent) => void,
): action is AboutEpochs {
  if (!isAboutEpochs(action)) return false
  if (action.do !== 'recall' && action.do !== 'drain') {
    afterwards(action, ledger)
    return true
  }
  statement((outcome) => {
    const event = afterwards(action, ledger, outcome)
    if (event === null) throw new Error('both are answered')
    return event
  })
  return true
}
