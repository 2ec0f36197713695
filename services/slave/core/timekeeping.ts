// The agent's clock: asks the master for the time, believes one answer per question, steers the
// software clock.

import { BOUND_UNKNOWN_US } from '../../../shared/clock/clock-state.ts'
import {
  answer,
  ask,
  EXCHANGE_ID_BYTES,
  FREQUENCY_TOLERANCE_PPM,
  IDLE,
  measure,
  type SampleVerdict,
  sent,
} from '../../../shared/clock/estimate/exchange.ts'
import {
  type Estimator,
  estimateAt,
  FOLLOWED_MAX_US,
  frequencyOf,
  KNOWS_NOTHING,
  learn,
  remembering,
  withoutPhase,
} from '../../../shared/clock/estimate/estimator.ts'
import { BURST_INTERVAL_US, nextAsk, START_POLL } from '../../../shared/clock/estimate/poll.ts'
import {
  endHold,
  STEP_OVER_US,
  slept,
  startClock,
  steer,
  timeAt,
} from '../../../shared/clock/estimate/softclock.ts'
import { tieAt } from '../../../shared/clock/estimate/stamp.ts'
import {
  betweenMs,
  betweenUs,
  elapsedUs,
  type MonoUs,
  monoUs,
  ppm,
  type SpanUs,
  shiftMono,
  shiftUs,
  spanMs,
  spanUs,
  type UnixUs,
  usToMs,
} from '../../../shared/units.ts'
import type { ClockDiscipline } from '../../../shared/clock/evidence.ts'
import type { FaultCode } from '../../../shared/faults.ts'
import { HANDSHAKE_TIME_MAX, PROCESS_ID_BYTES } from '../../../shared/wire/limits.ts'
import { submit } from './queue.ts'
import type { ClockState } from './state/clock.ts'
import type { FrequencyJob } from './state/jobs.ts'
import { own } from './state/own.ts'
import type { AgentSetup } from './state/setup.ts'
import type { OutboxCommit } from './state/stored.ts'
import { clockMs, isOpen, report, sendControl, type Turn } from './turn.ts'

/** Longest time between two anchors of one session, microseconds: six hours let a bound grow by
 * 5.4 s, which only matters to a clock that must stand. */
const ANCHOR_EVERY_US = 6 * 3_600_000_000

/** How often what was learned of the oscillator is stored: crystals change within hours, and disks
 * wear by each write. */
const KEEP_EVERY = spanUs(3_600_000_000)

/** No answer is that old. */
const BEFORE_ALL = monoUs(Number.NEGATIVE_INFINITY)

export const clockAtStart = (setup: AgentSetup): ClockState => ({
  soft: startClock({ mono: setup.mono, guess: setup.wall, lastUsed: setup.stored.lastUsed }),
  estimator: estimatorAtStart(setup),
  exchange: IDLE,
  poll: START_POLL,
  askAt: setup.mono,
  handshake: null,
  proven: null,
  offset: spanUs(0),
  roundTripDelay: spanUs(0),
  keepAt: setup.mono,
  sampledAt: setup.mono,
  steps: 0,
  lastStep: spanUs(0),
  startedAt: setup.mono,
  processId: setup.random(PROCESS_ID_BYTES),
  slept: null,
  steppedAt: setup.mono,
  anchored: null,
})

const masterBound = (bound: SpanUs | null): SpanUs => bound ?? spanUs(BOUND_UNKNOWN_US)

/** The session handshake carried a first sample: T1 when step 1 left (null: nobody knows, the
 * machine slept), T4 when step 2 came. Static keys and psk stand behind it, so it counts for more
 * than CLOCK REPLYs of the session before, behind which there are only that session's keys: where
 * it contradicts them, they are forgotten. */
export function takeHandshakeSample(
  turn: Turn,
  stamps: {
    readonly t1: MonoUs | null
    readonly t2: UnixUs
    readonly t3: UnixUs
    readonly t4: MonoUs
    readonly bound: SpanUs | null
  },
): void {
  const clock = own(turn.state.clock)
  const { t1, t2, t3, t4, bound } = stamps
  const slack = t1 === null ? spanUs(HANDSHAKE_TIME_MAX * 1_000) : elapsedUs(t1, t4)
  clock.handshake = { mono: t4, utc: t3, slack }
  if (t1 === null) return
  const verdict = measure({ t1, t2, t3, t4, masterBound: masterBound(bound) })
  const { proven } = clock
  if (verdict.ok && proven !== null && learn(clock.estimator, verdict.sample).fault !== null) {
    const { fault } = learn(proven, verdict.sample)
    if (fault === null) {
      report(turn, 'CLK-08', 'the session before contradicts the handshakes: forgotten')
      clock.estimator = proven
    }
  }
  takeSample(turn, verdict)
  if (verdict.ok && clock.estimator.fault === null) clock.proven = clock.estimator
  clock.exchange = IDLE
  clock.poll = START_POLL
  clock.askAt = turn.mono
}

