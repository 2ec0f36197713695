// What the log says of secrets that did not open at a load.

import type { FaultCode } from '../../../../shared/faults.ts'
import type { MasterAction } from '../../core/state.ts'

/** One line for each code: `[code, '2 key trees, 1 psks, 0 tokens, of 2 devices']`. */
export function unreadableLines(
  actions: readonly MasterAction[],
  whyClosed: (wrapped: Uint8Array) => FaultCode,
): readonly (readonly [FaultCode, string])[] {
  const lost = actions
    .filter((action) => action.do === 'unreadable')
    .map((action) => ({ ...action, code: whyClosed(action.wrapped) }))
  return [...new Set(lost.map(({ code }) => code))].map((code) => {
    const these = lost.filter((each) => each.code === code)
    const number = (kind: string): number => these.filter(({ what }) => what === kind).length
    const devices = new Set(these.map(({ device }) => device)).size
    const kinds = `${number('key tree')} key trees, ${number('psk')} psks, ${number('token')} tokens`
    return [code, `${kinds}, of ${devices} devices`]
  })
}
