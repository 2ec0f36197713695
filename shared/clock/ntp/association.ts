// The client's side of one source: when to ask, which answer to believe, and what it says of UTC.
//
// A question carries 64 random bits where NTP once put the sender's time (NTP data minimisation).
// They identify the question: whoever sends an answer that does not repeat them has not seen it.
// And they do not reveal how our clock runs. One question is open at a time, and one answer to it
// counts. The result is a sample for shared/clock/estimate/estimator.ts, whose bound includes all
// of the server's own stated error.
//
// Source: RFC 5905 sections 8 and 9, 7.4 (kiss-o'-death); what a client should not do to others:
// RFC 8633. Read more: docs/clock.md.

import { unreachable } from '../../assert.ts'
import { BURST, BURST_INTERVAL_US, GOOD_BEFORE_LONGER } from '../estimate/poll.ts'
import type { FaultCode } from '../../faults.ts'
import type { Random } from '../../bytes.ts'
import { elapsedUs, type MonoUs, type SpanUs, shiftMono, spanUs } from '../../units.ts'
import { type Estimator, KNOWS_NOTHING, learn, withoutPhase } from '../estimate/estimator.ts'
import { measure, type Sample } from '../estimate/exchange.ts'
import {
  fromStamp,
  type Leap,
  MODE_CLIENT,
  MODE_SERVER,
  type NtpPacket,
  type NtpStamp,
  readPacket,
  refidText,
  STRATUM_UNSYNCHRONISED,
  writePacket,
} from './packet.ts'

/** Shortest poll interval, log2 seconds, as public servers expect: RFC 5905's MINPOLL is 4, but
 * their operators ask for 6. */
export const POLL_MIN = 6
/** Longest while all goes well, log2 seconds: the bound grows by 100 ppm, which makes 26 ms. */
export const POLL_MAX = 8
/** Longest poll interval a server can demand (RATE), log2 seconds. */
const POLL_KISSED_MAX = 10
/** Misses before a source that never answered is reported: the burst. One that did answer is
 * reported when eight polls brought nothing. */
const MISSES_BEFORE_SILENT = BURST
/** Largest distance from UTC that a source may state, microseconds (RFC 5905, MAXDIST 1 s, and half
 * as much again for the growth between its polls). */
const ROOT_DISTANCE_MAX_US = 1_500_000
/** The interval varies by a sixteenth either way, so that clients do not fall into step. */
const JITTER = 1 / 16
const SECOND_US = 1_000_000

/** What surrounds the NTP header: nothing for plain NTP; identifier, cookie and authenticator for
 * NTS. A value, never changed in place. */
export interface Envelope {
  /** The whole datagram for a header of 48 bytes; null while there are no keys for one. */
  seal(header: Uint8Array, random: Random): SealedQuestion | null
  /** Judges an answer to the last question sealed. */
  open(datagram: Uint8Array, packet: NtpPacket): OpenedAnswer
}

export interface SealedQuestion {
  readonly envelope: Envelope
  readonly datagram: Uint8Array
}

export interface OpenedAnswer {
  readonly envelope: Envelope
  /** `renew`: the server no longer knows our keys; the envelope has none left, and the next poll
   * asks for new ones. */
  readonly verdict: 'authentic' | 'renew' | 'CLK-14'
}

/** Plain NTP: only the random bits of the question distinguish an answer from a forgery. */
export const PLAIN: Envelope = {
  seal: (datagram) => ({ envelope: PLAIN, datagram }),
  open: () => ({ envelope: PLAIN, verdict: 'authentic' }),
}

/** What the server said of itself in its last good answer. */
export interface ServerSays {
  readonly leap: Leap
  readonly stratum: number
  readonly rootDelay: SpanUs
  readonly rootDispersion: SpanUs
}