/** A session is open: its first question goes out at once. */
export function askAtOnce(turn: Turn): void {
  own(turn.state.clock).askAt = turn.mono
}

/** Asks when a question is due; the next question gives up one without an answer. */
export function askWhenDue(turn: Turn): void {
  const { mono, setup } = turn
  const clock = own(turn.state.clock)
  if (!isOpen(turn) || mono < clock.askAt) return
  const answeredLast = clock.exchange.open === null
  const id = setup.random(EXCHANGE_ID_BYTES)
  if (!sendControl(turn, { is: 'clock-request', id }, mono)) return
  clock.exchange = ask(id, mono)
  schedulePoll(turn, answeredLast)
}

/** A question left later than it was made. Waiting here for the disk, and for the thread that owns
 * the socket, is no part of its way. */
export function requestLeft(turn: Turn, made: MonoUs, at: MonoUs): void {
  const clock = own(turn.state.clock)
  clock.exchange = sent(clock.exchange, made, at)
}

/** A CLOCK REPLY. CLK-09: it leads too far from what the session's handshake said, and the link
 * must go: the next handshake says who is right. */
export function takeReply(
  turn: Turn,
  reply: {
    readonly id: Uint8Array
    readonly t2: UnixUs
    readonly t3: UnixUs
    readonly bound: SpanUs | null
  },
  t4: MonoUs,
): FaultCode | null {
  const clock = own(turn.state.clock)
  const { id, t2, t3, bound } = reply
  const { exchange, verdict } = answer(
    clock.exchange,
    { id, t2, t3, masterBound: masterBound(bound) },
    t4,
  )
  clock.exchange = exchange
  if (verdict.sample !== null && leadsAstray(clock, t3, t4)) return 'CLK-09'
  takeSample(turn, verdict)
  if (verdict.ok) giveAnchor(turn)
  return null
}

function leadsAstray({ handshake }: ClockState, t3: UnixUs, t4: MonoUs): boolean {
  if (handshake === null) return false
  const { mono, utc, slack } = handshake
  const expected = shiftUs(utc, elapsedUs(mono, t4))
  return Math.abs(betweenUs(expected, t3)) > FOLLOWED_MAX_US + slack
}

/** Says what UTC is at our process ms, where that tells the master something (wire.md 5.3). */
function giveAnchor(turn: Turn): void {
  const { state, mono } = turn
  const clock = own(state.clock)
  const tie = tieAt(clock.soft, mono, clock.startedAt)
  if (!isOpen(turn) || tie === null) return
  const { anchored, processId } = clock
  const link = state.link.number
  const known = anchored !== null && anchored.link === link
  const better = anchored === null || 2 * tie.bound <= anchored.bound
  if (known && !better && elapsedUs(anchored.at, mono) < ANCHOR_EVERY_US) return
  if (!sendControl(turn, { is: 'anchor', processId, ...tie })) return
  const bound = spanMs(Math.min(tie.bound, anchored?.bound ?? tie.bound))
  clock.anchored = { at: mono, link, bound }
}

function schedulePoll(turn: Turn, good: boolean): void {
  const { setup, mono } = turn
  const clock = own(turn.state.clock)
  const random = (setup.random(1)[0] ?? 0) / 256
  const { moved } = clock.estimator
  const growth = clock.soft.estimate?.growth ?? ppm(FREQUENCY_TOLERANCE_PPM)
  const { poll, wait } = nextAsk(clock.poll, { good, moved, growth }, random)
  clock.poll = poll
  clock.askAt = shiftMono(mono, wait)
}

