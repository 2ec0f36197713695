// Asks many SEM meters on one line, one request at a time. There is no I/O and no clock in here:
// bytes, times and requests come in, actions go out, so tests run it in virtual time.
//
// A dead meter must not stall the bus: once its attempts are spent a meter is left alone for a
// pause that doubles each time; meanwhile requests fail at once and cost no line time; the first
// request after the pause is a single attempt.

import { assert } from '../../../../../shared/assert.ts'
import type { MeterClockChange } from '../../../../../shared/clock/meter/meter-clock-line.ts'
import {
  encodeSem,
  isSemClockFrame,
  isSemRequest,
  SEM_REFUSALS,
  SEM_ROWS_MAX,
  semReadings,
  type SemAnswer,
} from '../../../../../shared/meter/sem/sem.ts'
import { SEM_TOKEN_MAX, type SemClockAnswer } from '../../../../../shared/meter/sem/clock.ts'
import { semDecoder, type SemVerdict } from '../../../../../shared/meter/sem/stream.ts'
import {
  betweenMs,
  elapsedUs,
  monoUs,
  shiftMono,
  spanUs,
  unixMs,
  type MonoUs,
  type SpanUs,
  type UnixMs,
} from '../../../../../shared/units.ts'
import type { Reading } from '../../../../../shared/meter/reading.ts'
import type { LineEvent } from '../line-event.ts'
import {
  type Ask,
  asSent,
  clockEvent,
  fitsRange,
  fitsToken,
  isOfClock,
  unsupported,
} from './ask.ts'

export type PollAction =
  | { readonly do: 'send'; readonly bytes: Uint8Array }
  | { readonly do: 'emit'; readonly event: LineEvent }

/** Longest wait for an answer's first byte: meters think for up to 1.5 s (IEC 62056-21, 6.5). */
export const ANSWER_US_MAX = spanUs(1_500_000)
/** Longest silence inside an answer: device servers send in bursts at most this far apart. */
export const GAP_US_MAX = spanUs(500_000)
/** How long the line may take to fall quiet after a damaged frame. */
export const QUIET_US = spanUs(60_000)
/** The refusal that does not last: "busy, ask again" (docs/meters.md 1.5). */
const BUSY = 4
/** Attempts for one request: they overcome single errors on a line and find a dead meter soon. */
export const ATTEMPTS_MAX = 3
/** First and longest pause for a meter that does not answer. */
export const REST_US_MIN = spanUs(5_000_000)
export const REST_US_MAX = spanUs(300_000_000)

interface Turn {
  readonly ask: Ask
  /** When the request was handed to the line, and its length. */
  readonly sentAt: MonoUs
  readonly bytes: number
  attempts: number
  deadline: MonoUs
  /** The attempt ends here however many bytes come: noise without end is no answer. */
  latest: MonoUs
  /** A fault was reported for this request that says more than "does not answer". */
  faultReported: boolean
}
interface Health {
  failures: number
  restUntil: MonoUs
}

export interface SemPollOptions {
  readonly meters: readonly string[]
  readonly allowUnchecked: boolean
  /** How long the longest answer takes on this line. */
  readonly answerUs: SpanUs
  /** How long one byte takes on this line; 0 when that is unknown. */
  readonly byteUs: SpanUs
}

interface HistoryRange {
  readonly meter: string
  /** Rows are wanted whose interval ends lie in (from, to]. */
  readonly from: UnixMs
  readonly to: UnixMs
  readonly rowsMax: number
}

type PollFault =
  | Extract<SemVerdict, { ok: false }>['fault']
  | 'MTR-01'
  | 'MTR-04'
  | 'MTR-05'
  | 'MTR-09'

