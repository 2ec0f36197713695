// The slave's side of one link: enrolment if there are no keys yet, the session handshake, then
// sealed control messages. A link is a chain of phases; a message that does not fit the phase ends
// it. Nothing durable is decided here: the agent gets outcomes and commits them.

import { equalConstantTime, type Random } from '../../../../shared/bytes.ts'
import { type FaultCode, isFaultCode } from '../../../../shared/faults.ts'
import { certifierOf } from '../../../../shared/tves/certificate.ts'
import {
  ControlChannel,
  enrolmentPrologue,
  type EpochSecret,
  epochOf,
  exporter,
  masterKeyTag,
  SESSION_PATTERN,
  sessionPrologue,
} from '../../../../shared/tves/handshake.ts'
import { type KeyPair, startHandshake } from '../../../../shared/tves/noise.ts'
import { KEM_SEED_BYTES, type Suite } from '../../../../shared/tves/suite.ts'
import { type EnrolmentToken, fingerprint, tokenPsk } from '../../../../shared/tves/token.ts'
import type { MonoUs } from '../../../../shared/units.ts'
import { type ControlMessage, decodeControl } from '../../../../shared/wire/control.ts'
import {
  enrolmentHello,
  enrolmentStep,
  readMessage,
  sessionHello,
  type SessionSuite,
} from '../../../../shared/wire/message.ts'
import {
  decodeSessionOffer,
  encodeAttempt,
  encodeSessionHello,
  type SessionOffer,
} from '../../../../shared/wire/payload.ts'
import { channelOf } from '../control.ts'
import { DOWN, type LinkPhase, type Session } from '../state/link.ts'
import type { StoredIdentity } from '../state/stored.ts'

export interface SessionSetup {
  readonly suite: Suite
  readonly random: Random
  readonly processId: Uint8Array
  /** Suite of the session handshake; 1 if left out. There is no fallback to another. */
  readonly sessionSuite?: SessionSuite
}

/** What a step of the link came to. */
export type Outcome =
  | { readonly is: 'wait' }
  /** `hint`: not authenticated, anybody on the line may have said it (wire.md 2.1): logged, not
   * counted. */
  | {
      readonly is: 'ended'
      readonly fault: FaultCode
      readonly detail: string
      readonly hint: boolean
    }
  | {
      readonly is: 'enrolled'
      readonly device: Uint8Array
      readonly psk: Uint8Array
      readonly masterKey: Uint8Array
    }
  | {
      readonly is: 'welcome'
      readonly answer: SessionOffer
      readonly t1: MonoUs | null
      /** The epoch offered; null: none is. */
      readonly epoch: EpochSecret | null
    }
  | { readonly is: 'control'; readonly message: ControlMessage }

export interface Step<Phase = Session> {
  readonly session: Phase
  readonly send: Uint8Array | null
  readonly outcome: Outcome
}

/** A phase as the log names it. */
const WORD: Readonly<Record<LinkPhase['is'], string>> = {
  down: 'down',
  'raising attempt': 'down',
  enrolling: 'enrol',
  'awaiting enrolled': 'enrolled?',
  'storing identity': 'down',
  handshaking: 'hello',
  greeted: 'open',
  confirming: 'open',
  committing: 'open',
  open: 'open',
}

const WAIT: Outcome = { is: 'wait' }
const ended = (fault: FaultCode, detail: string, hint = false): Step => ({
  session: DOWN,
  send: null,
  outcome: { is: 'ended', fault, detail, hint },
})

/** Codes with which a master may refuse in clear; any other would only raise false alarms here. */
const SAID_IN_CLEAR = /^(?:WIR-0\d|SEC-0[1789]|SEC-14|OPS-08)$/

const keyPair = (suite: Suite, privateKey: Uint8Array): KeyPair => ({
  privateKey,
  publicKey: suite.publicKey(privateKey),
})

/** First message of an enrolment. The identity's attempt counter was raised durably before. */
export function beginEnrolment(
  { suite, random }: SessionSetup,
  identity: StoredIdentity,
  token: EnrolmentToken,
): Step {
  const noise = startHandshake({
    suite,
    pattern: 'XXpsk3',
    initiator: true,
    prologue: enrolmentPrologue(token.id),
    staticKey: keyPair(suite, identity.staticKey),
    psk: tokenPsk(suite, token.secret.reveal()),
    ephemeral: random(32),
  })
  const message = noise.write(new Uint8Array(0))
  if (message === null) return ended('SEC-09', 'enrolment, step 1')
  const send = enrolmentHello(token.id, message)
  return { session: { is: 'enrolling', token, noise }, send, outcome: WAIT }
}

