// Asks many SEM meters on one line, one request at a time. No I/O and no clock in here: bytes, times and
// requests come in, actions go out, so that tests run it in virtual time.
//
// A dead meter must not stall the bus: after its attempts are spent a meter is left alone for a pause that
// doubles; requests meanwhile fail at once and cost no line time; the first request after the pause
// is a single attempt.

import { assert } from '../../../../shared/assert.ts'
import {
  encodeSem,
  SEM_REFUSALS,
  SEM_ROWS_MAX,
  semReadings,
  type SemAnswer,
  type SemRequest,
} from '../../../../shared/meter/sem.ts'
import { semDecoder, type SemVerdict } from '../../../../shared/meter/sem-stream.ts'
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
} from '../../../../shared/units.ts'
import type { Reading } from '../../../../shared/meter/reading.ts'
import type { LineEvent } from './line-event.ts'

export type PollAction =
  | { readonly do: 'send'; readonly bytes: Uint8Array }
  | { readonly do: 'tell'; readonly event: LineEvent }

/** First byte of an answer after the request: meters think for up to 1.5 s (IEC 62056-21, 6.5). */
export const ANSWER_US_MAX = spanUs(1_500_000)
/** Longest silence inside an answer: device servers send in bursts, this far apart at most. */
export const GAP_US_MAX = spanUs(500_000)
/** After a damaged frame the line is given this long to fall quiet. */
export const QUIET_US = spanUs(60_000)
/** Attempts for one request: single errors on a line are overcome, a dead meter is found soon. */
export const ATTEMPTS_MAX = 3
/** First and longest pause for a meter that does not answer. */
export const REST_US_MIN = spanUs(5_000_000)
export const REST_US_MAX = spanUs(300_000_000)

interface Ask {
  readonly meter: string
  readonly kind: 'now' | 'history'
  readonly request: SemRequest
}
interface Turn {
  readonly ask: Ask
  attempts: number
  deadline: MonoUs
  /** However many bytes come, the attempt ends here: noise without end is no answer. */
  latest: MonoUs
  /** A fault was told for this request, which says more than "does not answer". */
  faultTold: boolean
}
interface Health {
  failures: number
  restUntil: MonoUs
}

export interface SemPollOptions {
  readonly meters: readonly string[]
  readonly allowUnchecked: boolean
  /** Time the longest answer takes on this line. */
  readonly answerUs: SpanUs
}

interface HistoryRange {
  readonly meter: string
  /** Interval ends wanted lie in (from, to]. */
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
  heard(chunk: Uint8Array, now: MonoUs): readonly PollAction[]
  wake(now: MonoUs): readonly PollAction[]
  lineUp(now: MonoUs): readonly PollAction[]
  lineDown(): readonly PollAction[]
  /** When `wake` is due; null: not before something else happens. */
  wakeAt(): MonoUs | null
}

const later = (a: MonoUs, b: MonoUs): MonoUs => (elapsedUs(a, b) > 0 ? b : a)
const earlier = (a: MonoUs, b: MonoUs): MonoUs => (elapsedUs(a, b) > 0 ? a : b)
const isDue = (at: MonoUs, now: MonoUs): boolean => elapsedUs(at, now) >= 0

/** Rows that were not asked for belong to an earlier request, given up meanwhile. */
function fitsRange(answer: SemAnswer, { request }: Ask): boolean {
  if (answer.is !== 'history' || request.is !== 'ask-history') return false
  const { from, to, rowsMax } = request
  const inside = answer.rows.every(({ intervalEnd }) => intervalEnd >= from && intervalEnd <= to)
  return inside && answer.rows.length <= rowsMax
}

class Poll implements SemPoll {
  readonly #health: ReadonlyMap<string, Health>
  readonly #options: SemPollOptions
  #decoder = semDecoder()
  /** At most one request of each kind for each meter. */
  readonly #waiting: Ask[] = []
  #turn: Turn | null = null
  #lastKind: Ask['kind'] = 'history'
  #isUp = false
  #actions: PollAction[] = []

  constructor(options: SemPollOptions) {
    this.#options = options
    const fresh = (meter: string) => [meter, { failures: 0, restUntil: monoUs(0) }] as const
    this.#health = new Map<string, Health>(options.meters.map(fresh))
  }

  read(meter: string, now: MonoUs): readonly PollAction[] {
    this.#queue({ meter, kind: 'now', request: { is: 'ask-now', address: meter } }, now)
    return this.#go(now)
  }

  readHistory(range: HistoryRange, now: MonoUs): readonly PollAction[] {
    const { meter } = range
    // Frames carry whole seconds; `from` itself is not wanted.
    const from = unixMs((Math.floor(range.from / 1_000) + 1) * 1_000)
    const to = unixMs(Math.floor(range.to / 1_000) * 1_000)
    const rowsMax = Math.max(1, Math.min(range.rowsMax, SEM_ROWS_MAX))
    if (betweenMs(from, to) < 0) {
      this.#tell({ on: 'readings', meter, readings: [], request: 'history', at: now, more: false })
    } else {
      const request = { is: 'ask-history', address: meter, from, to, rowsMax } as const
      this.#queue({ meter, kind: 'history', request }, now)
    }
    return this.#go(now)
  }

