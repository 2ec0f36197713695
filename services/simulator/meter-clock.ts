// The clock of a simulated meter: a drifting crystal in a device that obeys UNI/TS 11291. What it
// shows is a straight line over true time that bends wherever the clock was set.

import { monthOf } from '../../shared/clock/meter/civil-month.ts'
import type { MeterClockEvent } from '../../shared/clock/evidence.ts'
import {
  type MeterClockAnswer,
  type MeterClockChange,
  STATUS_INVALID,
} from '../../shared/clock/meter/meter-clock-line.ts'
import {
  type ClockClient,
  type ClockDecision,
  closedBefore,
  decideClock,
  type DriftRegister,
  SYNCH_ALGORITHM_DEFAULT,
} from '../../shared/clock/meter/policy.ts'
import {
  betweenUs,
  type Ppm,
  shiftUs,
  type SpanUs,
  spanUs,
  type UnixUs,
  unixUs,
} from '../../shared/units.ts'

const DAY = spanUs(86_400_000_000)

export interface CrystalSetup {
  /** What the clock shows at `startedAt`, minus true time. */
  readonly offset: SpanUs
  readonly rate: Ppm
  /** True time. */
  readonly startedAt: UnixUs
  readonly configured?: boolean
}

export interface SimulatedClock {
  /** What the clock shows when true time is `now`; `now` never goes back. */
  at(now: UnixUs): UnixUs
  /** COSEM clock status. */
  status(): number
  change(change: MeterClockChange, now: UnixUs): MeterClockAnswer
  /** The meter's metrology log. */
  readonly events: readonly MeterClockEvent[]
  readonly register: DriftRegister
  /** What it did with each change, in sequence. */
  readonly decisions: readonly ClockDecision['action'][]
}

/** The meter's calendar is UTC. */
const CALENDAR = spanUs(0)

export function simulatedClock({
  offset,
  rate,
  startedAt,
  configured = true,
}: CrystalSetup): SimulatedClock {
  let bentAt = startedAt
  let shownThere = shiftUs(startedAt, offset)
  let invalid = false
  let deferred: { readonly by: SpanUs; readonly until: UnixUs } | null = null
  const events: MeterClockEvent[] = []
  const decisions: ClockDecision['action'][] = []
  let register: DriftRegister = { month: monthOf(shownThere, CALENDAR), sum: spanUs(0) }

  const shown = (now: UnixUs): UnixUs =>
    unixUs(shownThere + betweenUs(bentAt, now) * (1 + rate * 1e-6))
  const decide = (client: ClockClient, utc: UnixUs, now: UnixUs): ClockDecision => {
    const meter = shown(now)
    const drift = betweenUs(utc, meter)
    const device = {
      configured,
      window: 'outside',
      finely: true,
      algorithm: SYNCH_ALGORITHM_DEFAULT,
      closedUntil: closedBefore(meter, DAY, CALENDAR),
      register,
      month: monthOf(meter, CALENDAR),
    } as const
    const decision = decideClock({ client, utc, drift }, device)
    register = decision.register
    if (decision.event !== null) events.push(decision.event)
    if (decision.invalid !== 'as is') invalid = decision.invalid === 'set'
    if (decision.action === 'defer' && decision.until !== null) {
      deferred = { by: drift, until: decision.until }
    } else if (decision.action === 'synchronise' || decision.action === 'set') {
      bentAt = now
      shownThere = utc
      deferred = null
    }
    decisions.push(decision.action)
    return decision
  }
  /** Executes a deferred change once its time has come. */
  const catchUp = (now: UnixUs): void => {
    if (deferred === null) return
    const utc = unixUs(shown(now) - deferred.by)
    if (betweenUs(deferred.until, utc) >= 0) decide('management', utc, now)
  }

  return {
    at: (now) => {
      catchUp(now)
      return shown(now)
    },
    status: () => (invalid ? STATUS_INVALID : 0),
    change: (change, now) => {
      catchUp(now)
      const utc = change.how === 'shift' ? shiftUs(shown(now), change.by) : change.utc
      return decide(change.how === 'light' ? 'gateway' : 'management', utc, now).answer
    },
    events,
    get register() {
      return register
    },
    decisions,
  }
}
