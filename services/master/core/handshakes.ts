// One link's handshakes, as the master sees them: who is calling, and with which keys. Message 1 of
// a session moves nothing that lasts; what lasts comes with CONFIRM.

import { equalConstantTime, toHex, type Random } from '../../../shared/bytes.ts'
import type { FaultCode } from '../../../shared/faults.ts'
import type { TokenRecord } from '../../../shared/handover/roster.ts'
import {
  ControlChannel,
  type EpochSecret,
  enrolmentPrologue,
  epochOf,
  exporter,
  masterKeyTag,
  SESSION_PATTERN,
  sessionPrologue,
} from '../../../shared/tves/handshake.ts'
import { type Handshake, type KeyPair, startHandshake } from '../../../shared/tves/noise.ts'
import type { Suite } from '../../../shared/tves/suite.ts'
import { tokenPsk } from '../../../shared/tves/token.ts'
import { spanUs, type UnixMs, unixMs, usToMs } from '../../../shared/units.ts'
import { EPOCH_AGE_MAX, OPEN_EPOCHS_MAX } from '../../../shared/wire/limits.ts'
import { enrolmentStep, type SessionSuite, sessionAnswer } from '../../../shared/wire/message.ts'
import {
  decodeAttempt,
  decodeSessionHello,
  encodeSessionOffer,
} from '../../../shared/wire/payload.ts'
import type { HandshakeLimits } from './flood.ts'
import type { DeviceState, RosterState } from './roster.ts'
import type { Now } from './state.ts'

export interface MasterSetup {
  readonly suite: Suite
  readonly random: Random
  /** The master's static X25519 key pairs, newest first; usually one. */
  readonly staticKeys: readonly [KeyPair, ...KeyPair[]]
  /** Where they differ from those of wire.md 10. */
  readonly handshakeLimits?: Partial<HandshakeLimits>
  /** How far a time tag may be ahead, seconds 1..60 (wire.md 6.2). */
  readonly toleranceSeconds: number
  /** Opens a secret the shell's key store wrapped; null when it does not open. */
  readonly unwrap: (wrapped: Uint8Array) => Uint8Array | null
}

/** An epoch offered in this session, waiting for CONFIRM. */
export interface Offer extends EpochSecret {
  readonly origin: UnixMs
}

export type LinkPhase =
  | { readonly is: 'new' }
  | { readonly is: 'enrolling'; readonly noise: Handshake; readonly token: string }
  /** The shell stores the enrolment; nothing may arrive meanwhile. */
  | { readonly is: 'storing'; readonly channel: ControlChannel; readonly device: DeviceState }
  /** Session keys stand; CONFIRM must come first. */
  | {
      readonly is: 'greeted'
      readonly device: DeviceState
      readonly channel: ControlChannel
      readonly offer: Offer | null
      /** Place among all handshakes. */
      readonly order: number
    }
  /** CONFIRM came, its epoch or the frames before it are being stored. */
  | { readonly is: 'confirming'; readonly device: DeviceState; readonly channel: ControlChannel }
  | { readonly is: 'open'; readonly device: DeviceState; readonly channel: ControlChannel }

/** What a handshake message led to. */
export type Met =
  | {
      readonly ok: true
      readonly phase: LinkPhase
      readonly send: Uint8Array
      /** Which of our static keys it was. */
      readonly calledUnder: KeyPair
    }
  | { readonly ok: false; readonly fault: FaultCode }

const no = (fault: FaultCode): Met => ({ ok: false, fault })

/** Whether somebody may call as this device now (WIR-05 when not). */
export type MayCall = (device: DeviceState) => boolean

/** Enrolment step 1: the token is named in clear, so that open tokens are never tried one by
 * one. */
export function beginEnrolment(
  setup: MasterSetup,
  roster: RosterState,
  message: { readonly token: Uint8Array; readonly noise: Uint8Array },
  now: Now,
  mayCall: MayCall,
): Met {
  const { suite, random } = setup
  const id = toHex(message.token)
  const token = roster.tokens.get(id)
  if (token === undefined || token.expiresAt <= usToMs(now.at)) return no('SEC-07')
  const device = roster.devices.get(token.device)
  if (device !== undefined && !mayCall(device)) return no('WIR-05')
  const staticKey = tokensKey(setup, token)
  // Made under a key that was given up since.
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
  if (noise.read(message.noise) === null) return no('SEC-09')
  const answer = noise.write(new Uint8Array(0))
  if (answer === null) return no('SEC-09')
  return {
    ok: true,
    phase: { is: 'enrolling', noise, token: id },
    send: enrolmentStep(2, answer),
    calledUnder: staticKey,
  }
}

