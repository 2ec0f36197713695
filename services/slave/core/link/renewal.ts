// When a good session is left for the next one: for a new epoch (wire.md 4), or to call under the
// master's new key (wire.md 5.2).

import { elapsedUs, shiftMono, spanUs, type UnixMs } from '../../../../shared/units.ts'
import { EPOCH_AGE_MAX } from '../../../../shared/wire/limits.ts'
import { newestEpoch } from '../capture/sealing.ts'
import { inFlight } from '../outgoing/lanes.ts'
import { own } from '../state/own.ts'
import type { Turn } from '../turn.ts'

/** A due renewal is put off by up to this much at random: a fleet that came up together must not
 * call again together. */
const RENEW_SPREAD_US = 300_000_000
/** A due renewal waits this long for frames on their way to be acknowledged. */
const RENEW_PATIENCE_US = 120_000_000

/** When the session that begins now is left: an hour after the begin of the newest epoch, by
 * the master's clock and then by ours that only counts on. */
export function renewLater(turn: Turn, offered: UnixMs | null, masterNow: UnixMs): void {
  const { mono, setup } = turn
  const newest = newestEpoch(turn)
  const age = masterNow - (offered ?? newest?.origin ?? masterNow)
  // Too old and no other was offered, or begun in the future: the master will not have it now.
  const left = age >= 0 && age < EPOCH_AGE_MAX ? EPOCH_AGE_MAX - age : EPOCH_AGE_MAX
  const spread = ((setup.random(1)[0] ?? 0) / 256) * RENEW_SPREAD_US
  own(turn.state.link).renewAt = shiftMono(mono, spanUs(left * 1_000 + Math.floor(spread)))
}

/** Why the present session is left now; null: it stays. */
export function reasonToLeave({ state, mono }: Turn): string | null {
  const { phase, renewAt } = state.link
  if (phase.is !== 'open') return null
  if (phase.moveAt !== null && mono >= phase.moveAt) return "for the master's new key"
  if (mono < renewAt) return null
  const late = elapsedUs(renewAt, mono) > RENEW_PATIENCE_US
  return !late && inFlight(state.outgoing.forwarder) ? null : 'for a new epoch'
}