export interface SemPoll {
  read(meter: string, now: MonoUs): readonly PollAction[]
  readHistory(range: HistoryRange, now: MonoUs): readonly PollAction[]
  readClock(meter: string, now: MonoUs): readonly PollAction[]
  /** `at`: when the time in the change was right. */
  changeClock(
    change: { readonly meter: string; readonly change: MeterClockChange; readonly at: MonoUs },
    now: MonoUs,
  ): readonly PollAction[]
  heard(chunk: Uint8Array, now: MonoUs): readonly PollAction[]
  wake(now: MonoUs): readonly PollAction[]
  lineUp(now: MonoUs): readonly PollAction[]
  lineDown(): readonly PollAction[]
  /** When `wake` is due; null: only after something else has happened. */
  wakeAt(): MonoUs | null
}

const later = (a: MonoUs, b: MonoUs): MonoUs => (elapsedUs(a, b) > 0 ? b : a)
const earlier = (a: MonoUs, b: MonoUs): MonoUs => (elapsedUs(a, b) > 0 ? a : b)
const isDue = (at: MonoUs, now: MonoUs): boolean => elapsedUs(at, now) >= 0

class Poll implements SemPoll {
  readonly #health: ReadonlyMap<string, Health>
  readonly #options: SemPollOptions
  #decoder = semDecoder()
  /** At most one request of each kind for each meter. */
  readonly #waiting: Ask[] = []
  #turn: Turn | null = null
  #lastKind: Ask['kind'] = 'history'
  #isUp = false
  #token = 0
  #actions: PollAction[] = []

  constructor(options: SemPollOptions) {
    this.#options = options
    const fresh = (meter: string) => [meter, { failures: 0, restUntil: monoUs(0) }] as const
    this.#health = new Map<string, Health>(options.meters.map(fresh))
  }

  read(meter: string, now: MonoUs): readonly PollAction[] {
    const request = { is: 'ask-now', address: meter } as const
    this.#queue({ meter, kind: 'now', request, at: now }, now)
    return this.#go(now)
  }

  readClock(meter: string, now: MonoUs): readonly PollAction[] {
    const request = { is: 'ask-clock', address: meter, token: this.#nextToken() } as const
    this.#queue({ meter, kind: 'clock', request, at: now }, now)
    return this.#go(now)
  }

  changeClock(
    {
      meter,
      change,
      at,
    }: { readonly meter: string; readonly change: MeterClockChange; readonly at: MonoUs },
    now: MonoUs,
  ): readonly PollAction[] {
    const request = { is: 'ask-change', address: meter, token: this.#nextToken(), change } as const
    this.#queue({ meter, kind: 'change', request, at }, now)
    return this.#go(now)
  }

  #nextToken(): number {
    this.#token = (this.#token + 1) % (SEM_TOKEN_MAX + 1)
    return this.#token
  }

  readHistory(range: HistoryRange, now: MonoUs): readonly PollAction[] {
    const { meter } = range
    // Frames carry whole seconds, and `from` itself is not wanted.
    const from = unixMs((Math.floor(range.from / 1_000) + 1) * 1_000)
    const to = unixMs(Math.floor(range.to / 1_000) * 1_000)
    const rowsMax = Math.max(1, Math.min(range.rowsMax, SEM_ROWS_MAX))
    if (betweenMs(from, to) < 0) {
      this.#emit({ on: 'readings', meter, readings: [], request: 'history', at: now, more: false })
    } else {
      const request = { is: 'ask-history', address: meter, from, to, rowsMax } as const
      this.#queue({ meter, kind: 'history', request, at: now }, now)
    }
    return this.#go(now)
  }

  heard(chunk: Uint8Array, now: MonoUs): readonly PollAction[] {
    const turn = this.#turn
    if (turn !== null) {
      // An answer that has begun extends the deadline, but not for ever.
      turn.deadline = earlier(later(turn.deadline, shiftMono(now, GAP_US_MAX)), turn.latest)
    }
    for (const verdict of this.#decoder.push(chunk, now)) this.#onVerdict(verdict, now)
    return this.#go(now)
  }

  wake(now: MonoUs): readonly PollAction[] {
    const turn = this.#turn
    if (turn !== null && isDue(turn.deadline, now)) {
      for (const verdict of this.#decoder.flush(now)) this.#onVerdict(verdict, now)
      const once = isOfClock(turn.ask) || this.#healthOf(turn.ask.meter).failures > 0
      if (turn.attempts < (once ? 1 : ATTEMPTS_MAX)) this.#send(turn.ask, now, turn)
      else this.#giveUp(turn, now)
    }
    return this.#go(now)
  }

  lineUp(now: MonoUs): readonly PollAction[] {
    this.#isUp = true
    this.#decoder = semDecoder()
    return this.#go(now)
  }

  lineDown(): readonly PollAction[] {
    this.#isUp = false
    if (this.#turn !== null) this.#failed(this.#turn.ask)
    for (const ask of this.#waiting) this.#failed(ask)
    this.#turn = null
    this.#waiting.length = 0
    return this.#taken()
  }

  wakeAt(): MonoUs | null {
    return this.#turn?.deadline ?? null
  }

  #taken(): readonly PollAction[] {
    const taken = this.#actions
    this.#actions = []
    return taken
  }

  #emit(event: LineEvent): void {
    this.#actions.push({ do: 'emit', event })
  }

  #fault(fault: PollFault, detail: string): void {
    if (this.#turn !== null && fault !== 'MTR-08') this.#turn.faultReported = true
    this.#emit({ on: 'fault', meter: this.#turn?.ask.meter ?? null, fault, detail })
  }

  #silent(meter: string, requests: number): void {
    this.#emit({ on: 'fault', meter, fault: 'MTR-01', detail: `${requests} requests in a row` })
  }

  #failed({ meter, kind }: Ask): void {
    if (kind === 'clock') this.#emit({ on: 'clock-read', meter, found: 'silent' })
    else if (kind === 'change') this.#emit({ on: 'clock-changed', meter, became: 'none' })
    else this.#emit({ on: 'failed', meter, request: kind })
  }

  #healthOf(meter: string): Health {
    const found = this.#health.get(meter)
    assert(found !== undefined, 'only configured meters are asked')
    return found
  }