export interface Association {
  readonly envelope: Envelope
  /** The question waiting for its answer; t1 is null until it has left. */
  readonly open: { readonly origin: NtpStamp; readonly t1: MonoUs | null } | null
  readonly nextAt: MonoUs
  readonly burstLeft: number
  /** Log2 seconds. */
  readonly poll: number
  readonly pollMin: number
  readonly pollMax: number
  /** Good answers since the interval last changed, or since a miss. */
  readonly good: number
  /** The last eight polls, newest in bit 0. */
  readonly reach: number
  /** Questions since the last good answer. */
  readonly misses: number
  /** CLK-12 was reported. */
  readonly silent: boolean
  /** The server asked to be left alone. */
  readonly stopped: boolean
  readonly estimator: Estimator
  readonly sample: Sample | null
  readonly server: ServerSays | null
  /** Why the last answer did not count; empty if it did. */
  readonly note: string
}

export type AssociationEvent =
  /** About every quarter of a second. */
  | { readonly on: 'tick'; readonly at: MonoUs }
  /** The question asked for by `send` is leaving now. */
  | { readonly on: 'sent'; readonly at: MonoUs }
  | { readonly on: 'datagram'; readonly datagram: Uint8Array; readonly at: MonoUs }
  /** Keys were established, as `establish` asked. */
  | { readonly on: 'envelope'; readonly envelope: Envelope; readonly at: MonoUs }
  /** The monotonic clock stood still for a while, or a leap second passed. */
  | { readonly on: 'slept'; readonly at: MonoUs }

export type AssociationAction =
  | { readonly do: 'send'; readonly datagram: Uint8Array }
  /** Establish keys; repeated at each poll until there are some. */
  | { readonly do: 'establish' }
  /** A sample was learned. */
  | { readonly do: 'learned'; readonly sample: Sample }
  | { readonly do: 'report'; readonly fault: FaultCode; readonly detail: string }

export interface AssociationStep {
  readonly association: Association
  readonly actions: readonly AssociationAction[]
}

interface Outside {
  readonly random: Random
  /** Addresses of ours as refids: a server that follows one of them follows us. */
  readonly ours: ReadonlySet<number>
}

export interface Polls {
  /** Log2 seconds. */
  readonly min: number
  readonly max: number
}

export const POLLS: Polls = { min: POLL_MIN, max: POLL_MAX }

/** `estimator`: what is known of the oscillator; no samples. */
export function startAssociation(
  at: MonoUs,
  envelope: Envelope = PLAIN,
  { min, max }: Polls = POLLS,
  estimator: Estimator = KNOWS_NOTHING,
): Association {
  return {
    envelope,
    open: null,
    nextAt: at,
    burstLeft: BURST - 1,
    poll: min,
    pollMin: min,
    pollMax: Math.max(min, max),
    good: 0,
    reach: 0,
    misses: 0,
    silent: false,
    stopped: false,
    estimator,
    sample: null,
    server: null,
    note: 'not asked yet',
  }
}

/** What happens at an event. Faults: CLK-12 no answer, or asked to be left alone; CLK-02 impossible
 * stamps; CLK-03 too slow; CLK-04 an answer to no open question; CLK-07 the server is not
 * synchronised; CLK-08 and CLK-09 it contradicts itself; CLK-14 not authentic; WIR-01 to 03 not a
 * packet at all. */
export function stepAssociation(
  association: Association,
  event: AssociationEvent,
  outside: Outside,
): AssociationStep {
  switch (event.on) {
    case 'tick':
      if (association.stopped || event.at < association.nextAt) return { association, actions: [] }
      return ask(association, event.at, outside.random)
    case 'sent': {
      const { open } = association
      if (open === null) return { association, actions: [] }
      return { association: { ...association, open: { ...open, t1: event.at } }, actions: [] }
    }
    case 'datagram':
      return hear(association, event.datagram, event.at, outside)
    case 'envelope':
      return {
        association: { ...association, envelope: event.envelope, nextAt: event.at },
        actions: [],
      }
    case 'slept':
      return { association: begunAnew(association, event.at), actions: [] }
    default:
      return unreachable(event)
  }
}

