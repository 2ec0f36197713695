// What must hold for the master after a body from a sender without keys.

import type { LinkId, MasterAction } from '../../services/master/core/state.ts'
import { hold } from './hold.ts'

/** All that a body from a sender without keys may cause: an answer, or the end of the link. */
const HARMLESS: ReadonlySet<MasterAction['do']> = new Set([
  'send',
  'drop',
  'refused',
  'disconnected',
])

/** Handshakes on other links that give way (wire.md 10) are no move. */
export function unmoved(actions: readonly MasterAction[], link: LinkId): void {
  const gaveWay = new Set<LinkId>()
  for (const action of actions) {
    if (action.do === 'drop' && action.fault === 'WIR-05') gaveWay.add(action.link)
  }
  for (const action of actions) {
    hold(HARMLESS.has(action.do), 'moved by a stranger', `the master: ${action.do}`)
    const elsewhere = 'link' in action && action.link !== link && !gaveWay.has(action.link)
    hold(!elsewhere, 'moved by a stranger', `the master: ${action.do} on another link`)
  }
}
