// Two static keys for a while (wire.md 5.2): the older one is answered as long as it is in use, a
// slave that calls under it learns the newer one, and we remember who called under which.

import { equalConstantTime } from '../../../shared/bytes.ts'
import { masterKeyTag } from '../../../shared/tves/handshake.ts'
import type { KeyPair } from '../../../shared/tves/noise.ts'
import { sendControl } from './links.ts'
import { putMasterKey } from './roster.ts'
import type { DeviceState, Link, MasterSetup, Turn } from './state.ts'

/** CONFIRM came on this link: the device proved that it holds the key it called under. */
export function noteKey(turn: Turn, link: Link, device: DeviceState): void {
  if (link.calledUnder === null) return
  const tag = masterKeyTag(turn.setup.suite, link.calledUnder.publicKey)
  const known = device.record.masterKey
  if (known !== undefined && equalConstantTime(known, tag)) return
  putMasterKey(device, tag)
  turn.actions.push({ do: 'called-under', device: device.record.id, tag })
}

/** Sends MASTER KEY to a session under an older key. */
export function sendNewestKey(turn: Turn, link: Link): void {
  const [newest] = turn.setup.staticKeys
  if (link.phase.is !== 'open' || link.calledUnder === newest) return
  sendControl(turn, link, { is: 'master-key', key: newest.publicKey })
}

/** False: the key this link was called under was given up meanwhile. */
export const isInUse = ({ staticKeys }: MasterSetup, key: KeyPair | null): boolean =>
  key !== null && staticKeys.includes(key)
