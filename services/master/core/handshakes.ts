// A link's handshakes at the master: who is calling, and with which keys. Message 1 of a session
// changes nothing that lasts; CONFIRM does.

import { equalConstantTime, toHex } from '../../../shared/bytes.ts'
import type { FaultCode } from '../../../shared/faults.ts'
import type { TokenRecord } from '../../../shared/handover/roster.ts'
import { certifierOf } from '../../../shared/tves/certificate.ts'
import {
  ControlChannel,
  enrolmentPrologue,
  epochOf,
  exporter,
  masterKeyTag,
  SESSION_PATTERN,
  sessionPrologue,
} from '../../../shared/tves/handshake.ts'
import { type HandshakeResult, type KeyPair, startHandshake } from '../../../shared/tves/noise.ts'
import type { Suite } from '../../../shared/tves/suite.ts'
import { tokenPsk } from '../../../shared/tves/token.ts'
import { spanUs, type UnixMs, unixMs, usToMs } from '../../../shared/units.ts'
import { EPOCH_AGE_MAX } from '../../../shared/wire/limits.ts'
import { enrolmentStep, type SessionSuite, sessionAnswer } from '../../../shared/wire/message.ts'
import {
  decodeAttempt,
  decodeSessionHello,
  encodeSessionOffer,
} from '../../../shared/wire/payload.ts'
import { arrivedAt } from './clock-answer.ts'
import { isSameToken } from './cutting.ts'
import { isAtHome } from './links.ts'
import { pskOf } from './roster.ts'
import type {
  CalledAs,
  DeviceState,
  HandshakeCount,
  LinkPhase,
  MasterSetup,
  Now,
  Offer,
  Owned,
  RosterState,
  Turn,
} from './state.ts'
import { mayFound } from './streams.ts'

/** What a handshake message led to. */
export type Met =
  | {
      readonly ok: true
      readonly device: DeviceState
      readonly phase: LinkPhase
      readonly send: Uint8Array
      /** The static key of ours that was called. */
      readonly calledUnder: KeyPair
      readonly calledAs: CalledAs | null
    }
  | { readonly ok: false; readonly fault: FaultCode }

const no = (fault: FaultCode): Met => ({ ok: false, fault })

/** Whether another call in this device's name is allowed now (WIR-05 when not). */
type MayCall = (device: DeviceState) => boolean

/** Where a handshake comes from, and what is allowed from there. */
export interface Visit {
  readonly source: string
  readonly mayCall: MayCall
  readonly mayEnrol: MayCall
}

/** Enrolment step 1. The token is named in clear, so that we need not try every open token. */
export function beginEnrolment(
  { setup, roster, now }: Turn,
  message: { readonly token: Uint8Array; readonly noise: Uint8Array },
  { mayEnrol }: Visit,
): Met {
  const { suite, random } = setup
  const id = toHex(message.token)
  const token = roster.tokens.get(id)
  if (token === undefined || token.expiresAt <= usToMs(now.at)) return no('SEC-07')
  const device = roster.devices.get(token.device)
  if (device === undefined) return no('SEC-07')
  if (!mayEnrol(device)) return no('WIR-05')
  const staticKey = tokensKey(setup, token)
  // The token was made under a key that has been given up since.
  if (staticKey === undefined) return no('SEC-07')
  const noise = startHandshake({
    suite,
    pattern: 'XXpsk3',
    initiator: false,
    prologue: enrolmentPrologue(message.token),
    staticKey,
    psk: tokenPsk(suite, token.clearSecret),
    ephemeral: random(32),
  })
  const payload = noise.read(message.noise)
  if (payload === null) return no('SEC-09')
  if (payload.length > 0) return no('WIR-03')
  const answer = noise.write(new Uint8Array(0))
  if (answer === null) return no('SEC-09')
  return {
    ok: true,
    device,
    phase: { is: 'enrolling', noise, token },
    send: enrolmentStep(2, answer),
    calledUnder: staticKey,
    calledAs: null,
  }
}

export interface Enrolment {
  readonly phase: Extract<LinkPhase, { is: 'storing' }>
  readonly token: string
  readonly staticKey: Uint8Array
  readonly psk: Uint8Array
  readonly attempt: number
}

/** Enrolment step 3: the slave proved that it knows the token's secret, and showed its static
 * key. */
export function finishEnrolment(
  { setup: { suite }, roster }: Turn,
  phase: Extract<LinkPhase, { is: 'enrolling' }>,
  message: Uint8Array,
): { readonly ok: true; readonly enrolment: Enrolment } | { ok: false; fault: FaultCode } {
  const payload = phase.noise.read(message)
  const staticKey = phase.noise.remoteStatic
  if (payload === null || staticKey === null) return { ok: false, fault: 'SEC-07' }
  const attempt = decodeAttempt(payload)
  if (attempt === null) return { ok: false, fault: 'WIR-03' }
  const token = roster.tokens.get(phase.token.id)
  const device = token === undefined ? undefined : roster.devices.get(token.device)
  if (token === undefined || device === undefined || !isSameToken(token, phase.token)) {
    return { ok: false, fault: 'SEC-07' }
  }
  if (device.record.revoked) return { ok: false, fault: 'SEC-14' }
  if (token.burntBy !== null && !equalConstantTime(token.burntBy, staticKey)) {
    return { ok: false, fault: 'SEC-08' }
  }
  const result = phase.noise.finish()
  const channel = new ControlChannel(result, null)
  const psk = exporter(suite, result.chainingKey, 'psk')
  result.chainingKey.fill(0)
  return {
    ok: true,
    enrolment: {
      phase: { is: 'storing', channel, device },
      token: token.id,
      staticKey,
      psk,
      attempt,
    },
  }
}

