// What must hold for one slave after every event.

import { CLOCK_BOUND_UNKNOWN } from '../../shared/clock/clock-state.ts'
import type { AgentAction, AgentView } from '../../services/slave/core/state/events.ts'
import { hold } from './hold.ts'
import type { TrueUs } from './world.ts'

/** What an agent may hold in memory while its disk does not take it. */
const ANSWERS_MAX = 256
const TRANSACTIONS_MAX = 8

/** A body from a sender without keys may cause a report and the end of the link, nothing else. */
export function unmoved(actions: readonly AgentAction[]): void {
  for (const { do: what } of actions) {
    hold(what === 'report' || what === 'drop', 'moved by a stranger', `the slave: ${what}`)
  }
}

/** Memory stays small, and the time shown is as accurate as stated. `unawareMs`: how far off it may
 * be because it has not heard of a leap second yet. */
export function bounded(
  view: AgentView,
  truth: { readonly utc: TrueUs; readonly unawareMs: number },
): void {
  const { answersWaiting, transactionsWaiting, clockState, clockBoundMs } = view
  const error = Math.abs(truth.utc - view.clock)
  const unknown = clockState === 'U' || clockBoundMs >= CLOCK_BOUND_UNKNOWN
  const honest = unknown || error <= (clockBoundMs + truth.unawareMs) * 1_000
  hold(honest, 'clock bound', `${clockState} off by ${error} us, states ${clockBoundMs} ms`)
  hold(answersWaiting <= ANSWERS_MAX, 'memory', `${answersWaiting} answers wait`)
  hold(transactionsWaiting <= TRANSACTIONS_MAX, 'memory', `${transactionsWaiting} transactions`)
}