/** What was learned of the oscillator stays, and so does a request to be left alone. */
function begunAnew(before: Association, at: MonoUs): Association {
  const { pollMin, pollMax, envelope, stopped } = before
  const polls = { min: pollMin, max: pollMax }
  const anew = startAssociation(at, envelope, polls, withoutPhase(before.estimator))
  return stopped ? { ...anew, stopped, silent: true, note: before.note } : anew
}

function ask(before: Association, at: MonoUs, random: Random): AssociationStep {
  const { association: settled, actions } = before.misses === 0 ? idle(before) : missed(before)
  const interval =
    settled.burstLeft > 0 ? BURST_INTERVAL_US : 2 ** settled.poll * SECOND_US * jitter(random)
  const association: Association = {
    ...settled,
    open: null,
    nextAt: shiftMono(at, spanUs(interval)),
    burstLeft: Math.max(0, settled.burstLeft - 1),
    reach: (settled.reach << 1) & 0xff,
    misses: settled.misses + 1,
  }
  const origin = randomStamp(random)
  const sealed = association.envelope.seal(question(origin, association.poll), random)
  if (sealed === null) return { association, actions: [...actions, { do: 'establish' }] }
  const { envelope, datagram } = sealed
  return {
    association: { ...association, envelope, open: { origin, t1: null } },
    actions: [...actions, { do: 'send', datagram }],
  }
}

const idle = (association: Association): AssociationStep => ({ association, actions: [] })

/** The last question brought no good answer. */
function missed(before: Association): AssociationStep {
  const { poll, pollMin, pollMax, misses, reach } = before
  const lost = reach === 0 && misses >= MISSES_BEFORE_SILENT
  // Sooner while it may be one lost datagram; more and more rarely when the server is gone.
  const next = lost ? Math.min(poll + 1, pollMax) : Math.max(poll - 1, pollMin)
  const note = before.open === null ? before.note : 'no answer'
  const association = { ...before, poll: next, good: 0, silent: before.silent || lost, note }
  if (!lost || before.silent) return { association, actions: [] }
  const detail = `${misses} questions, the last: ${note}`
  return { association, actions: [{ do: 'report', fault: 'CLK-12', detail }] }
}

const jitter = (random: Random): number => 1 + JITTER * (2 * ((random(1)[0] ?? 0) / 255) - 1)

function randomStamp(random: Random): NtpStamp {
  let stamp = 0n
  for (const byte of random(8)) stamp = (stamp << 8n) | BigInt(byte)
  // 0 says "not known".
  return stamp === 0n ? 1n : stamp
}

/** A question reveals nothing about us but how often we ask. */
const question = (origin: NtpStamp, poll: number): Uint8Array =>
  writePacket({
    leap: 0,
    version: 4,
    mode: MODE_CLIENT,
    stratum: 0,
    poll,
    precision: 0,
    rootDelay: spanUs(0),
    rootDispersion: spanUs(0),
    refid: 0,
    reference: 0n,
    origin: 0n,
    receive: 0n,
    transmit: origin,
  })

const report = (association: Association, fault: FaultCode, detail: string): AssociationStep => ({
  association,
  actions: [{ do: 'report', fault, detail }],
})

function hear(
  association: Association,
  datagram: Uint8Array,
  at: MonoUs,
  { ours }: Outside,
): AssociationStep {
  const read = readPacket(datagram)
  if (!read.ok) return report(association, read.fault, `${datagram.length} bytes`)
  const { packet } = read
  const { open } = association
  // The question stays open: a guessed answer must not be able to close it.
  if (open === null || open.t1 === null || packet.mode !== MODE_SERVER) {
    return report(association, 'CLK-04', 'no question is open')
  }
  if (packet.origin !== open.origin) return report(association, 'CLK-04', 'not to our question')
  const { envelope, verdict } = association.envelope.open(datagram, packet)
  if (verdict === 'CLK-14') return report(association, verdict, 'discarded')
  const answered: Association = { ...association, envelope, open: null }
  if (verdict === 'renew') {
    // Not at once: forged answers must not make us establish keys without a pause.
    return { association: { ...answered, note: 'asked for new keys' }, actions: [] }
  }
  if (packet.stratum === 0) return obey(answered, refidText(packet.refid, 0), at)
  return judge(answered, packet, { t1: open.t1, t4: at }, ours)
}