  #queue(ask: Ask, now: MonoUs): void {
    const same = ({ meter, kind }: Ask) => meter === ask.meter && kind === ask.kind
    const before = this.#waiting.findIndex(same)
    const underWay = this.#turn !== null && same(this.#turn.ask)
    if (!this.#isUp || !isDue(this.#healthOf(ask.meter).restUntil, now)) this.#failed(ask)
    else if (before >= 0) this.#waiting[before] = ask
    else if (ask.kind !== 'now' || !underWay) this.#waiting.push(ask)
  }

  /** Starts the next request if the line is free; returns what the caller has to do. */
  #go(now: MonoUs): readonly PollAction[] {
    while (this.#isUp && this.#turn === null) {
      // The kinds take turns: neither a long history nor many readings starve the other.
      const other = this.#waiting.findIndex(({ kind }) => kind !== this.#lastKind)
      const [ask] = this.#waiting.splice(Math.max(other, 0), 1)
      if (ask === undefined) break
      // The meter may have been given up while this request waited.
      if (isDue(this.#healthOf(ask.meter).restUntil, now)) this.#send(ask, now, null)
      else this.#failed(ask)
    }
    return this.#taken()
  }

  #send(ask: Ask, now: MonoUs, before: Turn | null): void {
    const deadline = shiftMono(now, ANSWER_US_MAX)
    const latest = shiftMono(deadline, this.#options.answerUs)
    const attempts = (before?.attempts ?? 0) + 1
    const bytes = encodeSem(asSent(ask, now, this.#options.byteUs))
    const faultReported = before?.faultReported ?? false
    this.#turn = {
      ask,
      sentAt: now,
      bytes: bytes.length,
      attempts,
      deadline,
      latest,
      faultReported,
    }
    this.#lastKind = ask.kind
    this.#actions.push({ do: 'send', bytes })
  }

  #giveUp({ ask, faultReported }: Turn, now: MonoUs): void {
    this.#turn = null
    if (isOfClock(ask)) {
      this.#failed(ask)
      return
    }
    const state = this.#healthOf(ask.meter)
    const pause = Math.min(REST_US_MIN * 2 ** Math.min(state.failures, 20), REST_US_MAX)
    if (!faultReported) this.#silent(ask.meter, state.failures + 1)
    state.failures += 1
    state.restUntil = shiftMono(now, spanUs(pause))
    this.#failed(ask)
  }

  /** The right meter spoke: it is alive, whatever it said. */
  #finish(ask: Ask, done: boolean): void {
    const state = this.#healthOf(ask.meter)
    state.failures = 0
    state.restUntil = monoUs(0)
    this.#turn = null
    if (!done) this.#failed(ask)
  }

