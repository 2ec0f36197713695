// What is known of each meter's clock, what is being done about it, and what was reported of it.
// Changed by meter-clocks/.

import type { MeterClockEvent, MeterClockOutcome } from '../../../../shared/clock/evidence.ts'
import { type MeterClock, noMeterClock } from '../../../../shared/clock/meter/meter-clock.ts'
import type { DriftRegister } from '../../../../shared/clock/meter/policy.ts'
import { type MonoUs, monoUs, type SpanUs, spanMsToUs, spanUs } from '../../../../shared/units.ts'
import type { MeterClockPlan, MeterPlan } from './plan.ts'

/** A correction under way. */
export interface Correction {
  /** `storing`: the register waits for the disk; `stored`: until no other clock is asked; `sent`:
   * the meter's answer is waited for; `verify`: what became of it is read. */
  readonly phase: 'storing' | 'stored' | 'sent' | 'verify'
  readonly since: MonoUs
  readonly drift: SpanUs
  readonly event: MeterClockEvent | null
  readonly how: 'light' | 'strong'
  /** Before it was counted. */
  readonly before: DriftRegister
  readonly answer: 'ack' | 'nak' | 'none' | 'unsupported'
}

export interface Keeping {
  readonly meter: string
  readonly plan: MeterClockPlan
  /** Of its load profile; null: it has none. */
  readonly profileInterval: SpanUs | null
  readonly clock: MeterClock
  readonly resolution: SpanUs
  /** As the meter states it; null: it does not. */
  readonly status: number | null
  readonly register: DriftRegister
  /** Requests in a row without an answer. */
  readonly silent: number
  /** Not asked before this. */
  readonly restUntil: MonoUs
  readonly correction: Correction | null
  /** A command waits for it to be synchronised. */
  readonly ordered: boolean
  /** Not corrected before this: an interval's end is near, or it was just refused. */
  readonly tryAt: MonoUs
  readonly fault: 'MTR-10' | 'MTR-11' | null
  readonly outcome: MeterClockOutcome
  readonly event: MeterClockEvent | null
  /** Something happened that was not looked at; and not reported. */
  readonly fresh: boolean
  readonly unreported: boolean
  /** Its last read had impossible stamps. */
  readonly unreadable: boolean
  readonly reported: Reported | null
}

/** What was reported last, when, on which link, and how long that may stand. */
export interface Reported {
  readonly key: string
  readonly offset: SpanUs
  readonly at: MonoUs
  readonly link: number
  readonly again: number
}

export interface MeterClocksState {
  readonly kept: ReadonlyMap<string, Keeping>
  /** One clock is asked at a time. */
  readonly asked: { readonly meter: string; readonly since: MonoUs } | null
  /** No clock is asked before this. */
  readonly askFrom: MonoUs
}

const NO_REGISTER: DriftRegister = { month: '', sum: spanUs(0) }
const ALWAYS = monoUs(Number.NEGATIVE_INFINITY)

export function clocksAtStart(
  meters: readonly MeterPlan[],
  corrections: ReadonlyMap<string, DriftRegister>,
): MeterClocksState {
  const kept = new Map<string, Keeping>()
  for (const { meter, clock: plan, profileIntervalMs } of meters) {
    if (plan === undefined) continue
    kept.set(meter, {
      meter,
      plan,
      profileInterval: profileIntervalMs === undefined ? null : spanMsToUs(profileIntervalMs),
      clock: noMeterClock,
      resolution: spanUs(0),
      status: null,
      register: corrections.get(meter) ?? NO_REGISTER,
      silent: 0,
      restUntil: ALWAYS,
      correction: null,
      ordered: false,
      tryAt: ALWAYS,
      fault: null,
      outcome: 'none',
      event: null,
      fresh: false,
      unreported: false,
      unreadable: false,
      reported: null,
    })
  }
  return { kept, asked: null, askFrom: ALWAYS }
}
