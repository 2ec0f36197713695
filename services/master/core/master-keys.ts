// Two static keys for a while (wire.md 5.2): the older one is answered as long as it is held, who
// calls under it is told the newer one, and who called under which is remembered.

import { equalConstantTime } from '../../../shared/bytes.ts'
import { masterKeyTag } from '../../../shared/tves/handshake.ts'
import type { KeyPair } from '../../../shared/tves/noise.ts'
import type { MasterSetup } from './handshakes.ts'
import { type Link, sendControl, type Turn } from './links.ts'
import type { DeviceState } from './roster.ts'

/** CONFIRM came on this link: the device has proven that it holds the key it called under. */
export function noteKey(turn: Turn, link: Link, device: DeviceState): void {
  if (link.calledUnder === null) return
  const tag = masterKeyTag(turn.setup.suite, link.calledUnder.publicKey)
  const known = device.record.masterKey
  if (known !== undefined && equalConstantTime(known, tag)) return
  device.record = { ...device.record, masterKey: tag }
  turn.actions.push({ do: 'called-under', device: device.record.id, tag })
}

/** MASTER KEY, to a session under an older one. */
export function tellKey(turn: Turn, link: Link): void {
  const [newest] = turn.setup.staticKeys
  if (link.phase.is !== 'open' || link.calledUnder === newest) return
  sendControl(turn, link, { is: 'master-key', key: newest.publicKey })
}

/** False: the key this link was called under was given up meanwhile. */
export const isHeld = ({ staticKeys }: MasterSetup, key: KeyPair | null): boolean =>
  key !== null && staticKeys.includes(key)
