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
  frequencyOf,
  KNOWS_NOTHING,
  learn,
  remembering,
  withoutPhase,
} from '../../../shared/clock/estimate/estimator.ts'
import { BURST_INTERVAL_US, nextAsk, START_POLL } from '../../../shared/clock/estimate/poll.ts'
import {
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
import { PROCESS_ID_BYTES } from '../../../shared/wire/limits.ts'
import { type AgentSetup, clockMs, report, submit, type Turn } from './memory.ts'
import { controlBody } from './link/session.ts'

/** Longest time between two anchors of one session, microseconds: six hours let a bound grow by
 * 5.4 s, which only matters to a clock that must stand. */
const ANCHOR_EVERY_US = 6 * 3_600_000_000

/** How often what was learned of the oscillator is stored: crystals change within hours, and disks
 * wear by each write. */
const KEEP_EVERY = spanUs(3_600_000_000)

const masterBound = (bound: SpanUs | null): SpanUs => bound ?? spanUs(BOUND_UNKNOWN_US)

/** The session handshake carried a first sample: T1 when step 1 left, T4 when step 2 came. */
export function takeHandshakeSample(
  turn: Turn,
  stamps: {
    readonly t1: MonoUs
    readonly t2: UnixUs
    readonly t3: UnixUs
    readonly t4: MonoUs
    readonly bound: SpanUs | null
  },
): void {
  const { memory, mono } = turn
  const { t1, t2, t3, t4, bound } = stamps
  takeSample(turn, measure({ t1, t2, t3, t4, masterBound: masterBound(bound) }))
  memory.exchange = IDLE
  memory.poll = START_POLL
  memory.askAt = mono
}

/** Asks when it is time; a question without an answer is given up by the next. */
export function askWhenDue(turn: Turn): void {
  const { memory, mono, setup } = turn
  if (!memory.confirmed || mono < memory.askAt) return
  const answeredLast = memory.exchange.open === null
  const id = setup.random(EXCHANGE_ID_BYTES)
  const body = controlBody(memory.session, { is: 'clock-request', id })
  if (body === null) return
  memory.exchange = ask(id, mono)
  schedulePoll(turn, answeredLast)
  turn.actions.push({ do: 'send', body, made: mono })
}

/** A question, of the exchange or in the handshake, left later than it was made. Waiting here for
 * the disk, and for the thread that owns the socket, is no part of its way. */
export function takeSent(
  { memory, mono }: Turn,
  { made, at }: { readonly made: MonoUs; readonly at: MonoUs },
): void {
  if (at < made || at > mono) return
  const { session } = memory
  memory.exchange = sent(memory.exchange, made, at)
  if (session.phase === 'hello' && session.t1 === made) memory.session = { ...session, t1: at }
}

export function takeReply(
  turn: Turn,
  reply: {
    readonly id: Uint8Array
    readonly t2: UnixUs
    readonly t3: UnixUs
    readonly bound: SpanUs | null
  },
  t4: MonoUs,
): void {
  const { memory } = turn
  const { id, t2, t3, bound } = reply
  const { exchange, verdict } = answer(
    memory.exchange,
    { id, t2, t3, masterBound: masterBound(bound) },
    t4,
  )
  memory.exchange = exchange
  takeSample(turn, verdict)
  if (verdict.ok) giveAnchor(turn)
}

/** Says what UTC is at our process ms, where that tells the master something (wire.md 5.3). */
function giveAnchor(turn: Turn): void {
  const { memory, mono } = turn
  const tie = tieAt(memory.clock, mono, memory.startedAt)
  if (!memory.confirmed || tie === null) return
  const { anchored, linkNumber: link, processId } = memory
  const known = anchored !== null && anchored.link === link
  const better = anchored === null || 2 * tie.bound <= anchored.bound
  if (known && !better && elapsedUs(anchored.at, mono) < ANCHOR_EVERY_US) return
  const body = controlBody(memory.session, { is: 'anchor', processId, ...tie })
  if (body === null) return
  turn.actions.push({ do: 'send', body })
  const bound = spanMs(Math.min(tie.bound, anchored?.bound ?? tie.bound))
  memory.anchored = { at: mono, link, bound }
}

function schedulePoll(turn: Turn, good: boolean): void {
  const { memory, setup, mono } = turn
  const random = (setup.random(1)[0] ?? 0) / 256
  const { moved } = memory.estimator
  const growth = memory.clock.estimate?.growth ?? ppm(FREQUENCY_TOLERANCE_PPM)
  const { poll, wait } = nextAsk(memory.poll, { good, moved, growth }, random)
  memory.poll = poll
  memory.askAt = shiftMono(mono, wait)
}

function takeSample(turn: Turn, verdict: SampleVerdict): void {
  const { memory, mono, setup } = turn
  if (!verdict.ok) report(turn, verdict.fault, 'clock exchange')
  const { sample } = verdict
  if (sample === null) return
  const doubted = memory.estimator.doubt !== null
  memory.estimator = learn(memory.estimator, sample)
  memory.roundTripDelay = sample.roundTripDelay
  const { fault, doubt } = memory.estimator
  if (fault !== null) report(turn, fault, 'clock exchange')
  else if (verdict.ok) memory.sampledAt = mono
  if (doubt !== null && !doubted) {
    // Whichever story is true, know it soon.
    memory.poll = START_POLL
    memory.askAt = shiftMono(mono, spanUs(BURST_INTERVAL_US))
  }
  const estimate = estimateAt(memory.estimator, mono)
  if (estimate === null) return
  const first = memory.clock.estimate === null && !memory.used
  const shown = timeAt(memory.clock, mono)
  if (first) {
    // Nothing was sealed under the operating system's guess: begin at the truth instead of standing
    // still until a guess that was ahead has come true. What an earlier process used still counts.
    const guess = shiftUs(estimate.utc, elapsedUs(estimate.mono, mono))
    memory.clock = startClock({ mono, guess, lastUsed: setup.stored.lastUsed })
  }
  const steered = steer(memory.clock, estimate, mono)
  memory.clock = steered.clock
  memory.offset = first ? betweenUs(shown, timeAt(memory.clock, mono)) : steered.offset
  const stepped = first ? Math.abs(memory.offset) > STEP_OVER_US : steered.fault !== null
  if (!stepped) return
  memory.steps += 1
  memory.lastStep = memory.offset
  report(turn, 'CLK-06', `by ${Math.round(memory.offset / 1_000)} ms`)
}

/** What STATUS tells of how the clock is kept. */
export function disciplineAt({ memory, mono }: Turn): ClockDiscipline {
  const { sampledAt, steps, lastStep, estimator, clock } = memory
  return {
    frequency: frequencyOf(estimator)?.frequency ?? null,
    skew: clock.estimate?.growth ?? ppm(FREQUENCY_TOLERANCE_PPM),
    holdover: spanMs(elapsedUs(sampledAt, mono) / 1_000),
    steps,
    lastStep,
  }
}

/** With what an earlier process learned of this machine's oscillator. */
export function estimatorAtStart({ stored, wall }: AgentSetup): Estimator {
  const frequency = stored.frequency ?? null
  return frequency === null
    ? KNOWS_NOTHING
    : remembering(frequency, betweenMs(frequency.at, usToMs(wall)))
}

/** Stores what is known of the oscillator, for the next process. */
export function keepFrequency(turn: Turn): void {
  const { memory, mono } = turn
  const known = frequencyOf(memory.estimator)
  if (known === null || mono < memory.keepAt) return
  memory.keepAt = shiftMono(mono, KEEP_EVERY)
  const frequency = { ...known, at: clockMs(turn) }
  submit(turn, { kind: 'upkeep', commit: () => ({ frequency }), done: () => {} })
}

/** The machine slept, so the monotonic clock missed time: what was learned holds no more. */
export function afterSleep(turn: Turn): void {
  const { memory, mono, setup } = turn
  memory.clock = slept(memory.clock, mono)
  memory.estimator = withoutPhase(memory.estimator)
  memory.exchange = IDLE
  memory.poll = START_POLL
  memory.askAt = mono
  // Process ms from here on say nothing about those before.
  memory.slept = { from: memory.steppedAt, to: mono, processId: memory.processId }
  memory.processId = setup.random(PROCESS_ID_BYTES)
  memory.anchored = null
  if (memory.session.phase === 'hello') memory.session = { ...memory.session, t1: null }
}