/** A kiss-o'-death: the server does not want to be asked, or not so often. We need no other kiss
 * code. */
function obey(association: Association, kiss: string, at: MonoUs): AssociationStep {
  const { poll, pollMax } = association
  const note = `kiss-o'-death ${kiss}`
  if (kiss === 'DENY' || kiss === 'RSTR') {
    return report({ ...association, stopped: true, silent: true, note }, 'CLK-12', note)
  }
  if (kiss !== 'RATE') return { association: { ...association, note }, actions: [] }
  const slower = Math.min(poll + 1, Math.max(POLL_KISSED_MAX, pollMax))
  const rarer = {
    ...association,
    note,
    burstLeft: 0,
    poll: slower,
    pollMin: slower,
    pollMax: Math.max(pollMax, slower),
    nextAt: shiftMono(at, spanUs(2 ** slower * SECOND_US)),
  }
  return report(rarer, 'CLK-12', note)
}

function judge(
  association: Association,
  packet: NtpPacket,
  { t1, t4 }: { readonly t1: MonoUs; readonly t4: MonoUs },
  ours: ReadonlySet<number>,
): AssociationStep {
  const refuse = (fault: FaultCode, why: string): AssociationStep =>
    report({ ...association, note: `${fault} ${why}` }, fault, why)
  const { leap, stratum, rootDelay, rootDispersion } = packet
  if (leap === 3 || stratum >= STRATUM_UNSYNCHRONISED) return refuse('CLK-07', 'unsynchronised')
  if (stratum > 1 && ours.has(packet.refid)) return refuse('CLK-07', 'it follows us')
  const own = rootDelay / 2 + rootDispersion + 2 ** packet.precision * SECOND_US
  if (own > ROOT_DISTANCE_MAX_US) return refuse('CLK-07', `root distance ${Math.round(own)} us`)
  const [t2, t3] = [fromStamp(packet.receive), fromStamp(packet.transmit)]
  const known = packet.receive !== 0n && packet.transmit !== 0n
  // Set after it was sent: the server's clock was stepped back, or its stamps are meaningless.
  const reference = packet.reference === 0n ? t3 : fromStamp(packet.reference)
  if (!known || reference > t3) return refuse('CLK-02', 'impossible stamps')
  const verdict = measure({ t1, t2, t3, t4, masterBound: spanUs(own) })
  if (!verdict.ok) return refuse(verdict.fault, `took ${elapsedUs(t1, t4)} us`)
  const { sample } = verdict
  const server = { leap, stratum, rootDelay, rootDispersion }
  const estimator = learn(association.estimator, sample)
  const learned: Association = { ...heard(association), estimator, sample, server }
  const actions: AssociationAction[] = [{ do: 'learned', sample }]
  const { fault, doubt } = estimator
  if (fault !== null) actions.push({ do: 'report', fault, detail: 'contradicts what it said' })
  if (doubt === null || association.estimator.doubt !== null)
    return { association: learned, actions }
  // Find out soon which story is true.
  const nextAt = shiftMono(t4, spanUs(BURST_INTERVAL_US))
  return { association: { ...learned, nextAt, burstLeft: BURST - 1 }, actions }
}

function heard(before: Association): Association {
  const { poll, good, burstLeft, pollMax } = before
  const longer = burstLeft === 0 && good + 1 >= GOOD_BEFORE_LONGER
  return {
    ...before,
    poll: longer ? Math.min(poll + 1, pollMax) : poll,
    // A burst says little about the rate, which takes longer to measure.
    good: longer || burstLeft > 0 ? 0 : good + 1,
    reach: before.reach | 1,
    misses: 0,
    silent: false,
    note: '',
  }
}