  #onVerdict(verdict: SemVerdict, now: MonoUs): void {
    if (verdict.ok) {
      const { frame, at } = verdict
      // Two-wire adapters let us hear our own requests.
      if (isSemRequest(frame)) return
      if (this.#turn === null) this.#unasked(frame, at)
      else if (isSemClockFrame(frame)) this.#clockAnswered(frame, this.#turn, at)
      else this.#answered(frame, this.#turn.ask, at)
      return
    }
    this.#fault(verdict.fault, `${verdict.bytes} bytes`)
    if (this.#turn !== null && verdict.fault !== 'MTR-08') {
      this.#turn.deadline = earlier(this.#turn.deadline, shiftMono(now, QUIET_US))
    }
  }

  #unasked(answer: SemAnswer | SemClockAnswer, at: MonoUs): void {
    const { consumer: meter } = answer
    if (!this.#health.has(meter)) {
      this.#fault('MTR-05', `${meter} is not configured on this line`)
    } else if (answer.is !== 'now') {
      this.#fault('MTR-08', `late answer of ${meter}`)
    } else if (!answer.checked && !this.#options.allowUnchecked) {
      this.#fault('MTR-04', `${meter} sent a plain line`)
    } else {
      const pushed = (reading: Reading): Reading => ({ ...reading, source: 'push' })
      const readings = semReadings(answer).map(pushed)
      this.#emit({ on: 'readings', meter, readings, request: 'push', at, more: false })
    }
  }

  #answered(answer: SemAnswer, ask: Ask, at: MonoUs): void {
    const { meter, kind } = ask
    if (answer.consumer !== meter) {
      this.#fault('MTR-05', `${meter} was asked, ${answer.consumer} answered`)
    } else if (answer.is === 'refusal' && isOfClock(ask)) {
      // Any code but "busy" means that this meter does not know the request.
      if (answer.code !== BUSY) this.#emit(unsupported(ask))
      this.#finish(ask, answer.code !== BUSY)
    } else if (answer.is === 'refusal') {
      const known = Object.entries(SEM_REFUSALS).find(([code]) => Number(code) === answer.code)
      this.#fault('MTR-09', `code ${answer.code}${known === undefined ? '' : `, ${known[1]}`}`)
      this.#finish(ask, false)
    } else if (answer.is === 'now' && !answer.checked && !this.#options.allowUnchecked) {
      this.#fault('MTR-04', 'plain line')
      this.#finish(ask, false)
    } else if (answer.is === 'now' ? kind === 'now' : fitsRange(answer, ask)) {
      const more = answer.is === 'history' && answer.more
      const readings = semReadings(answer)
      this.#emit({ on: 'readings', meter, readings, request: answer.is, at, more })
      this.#finish(ask, true)
    } else {
      this.#fault('MTR-08', 'answer to an earlier request')
    }
  }

  #clockAnswered(answer: SemClockAnswer, turn: Turn, at: MonoUs): void {
    const { ask, sentAt, bytes } = turn
    const { byteUs } = this.#options
    // The answer is timed at its first byte.
    const onLine = { request: spanUs(bytes * byteUs), answer: byteUs }
    if (answer.consumer !== ask.meter) {
      this.#fault('MTR-05', `${ask.meter} was asked, ${answer.consumer} answered`)
    } else if (!fitsToken(answer, ask)) {
      this.#fault('MTR-08', 'answer to an earlier request')
    } else {
      this.#emit(clockEvent(answer, { sentAt, onLine }, at))
      this.#finish(ask, true)
    }
  }
}

export const semPoll = (options: SemPollOptions): SemPoll => new Poll(options)
