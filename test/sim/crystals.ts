// The clocks of one slave's meters: crystals that drift, some of them far off. The meters obey
// every command, so only the slave keeps the limits: it never cuts or closes an interval, and its
// light corrections add up to at most a minute a month.

import { spanUs, type MonoUs, type SpanUs, unixUs, type UnixUs } from '../../shared/units.ts'
import { monthOf } from '../../shared/clock/meter/civil-month.ts'
import { DRIFT_LIGHT_END, DRIFT_MONTH_MAX } from '../../shared/clock/meter/policy.ts'
import type { AgentAction, AgentEvent } from '../../services/slave/core/state/events.ts'
import type { MeterClockPlan } from '../../services/slave/core/state/plan.ts'
import { hold } from './hold.ts'
import type { Chance } from './prng.ts'
import { HOUR, MINUTE, SECOND, type TrueUs, type World } from './world.ts'

/** Rate error of a meter's crystal, ppm; one in four is a bad one. */
const RATE_PPM = 5
const BAD_PPM = 100
/** Requests that are lost, or whose answer is. */
const LOST = 0.1
const INTERVAL = 15 * MINUTE
const HUNDREDTH = 10_000

type ClockAction = Extract<AgentAction, { do: 'read-clock' | 'change-clock' }>

/** The slave at the other end of the line. */
export interface ClockAsker {
  /** Null: it died, or sleeps. */
  mono(): MonoUs | null
  deliver(event: AgentEvent): void
}

interface Crystal {
  readonly rate: number
  since: TrueUs
  shown: number
  /** The newest month in which it was corrected, and by how much in all. */
  month: string
  sum: number
}

export class Crystals {
  readonly #chance: Chance
  readonly #world: World
  readonly #crystals = new Map<string, Crystal>()
  /** Light corrections made, of all meters. */
  corrections = 0

  constructor(chance: Chance, world: World) {
    this.#chance = chance
    this.#world = world
  }

  /** The slave keeps the clocks lightly, so that its own rules are tested. */
  plan(): MeterClockPlan {
    return { keep: 'light', zone: spanUs(0) }
  }

  take(action: ClockAction, asker: ClockAsker): void {
    const now = asker.mono()
    if (now === null) return
    const wait = action.do === 'read-clock' ? Math.max(0, action.at - now) : 0
    this.#world.after(wait, '', () => this.#send(action, asker))
  }

  #send(action: ClockAction, asker: ClockAsker): void {
    const chance = this.#chance
    const t1 = asker.mono()
    const { meter } = action
    if (t1 === null) return
    if (chance.happens(LOST)) {
      this.#after(asker, 2 * SECOND, () =>
        action.do === 'read-clock'
          ? { on: 'clock-read', meter, found: 'silent' }
          : { on: 'clock-changed', meter, became: 'none' },
      )
      return
    }
    this.#world.after(chance.between(SECOND / 50, SECOND / 2), '', () => {
      const event = action.do === 'read-clock' ? this.#read(meter, t1) : this.#change(action, t1)
      if (!chance.happens(LOST)) this.#after(asker, SECOND / 4, event)
    })
  }

  #after(asker: ClockAsker, within: number, make: (t4: MonoUs) => AgentEvent): void {
    this.#world.after(this.#chance.unit() * within, '', () => {
      const t4 = asker.mono()
      if (t4 !== null) asker.deliver(make(t4))
    })
  }

  #crystal(meter: string): Crystal {
    const known = this.#crystals.get(meter)
    if (known !== undefined) return known
    const chance = this.#chance
    const ppm = chance.happens(0.25) ? BAD_PPM : RATE_PPM
    const off = chance.pick([2 * SECOND, 40 * SECOND, 90 * SECOND, 5 * HOUR])
    const since = this.#world.now
    const shown = since + chance.between(-off, off)
    const rate = 1 + chance.between(-ppm, ppm) * 1e-6
    const made = { rate, since, shown, month: '', sum: 0 }
    this.#crystals.set(meter, made)
    return made
  }

  #shown({ since, shown, rate }: Crystal): UnixUs {
    return unixUs(shown + (this.#world.now - since) * rate)
  }

  #read(meter: string, t1: MonoUs): (t4: MonoUs) => AgentEvent {
    const shown = this.#shown(this.#crystal(meter))
    const utc = unixUs(Math.floor(shown / HUNDREDTH) * HUNDREDTH)
    const fixed = { t1, utc, resolution: spanUs(HUNDREDTH), status: 0 }
    const onLine = { request: spanUs(0), answer: spanUs(0) }
    return (t4) => ({ on: 'clock-read', meter, found: { ...fixed, t4, onLine } })
  }

  #change(
    { meter, change, at }: Extract<ClockAction, { do: 'change-clock' }>,
    t1: MonoUs,
  ): (t4: MonoUs) => AgentEvent {
    hold(change.how === 'light', 'meter clock', `${change.how} without an order`)
    if (change.how === 'light') {
      const crystal = this.#crystal(meter)
      const before = this.#shown(crystal)
      const utc = unixUs(change.utc + (t1 - at))
      lawful(meter, before, utc)
      count(meter, crystal, spanUs(before - utc), utc)
      crystal.since = this.#world.now
      crystal.shown = utc
      this.corrections += 1
      this.#world.sometimes('meter corrected')
    }
    return () => ({ on: 'clock-changed', meter, became: 'ack' })
  }
}

/** Both times lie in one interval, so none is opened again and none is left out; and the drift is
 * one that a gateway may correct. */
function lawful(meter: string, before: UnixUs, after: UnixUs): void {
  const same = Math.floor(before / INTERVAL) === Math.floor(after / INTERVAL)
  hold(same, 'meter clock', `${meter} set from ${before} to ${after}, over an interval's end`)
  const light = Math.abs(before - after) < DRIFT_LIGHT_END
  hold(light, 'meter clock', `${meter} set by ${before - after} us, which is not light`)
}

function count(meter: string, crystal: Crystal, drift: SpanUs, utc: UnixUs): void {
  const month = monthOf(utc, spanUs(0))
  if (month !== crystal.month) crystal.sum = 0
  crystal.month = month
  crystal.sum += drift
  const kept = Math.abs(crystal.sum) <= DRIFT_MONTH_MAX + SECOND
  hold(kept, 'meter clock', `${meter} corrected by ${crystal.sum} us in ${month}`)
}