  heard(chunk: Uint8Array, now: MonoUs): readonly PollAction[] {
    const turn = this.#turn
    if (turn !== null) {
      // An answer under way may take longer than its first byte did, but not for ever.
      turn.deadline = earlier(later(turn.deadline, shiftMono(now, GAP_US_MAX)), turn.latest)
    }
    for (const verdict of this.#decoder.push(chunk, now)) this.#onVerdict(verdict, now)
    return this.#go(now)
  }

  wake(now: MonoUs): readonly PollAction[] {
    const turn = this.#turn
    if (turn !== null && isDue(turn.deadline, now)) {
      for (const verdict of this.#decoder.flush(now)) this.#onVerdict(verdict, now)
      const rested = this.#healthOf(turn.ask.meter).failures > 0
      if (turn.attempts < (rested ? 1 : ATTEMPTS_MAX)) this.#send(turn.ask, now, turn)
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
    return this.#take()
  }

  wakeAt(): MonoUs | null {
    return this.#turn?.deadline ?? null
  }

  #take(): readonly PollAction[] {
    const taken = this.#actions
    this.#actions = []
    return taken
  }

  #tell(event: LineEvent): void {
    this.#actions.push({ do: 'tell', event })
  }

  #tellFault(fault: PollFault, detail: string): void {
    if (this.#turn !== null && fault !== 'MTR-08') this.#turn.faultTold = true
    this.#tell({ on: 'fault', meter: this.#turn?.ask.meter ?? null, fault, detail })
  }

  #failed({ meter, kind }: Ask): void {
    this.#tell({ on: 'failed', meter, request: kind })
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
    else if (ask.kind === 'history' || !underWay) this.#waiting.push(ask)
  }

  /** Starts the next request if the line is free; what the caller shall do. */
  #go(now: MonoUs): readonly PollAction[] {
    while (this.#isUp && this.#turn === null) {
      // Turn about, so that neither a long history nor many readings starve the other kind.
      const other = this.#waiting.findIndex(({ kind }) => kind !== this.#lastKind)
      const [ask] = this.#waiting.splice(Math.max(other, 0), 1)
      if (ask === undefined) break
      // The meter may have been given up while this request waited.
      if (isDue(this.#healthOf(ask.meter).restUntil, now)) this.#send(ask, now, null)
      else this.#failed(ask)
    }
    return this.#take()
  }

  #send(ask: Ask, now: MonoUs, before: Turn | null): void {
    const deadline = shiftMono(now, ANSWER_US_MAX)
    const latest = shiftMono(deadline, this.#options.answerUs)
    const attempts = (before?.attempts ?? 0) + 1
    this.#turn = { ask, attempts, deadline, latest, faultTold: before?.faultTold ?? false }
    this.#lastKind = ask.kind
    this.#actions.push({ do: 'send', bytes: encodeSem(ask.request) })
  }

  #giveUp({ ask, faultTold }: Turn, now: MonoUs): void {
    const state = this.#healthOf(ask.meter)
    const pause = Math.min(REST_US_MIN * 2 ** Math.min(state.failures, 20), REST_US_MAX)
    if (!faultTold) this.#tellFault('MTR-01', `${state.failures + 1} requests in a row`)
    state.failures += 1
    state.restUntil = shiftMono(now, spanUs(pause))
    this.#turn = null
    this.#failed(ask)
  }

  /** The right meter spoke: it lives, whatever it said. */
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
      if (frame.is === 'ask-now' || frame.is === 'ask-history') return
      if (this.#turn === null) this.#unasked(frame, at)
      else this.#answered(frame, this.#turn.ask, at)
      return
    }
    this.#tellFault(verdict.fault, `${verdict.bytes} bytes`)
    if (this.#turn !== null && verdict.fault !== 'MTR-08') {
      this.#turn.deadline = earlier(this.#turn.deadline, shiftMono(now, QUIET_US))
    }
  }

  #unasked(answer: SemAnswer, at: MonoUs): void {
    const { consumer: meter } = answer
    if (!this.#health.has(meter)) {
      this.#tellFault('MTR-05', `${meter} is not configured on this line`)
    } else if (answer.is !== 'now') {
      this.#tellFault('MTR-08', `late answer of ${meter}`)
    } else if (!answer.checked && !this.#options.allowUnchecked) {
      this.#tellFault('MTR-04', `${meter} sent a plain line`)
    } else {
      const pushed = (reading: Reading): Reading => ({ ...reading, source: 'push' })
      const readings = semReadings(answer).map(pushed)
      this.#tell({ on: 'readings', meter, readings, request: 'push', at, more: false })
    }
  }

  #answered(answer: SemAnswer, ask: Ask, at: MonoUs): void {
    const { meter, kind } = ask
    if (answer.consumer !== meter) {
      this.#tellFault('MTR-05', `${meter} was asked, ${answer.consumer} answered`)
    } else if (answer.is === 'refusal') {
      const known = Object.entries(SEM_REFUSALS).find(([code]) => Number(code) === answer.code)
      this.#tellFault('MTR-09', `code ${answer.code}${known === undefined ? '' : `, ${known[1]}`}`)
      this.#finish(ask, false)
    } else if (answer.is === 'now' && !answer.checked && !this.#options.allowUnchecked) {
      this.#tellFault('MTR-04', 'plain line')
      this.#finish(ask, false)
    } else if (answer.is === 'now' ? kind === 'now' : fitsRange(answer, ask)) {
      const more = answer.is === 'history' && answer.more
      this.#tell({ on: 'readings', meter, readings: semReadings(answer), request: kind, at, more })
      this.#finish(ask, true)
    } else {
      this.#tellFault('MTR-08', 'answer to an earlier request')
    }
  }
}

export const semPoll = (options: SemPollOptions): SemPoll => new Poll(options)