/** First message of a session. SEC-09: the master's key as stored is a point of small order. */
export function beginSession(
  { suite, random, processId, sessionSuite = 1 }: SessionSetup,
  keys: { staticKey: Uint8Array; masterKey: Uint8Array; psk: Uint8Array },
  asks: { readonly wantEpoch: boolean; readonly mono: MonoUs },
): Step {
  const noise = startHandshake({
    suite,
    pattern: SESSION_PATTERN[sessionSuite],
    initiator: true,
    prologue: sessionPrologue(sessionSuite),
    staticKey: keyPair(suite, keys.staticKey),
    remoteStatic: keys.masterKey,
    psk: keys.psk,
    ephemeral: random(32),
    ...(sessionSuite === 1 ? { kemSeed: random(KEM_SEED_BYTES) } : {}),
  })
  const message = noise.write(encodeSessionHello({ processId, wantsEpoch: asks.wantEpoch }))
  if (message === null) return ended('SEC-09', "the master's key as stored cannot be called")
  const send = sessionHello(sessionSuite, masterKeyTag(suite, keys.masterKey), message)
  const session = { is: 'handshaking', suite: sessionSuite, noise, t1: asks.mono } as const
  return { session, send, outcome: WAIT }
}

/** One body from the master. A control message leaves the phase as it is. */
export function receive<Phase extends LinkPhase>(
  setup: SessionSetup,
  phase: Phase,
  identity: StoredIdentity,
  body: Uint8Array,
): Step<Session | Phase> {
  const verdict = readMessage(body)
  if (!verdict.ok) return ended(verdict.fault, 'from the master')
  const { message } = verdict
  if (message.is === 'refusal') {
    // Not authenticated: a hint for the log, no state follows it but the end of this link.
    const { code } = message
    const fault = isFaultCode(code) && SAID_IN_CLEAR.test(code) ? code : 'WIR-03'
    return ended(fault, 'says the master, unauthenticated', true)
  }
  if (message.is === 'enrolment' && message.step === 2) {
    if (phase.is === 'enrolling') return finishEnrolment(setup, phase, identity, message.noise)
  }
  if (message.is === 'session' && message.step === 2) {
    const fits = phase.is === 'handshaking' && message.suite === phase.suite
    if (fits) return finishSession(setup.suite, phase, identity, message.noise)
  }
  if (message.is === 'control') {
    if (phase.is === 'awaiting enrolled') return takeEnrolled(phase, body)
    const channel = channelOf(phase)
    if (channel !== null) return takeControl(phase, channel, body)
  }
  return ended('WIR-04', `in phase ${WORD[phase.is]}`)
}

function finishEnrolment(
  { suite }: SessionSetup,
  { token, noise }: Extract<Session, { is: 'enrolling' }>,
  identity: StoredIdentity,
  message: Uint8Array,
): Step {
  const payload = noise.read(message)
  if (payload === null) return ended('SEC-09', 'enrolment, step 2')
  if (payload.length > 0) return ended('WIR-03', 'enrolment, step 2')
  const masterKey = noise.remoteStatic
  if (masterKey === null) return ended('SEC-09', 'enrolment, step 2')
  if (!equalConstantTime(fingerprint(suite, masterKey), token.fingerprint)) {
    return ended('SEC-10', 'before anything was shown to it')
  }
  const last = noise.write(encodeAttempt(identity.attempt))
  if (last === null) return ended('SEC-09', 'enrolment, step 2')
  const send = enrolmentStep(3, last)
  const result = noise.finish()
  const psk = exporter(suite, result.chainingKey, 'psk')
  result.chainingKey.fill(0)
  return {
    session: {
      is: 'awaiting enrolled',
      channel: new ControlChannel(result, null),
      psk,
      masterKey,
    },
    send,
    outcome: WAIT,
  }
}

function takeEnrolled(
  { channel, psk, masterKey }: Extract<Session, { is: 'awaiting enrolled' }>,
  body: Uint8Array,
): Step {
  const opened = channel.open(body)
  if (!opened.ok) return ended(opened.fault, 'enrolment answer')
  const message = decodeControl(opened.plaintext)
  if (message?.is !== 'enrolled') return ended('WIR-03', 'enrolment answer')
  channel.forget()
  const outcome: Outcome = { is: 'enrolled', device: message.device, psk, masterKey }
  return { session: DOWN, send: null, outcome }
}

function finishSession(
  suite: Suite,
  { noise, t1 }: Extract<Session, { is: 'handshaking' }>,
  { staticKey }: StoredIdentity,
  message: Uint8Array,
): Step {
  const payload = noise.read(message)
  const masterKey = noise.remoteStatic
  if (payload === null || masterKey === null) return ended('SEC-09', 'session, step 2')
  const answer = decodeSessionOffer(payload)
  if (answer === null) return ended('WIR-03', 'session, step 2')
  const result = noise.finish()
  const epoch = answer.origin === null ? null : epochOf(suite, result)
  result.chainingKey.fill(0)
  const certifier = certifierOf({
    suite,
    side: 'slave',
    device: answer.device,
    privateKey: staticKey,
    peer: masterKey,
    masterKey,
    slaveKey: suite.publicKey(staticKey),
  })
  return {
    session: { is: 'greeted', channel: new ControlChannel(result, certifier) },
    send: null,
    outcome: {
      is: 'welcome',
      answer,
      t1,
      epoch,
    },
  }
}

function takeControl<Phase>(
  phase: Phase,
  channel: ControlChannel,
  body: Uint8Array,
): Step<Session | Phase> {
  const opened = channel.open(body)
  if (!opened.ok) return ended(opened.fault, 'from the master')
  const message = decodeControl(opened.plaintext)
  if (message === null) return ended('WIR-03', 'control message')
  return { session: phase, send: null, outcome: { is: 'control', message } }
}