type Caller =
  | {
      readonly ok: true
      readonly device: DeviceState
      readonly psk: Uint8Array
      readonly calledAs: CalledAs
    }
  | { readonly ok: false; readonly fault: FaultCode }

/** The device with this static key, if it may go on. */
function callerOf(
  { unwrap }: MasterSetup,
  roster: RosterState,
  staticKey: Uint8Array,
  mayCall: MayCall,
): Caller {
  const device = roster.byKey.get(toHex(staticKey))
  if (device === undefined) return { ok: false, fault: 'SEC-01' }
  if (device.record.revoked) return { ok: false, fault: 'SEC-14' }
  if (!mayCall(device)) return { ok: false, fault: 'WIR-05' }
  const psk = pskOf(device.record, unwrap)
  if (psk === null) return { ok: false, fault: 'SEC-01' }
  return { ok: true, device, psk, calledAs: { staticKey, attempt: device.record.attempt } }
}

/** The key pair a slave calls: the one it names, never a list tried in turn. */
const calledKey = ({ suite, staticKeys }: MasterSetup, tag: Uint8Array): KeyPair | undefined =>
  staticKeys.find(({ publicKey }) => equalConstantTime(masterKeyTag(suite, publicKey), tag))

/** The key pair whose fingerprint a token carries; a token without one is older than any second
 * key. */
const tokensKey = (setup: MasterSetup, { masterKey }: TokenRecord): KeyPair | undefined =>
  masterKey === undefined ? setup.staticKeys.at(-1) : calledKey(setup, masterKey)

export interface SessionHello {
  readonly suite: SessionSuite
  readonly keyTag: Uint8Array
  readonly noise: Uint8Array
}

/** Whether this step 1 was answered before. Who copies a call and is faster than the caller must
 * not shut it out by that: where the device was seen before, the second one is answered too. */
function isCopy({ recentSteps, roster }: Turn, noise: Uint8Array, source: string): boolean {
  const caller = recentSteps.callerOf(noise)
  if (caller === null) return false
  const device = roster.devices.get(caller.device)
  return device === undefined || caller.twice || !isAtHome(device, source)
}

/** Session step 1 to step 2. A copy is known at once, the caller after one X25519. */
export function greet(turn: Turn, message: SessionHello, { source, mayCall }: Visit): Met {
  const { setup, roster, handshakes, now, recentSteps } = turn
  const { suite, random } = setup
  if (isCopy(turn, message.noise, source)) return no('WIR-09')
  const staticKey = calledKey(setup, message.keyTag)
  if (staticKey === undefined) return no('SEC-09')
  const call: { caller: Caller } = { caller: { ok: false, fault: 'SEC-09' } }
  const noise = startHandshake({
    suite,
    pattern: SESSION_PATTERN[message.suite],
    initiator: false,
    prologue: sessionPrologue(message.suite),
    staticKey,
    ephemeral: random(32),
    admit: (remote) => {
      call.caller = callerOf(setup, roster, remote, mayCall)
      return call.caller.ok
    },
  })
  const payload = noise.read(message.noise)
  const { caller } = call
  if (!caller.ok) return no(caller.fault)
  if (payload === null) return no('SEC-09')
  const hello = decodeSessionHello(payload)
  if (hello === null) return no('WIR-03')
  const { device } = caller
  recentSteps.remember(message.noise, device.record.id)
  const peer = noise.remoteStatic
  if (peer === null) return no('SEC-09')
  noise.setPsk(caller.psk)
  const due = isEpochDue(device, hello.wantsEpoch, now)
  const withheld = due && !mayFound(device, now.at)
  const origin = due && !withheld ? wholeSecond(now) : null
  const answer = noise.write(
    encodeSessionOffer({
      device: device.idBytes,
      t2: arrivedAt(now),
      t3: now.at,
      bound: now.bound === null ? null : spanUs(now.bound),
      tolerance: setup.toleranceSeconds,
      historyFrom: device.record.historyFrom,
      origin,
    }),
  )
  if (answer === null) return no('SEC-09')
  const result = noise.finish()
  const offer = origin === null ? null : offerOf(suite, device, result, origin)
  result.chainingKey.fill(0)
  const place = nextPlace(handshakes)
  const certifier = certifierOf({
    suite,
    side: 'master',
    device: device.idBytes,
    privateKey: staticKey.privateKey,
    peer,
    masterKey: staticKey.publicKey,
    slaveKey: peer,
  })
  const channel = new ControlChannel(result, certifier)
  return {
    ok: true,
    device,
    phase: { is: 'greeted', device, channel, offer, withheld, place },
    send: sessionAnswer(message.suite, answer),
    calledUnder: staticKey,
    calledAs: caller.calledAs,
  }
}

/** The epoch that a handshake founds; null when its id is taken. */
function offerOf(
  suite: Suite,
  { epochs }: DeviceState,
  result: HandshakeResult,
  origin: UnixMs,
): Offer | null {
  const founded = epochOf(suite, result)
  if (founded !== null && !epochs.has(founded.id)) return { ...founded, origin }
  founded?.secret.fill(0)
  return null
}

function nextPlace(count: Owned<HandshakeCount>): number {
  count.greeted += 1
  return count.greeted
}

const wholeSecond = (now: Now): UnixMs => unixMs(Math.floor(now.at / 1_000_000) * 1_000)

const isEpochDue = (device: DeviceState, wanted: boolean, now: Now): boolean =>
  wanted ||
  device.newestSince === null ||
  Math.abs(usToMs(now.at) - device.newestSince) >= EPOCH_AGE_MAX
