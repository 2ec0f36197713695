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
  type SemFrame,
  type SemRequest,
} from '../../../../shared/meter/sem.ts'
import { semDecoder, type SemVerdict } from '../../../../shared/meter/sem-stream.ts'
import {
  elapsedUs,
  monoUs,
  shiftMono,
  spanUs,
  unixMs,
  type MonoUs,
  type SpanUs,
  type UnixMs,
} from '../../../../shared/units.ts'
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

export interface SemPoll {
  read(meter: string, now: MonoUs): readonly PollAction[]
  readHistory(
    ask: { meter: string; from: UnixMs; to: UnixMs; rowsMax: number },
    now: MonoUs,
  ): readonly PollAction[]
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

export function semPoll({ meters, allowUnchecked, answerUs }: SemPollOptions): SemPoll {
  const health = new Map<string, Health>(
    meters.map((meter) => [meter, { failures: 0, restUntil: monoUs(0) }]),
  )
  let decoder = semDecoder()
  /** At most one request of each kind for each meter. */
  const waiting: Ask[] = []
  let turn: Turn | null = null
  let lastKind: Ask['kind'] = 'history'
  let isUp = false
  let actions: PollAction[] = []

  const tell = (event: LineEvent) => actions.push({ do: 'tell', event })
  const tellFault = (
    fault: 'MTR-01' | SemVerdictFault | 'MTR-04' | 'MTR-05' | 'MTR-09',
    detail: string,
  ) => {
    if (turn !== null && fault !== 'MTR-08') turn.faultTold = true
    tell({ on: 'fault', meter: turn?.ask.meter ?? null, fault, detail })
  }
  const failed = ({ meter, kind }: Ask) => tell({ on: 'failed', meter, request: kind })
  const healthOf = (meter: string): Health => {
    const found = health.get(meter)
    assert(found !== undefined, 'only configured meters are asked')
    return found
  }

  const send = (ask: Ask, attempts: number, faultTold: boolean, now: MonoUs) => {
    const deadline = shiftMono(now, ANSWER_US_MAX)
    const latest = shiftMono(deadline, answerUs)
    turn = { ask, attempts, deadline, latest, faultTold }
    actions.push({ do: 'send', bytes: encodeSem(ask.request) })
  }

  const next = (now: MonoUs) => {
    while (isUp && turn === null) {
      // Turn about, so that neither a long history nor many readings starve the other kind.
      const other = waiting.findIndex(({ kind }) => kind !== lastKind)
      const [ask] = waiting.splice(Math.max(other, 0), 1)
      if (ask === undefined) return
      // The meter may have been given up while this request waited.
      if (isDue(healthOf(ask.meter).restUntil, now)) {
        lastKind = ask.kind
        send(ask, 1, false, now)
      } else {
        failed(ask)
      }
    }
  }

  const queue = (ask: Ask, now: MonoUs) => {
    const same = ({ meter, kind }: Ask) => meter === ask.meter && kind === ask.kind
    const before = waiting.findIndex(same)
    if (!isUp || !isDue(healthOf(ask.meter).restUntil, now)) failed(ask)
    else if (before >= 0) waiting[before] = ask
    else if (ask.kind === 'history' || turn === null || !same(turn.ask)) waiting.push(ask)
  }

  const giveUp = ({ ask, faultTold }: Turn, now: MonoUs) => {
    const state = healthOf(ask.meter)
    const pause = Math.min(REST_US_MIN * 2 ** Math.min(state.failures, 20), REST_US_MAX)
    if (!faultTold) tellFault('MTR-01', `${state.failures + 1} requests in a row`)
    state.failures += 1
    state.restUntil = shiftMono(now, spanUs(pause))
    turn = null
    failed(ask)
  }

  /** The right meter spoke: it lives, whatever it said. */
  const finish = (ask: Ask, done: boolean) => {
    const state = healthOf(ask.meter)
    state.failures = 0
    state.restUntil = monoUs(0)
    turn = null
    if (!done) failed(ask)
  }

  const unasked = (answer: SemAnswer, at: MonoUs) => {
    const { consumer: meter } = answer
    if (!health.has(meter)) tellFault('MTR-05', `${meter} is not configured on this line`)
    else if (answer.is !== 'now') tellFault('MTR-08', `late answer of ${meter}`)
    else if (!answer.checked && !allowUnchecked) tellFault('MTR-04', `${meter} sent a plain line`)
    else {
      const readings = semReadings(answer).map((reading) => ({
        ...reading,
        source: 'push' as const,
      }))
      tell({ on: 'readings', meter, readings, request: 'push', at, more: false })
    }
  }

  const answered = (answer: SemAnswer, { ask }: Turn, at: MonoUs) => {
    const { meter, kind } = ask
    if (answer.consumer !== meter) {
      tellFault('MTR-05', `${meter} was asked, ${answer.consumer} answered`)
    } else if (answer.is === 'refusal') {
      const known = Object.entries(SEM_REFUSALS).find(([code]) => Number(code) === answer.code)
      tellFault('MTR-09', `code ${answer.code}${known === undefined ? '' : `, ${known[1]}`}`)
      finish(ask, false)
    } else if (answer.is === 'now' && !answer.checked && !allowUnchecked) {
      tellFault('MTR-04', 'plain line')
      finish(ask, false)
    } else if (answer.is === 'now' ? kind === 'now' : fitsRange(answer, ask)) {
      const more = answer.is === 'history' && answer.more
      tell({ on: 'readings', meter, readings: semReadings(answer), request: kind, at, more })
      finish(ask, true)
    } else {
      tellFault('MTR-08', 'answer to an earlier request')
    }
  }

  const onFrame = (frame: SemFrame, at: MonoUs) => {
    // Two-wire adapters let us hear our own requests.
    if (frame.is === 'ask-now' || frame.is === 'ask-history') return
    if (turn === null) unasked(frame, at)
    else answered(frame, turn, at)
  }

  const onVerdict = (verdict: SemVerdict, now: MonoUs) => {
    if (verdict.ok) {
      onFrame(verdict.frame, verdict.at)
      return
    }
    tellFault(verdict.fault, `${verdict.bytes} bytes`)
    if (turn !== null && verdict.fault !== 'MTR-08') {
      turn.deadline = earlier(turn.deadline, shiftMono(now, QUIET_US))
    }
  }

  const take = (): readonly PollAction[] => {
    const taken = actions
    actions = []
    return taken
  }

  return {
    read(meter, now) {
      queue({ meter, kind: 'now', request: { is: 'ask-now', address: meter } }, now)
      next(now)
      return take()
    },
    readHistory({ meter, from, to, rowsMax }, now) {
      // Frames carry whole seconds; `from` itself is not wanted.
      const first = unixMs((Math.floor(from / 1_000) + 1) * 1_000)
      const last = unixMs(Math.floor(to / 1_000) * 1_000)
      const rows = Math.max(1, Math.min(rowsMax, SEM_ROWS_MAX))
      const range = { from: first, to: last, rowsMax: rows }
      if (last < first) {
        tell({ on: 'readings', meter, readings: [], request: 'history', at: now, more: false })
      } else {
        const request = { is: 'ask-history', address: meter, ...range } as const
        queue({ meter, kind: 'history', request }, now)
      }
      next(now)
      return take()
    },
    heard(chunk, now) {
      if (turn !== null) {
        // An answer under way may take longer than its first byte did, but not for ever.
        turn.deadline = earlier(later(turn.deadline, shiftMono(now, GAP_US_MAX)), turn.latest)
      }
      for (const verdict of decoder.push(chunk, now)) onVerdict(verdict, now)
      next(now)
      return take()
    },
    wake(now) {
      if (turn !== null && isDue(turn.deadline, now)) {
        for (const verdict of decoder.flush(now)) onVerdict(verdict, now)
        const { ask, attempts, faultTold } = turn
        const attemptsMax = healthOf(ask.meter).failures > 0 ? 1 : ATTEMPTS_MAX
        if (attempts < attemptsMax) send(ask, attempts + 1, faultTold, now)
        else giveUp(turn, now)
      }
      next(now)
      return take()
    },
    lineUp(now) {
      isUp = true
      decoder = semDecoder()
      next(now)
      return take()
    },
    lineDown() {
      isUp = false
      for (const ask of [...(turn === null ? [] : [turn.ask]), ...waiting]) failed(ask)
      turn = null
      waiting.length = 0
      return take()
    },
    wakeAt: () => turn?.deadline ?? null,
  }
}

type SemVerdictFault = Extract<SemVerdict, { ok: false }>['fault']