function takeSample(turn: Turn, verdict: SampleVerdict): void {
  const { mono, setup } = turn
  const clock = own(turn.state.clock)
  if (!verdict.ok) report(turn, verdict.fault, 'clock exchange')
  const { sample } = verdict
  if (sample === null) return
  const doubted = clock.estimator.doubt !== null
  clock.estimator = learn(clock.estimator, sample)
  clock.roundTripDelay = sample.roundTripDelay
  const { fault, doubt } = clock.estimator
  if (fault !== null) report(turn, fault, 'clock exchange')
  else if (verdict.ok) clock.sampledAt = mono
  if (doubt !== null && !doubted) {
    // Whichever story is true, find out soon.
    clock.poll = START_POLL
    clock.askAt = shiftMono(mono, spanUs(BURST_INTERVAL_US))
  }
  const estimate = estimateAt(clock.estimator, mono)
  if (estimate === null) return
  const first = clock.soft.estimate === null && !turn.state.sealing.used
  const shown = timeAt(clock.soft, mono)
  if (first) {
    // Nothing was sealed under the operating system's guess: begin at the truth instead of standing
    // still until a guess that was ahead has come true. What an earlier process used still counts.
    const guess = shiftUs(estimate.utc, elapsedUs(estimate.mono, mono))
    clock.soft = startClock({ mono, guess, lastUsed: setup.stored.lastUsed })
  }
  const steered = steer(clock.soft, estimate, mono)
  clock.soft = steered.clock
  clock.offset = first ? betweenUs(shown, timeAt(clock.soft, mono)) : steered.offset
  const stepped = first ? Math.abs(clock.offset) > STEP_OVER_US : steered.fault !== null
  if (!stepped) return
  clock.steps += 1
  clock.lastStep = clock.offset
  report(turn, 'CLK-06', `by ${Math.round(clock.offset / 1_000)} ms`)
}

/** What STATUS says of how the clock is kept. */
export function disciplineAt({ state, mono }: Turn): ClockDiscipline {
  const { sampledAt, steps, lastStep, estimator, soft } = state.clock
  return {
    frequency: frequencyOf(estimator)?.frequency ?? null,
    skew: soft.estimate?.growth ?? ppm(FREQUENCY_TOLERANCE_PPM),
    holdover: spanMs(elapsedUs(sampledAt, mono) / 1_000),
    steps,
    lastStep,
  }
}

/** Begins with what an earlier process learned of this machine's oscillator. */
function estimatorAtStart({ stored, wall }: AgentSetup): Estimator {
  const frequency = stored.frequency ?? null
  return frequency === null
    ? KNOWS_NOTHING
    : remembering(frequency, betweenMs(frequency.at, usToMs(wall)))
}

/** Stores what is known of the oscillator, for the next process. */
export function keepFrequency(turn: Turn): void {
  const { mono } = turn
  const clock = own(turn.state.clock)
  // Asked at every event, so the cheap question comes first.
  if (mono < clock.keepAt) return
  const known = frequencyOf(clock.estimator)
  if (known === null) return
  clock.keepAt = shiftMono(mono, KEEP_EVERY)
  submit(turn, { is: 'frequency', frequency: { ...known, at: clockMs(turn) } })
}

export const frequencyCommit = ({ frequency }: FrequencyJob): OutboxCommit => ({ frequency })

/** The machine slept, so the monotonic clock missed time: what was learned holds no more. */
export function afterSleep(turn: Turn): void {
  const { mono, setup } = turn
  const clock = own(turn.state.clock)
  clock.soft = slept(clock.soft, mono)
  clock.estimator = withoutPhase(clock.estimator)
  clock.proven = null
  clock.exchange = IDLE
  clock.poll = START_POLL
  clock.askAt = mono
  // Process ms from here on say nothing about those before.
  clock.slept = { from: clock.steppedAt, to: mono, processId: clock.processId }
  clock.processId = setup.random(PROCESS_ID_BYTES)
  clock.anchored = null
}

/** A step was made: the machine had not slept until then. */
export function afterStep(turn: Turn): void {
  own(turn.state.clock).steppedAt = turn.mono
}

/** No second of this epoch is used yet: a clock that was ahead need not wait for true time. */
export function stopWaiting(turn: Turn): void {
  const clock = own(turn.state.clock)
  clock.soft = endHold(clock.soft, turn.mono)
}

/** The process id for the process ms of an answer that came at `at`. An answer that came before the
 * sleep was noticed may be from before it or after it: an id of its own keeps either from dating
 * it. The same holds for one from before that is taken when the later id is in use already: an id
 * never comes back. */
export function processAt(turn: Turn, at: MonoUs): Uint8Array {
  const clock = own(turn.state.clock)
  const { slept, processId } = clock
  if (slept === null) return processId
  if (at <= slept.from) return slept.processId
  clock.slept = { ...slept, from: BEFORE_ALL }
  return at >= slept.to ? processId : turn.setup.random(PROCESS_ID_BYTES)
}