export interface Enrolment {
  readonly phase: Extract<LinkPhase, { is: 'storing' }>
  readonly token: string
  readonly staticKey: Uint8Array
  readonly psk: Uint8Array
  readonly attempt: number
}

/** Enrolment step 3: who proved to know the token's secret, and with which static key. */
export function finishEnrolment(
  { suite }: MasterSetup,
  roster: RosterState,
  phase: Extract<LinkPhase, { is: 'enrolling' }>,
  message: Uint8Array,
): { readonly ok: true; readonly enrolment: Enrolment } | { ok: false; fault: FaultCode } {
  const payload = phase.noise.read(message)
  const staticKey = phase.noise.remoteStatic
  if (payload === null || staticKey === null) return { ok: false, fault: 'SEC-07' }
  const attempt = decodeAttempt(payload)
  if (attempt === null) return { ok: false, fault: 'WIR-03' }
  const token = roster.tokens.get(phase.token)
  const device = token === undefined ? undefined : roster.devices.get(token.device)
  if (token === undefined || device === undefined) return { ok: false, fault: 'SEC-07' }
  if (device.record.revoked) return { ok: false, fault: 'SEC-14' }
  if (token.burntBy !== null && !equalConstantTime(token.burntBy, staticKey)) {
    return { ok: false, fault: 'SEC-08' }
  }
  const result = phase.noise.finish()
  const channel = new ControlChannel(result)
  return {
    ok: true,
    enrolment: {
      phase: { is: 'storing', channel, device },
      token: phase.token,
      staticKey,
      psk: exporter(suite, result.chainingKey, 'psk'),
      attempt,
    },
  }
}

type Caller =
  | { readonly ok: true; readonly device: DeviceState; readonly psk: Uint8Array }
  | { readonly ok: false; readonly fault: FaultCode }

/** Whose static key this is, and whether it may go on. */
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
  const psk = device.record.psk === null ? null : unwrap(device.record.psk)
  return psk === null ? { ok: false, fault: 'SEC-01' } : { ok: true, device, psk }
}

/** The key pair a slave calls; one is used, never a list tried. */
const calledKey = ({ suite, staticKeys }: MasterSetup, tag: Uint8Array): KeyPair | undefined =>
  staticKeys.find(({ publicKey }) => equalConstantTime(masterKeyTag(suite, publicKey), tag))

/** The key pair whose fingerprint a token carries; one that does not say is older than any second
 * key. */
const tokensKey = (setup: MasterSetup, { masterKey }: TokenRecord): KeyPair | undefined =>
  masterKey === undefined ? setup.staticKeys.at(-1) : calledKey(setup, masterKey)

export interface SessionHello {
  readonly suite: SessionSuite
  readonly keyTag: Uint8Array
  readonly noise: Uint8Array
}

/** Session step 1 to step 2. Who calls is decided when one X25519 is spent on him. */
export function greet(
  setup: MasterSetup,
  roster: RosterState,
  message: SessionHello,
  now: Now,
  mayCall: MayCall,
): Met {
  const { suite, random } = setup
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
  noise.setPsk(caller.psk)
  const origin = offersEpoch(device, hello.wantsEpoch, now) ? wholeSecond(now) : null
  const answer = noise.write(
    encodeSessionOffer({
      device: device.idBytes,
      t2: now.at,
      t3: now.at,
      bound: now.bound === null ? null : spanUs(now.bound),
      tolerance: setup.toleranceSeconds,
      historyFrom: device.record.historyFrom,
      origin,
    }),
  )
  if (answer === null) return no('SEC-09')
  const result = noise.finish()
  const founded = origin === null ? null : epochOf(suite, result)
  const epoch = founded === null || device.epochs.has(founded.id) ? null : founded
  const offer = epoch === null || origin === null ? null : { ...epoch, origin }
  roster.greetings += 1
  const order = roster.greetings
  return {
    ok: true,
    phase: { is: 'greeted', device, channel: new ControlChannel(result), offer, order },
    send: sessionAnswer(message.suite, answer),
    calledUnder: staticKey,
  }
}

const wholeSecond = (now: Now): UnixMs => unixMs(Math.floor(now.at / 1_000_000) * 1_000)

const offersEpoch = (device: DeviceState, wanted: boolean, now: Now): boolean =>
  device.epochs.size < OPEN_EPOCHS_MAX &&
  (wanted ||
    device.newestSince === null ||
    Math.abs(usToMs(now.at) - device.newestSince) >= EPOCH_AGE_MAX)
