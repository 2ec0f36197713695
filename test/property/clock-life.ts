// One simulated life of a slave's clock against a true one. Steps of 0.1 s; a reply is delivered in
// the step in which it arrives, with the exact instant as its time stamp.

import assert from 'node:assert/strict'
import {
  answer,
  ask,
  type ClockReply,
  type Exchange,
  FREQUENCY_TOLERANCE_PPM,
  IDLE,
} from '../../shared/clock/estimate/exchange.ts'
import {
  type Estimator,
  estimateAt,
  FREQUENCY_CHANGE_PPM,
  frequencyOf,
  KNOWS_NOTHING,
  learn,
  remembering,
  withoutPhase,
} from '../../shared/clock/estimate/estimator.ts'
import { nextAsk, START_POLL } from '../../shared/clock/estimate/poll.ts'
import {
  qualityAt,
  slept,
  startClock,
  steer,
  timeAt,
} from '../../shared/clock/estimate/softclock.ts'
import { stampAt } from '../../shared/clock/estimate/stamp.ts'
import {
  type MonoUs,
  monoUs,
  ppm,
  spanMs,
  spanUs,
  type UnixUs,
  unixUs,
} from '../../shared/units.ts'

export interface Life {
  readonly seed: number
  readonly seconds: number
  readonly driftPpm: number
  readonly wanderPpm: number
  readonly baseDelayUs: number
  readonly jitterUs: number
  readonly outward: number
  readonly loss: number
  readonly duplicate: number
  readonly late: number
  readonly masterBoundUs: number
  readonly wallErrorUs: number
  /** Seconds between sleeps of the machine, 0 for none; restarts of the process likewise. */
  readonly sleepEvery: number
  readonly restartEvery: number
}

const ORIGIN = 1_790_000_000_000_000
const STEP_US = 100_000

/** Mulberry32; uniform in [0, 1). */
function generator(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000
  }
}

/** True time and the slave's oscillator, which may stand still while true time continues. */
class Oscillator {
  trueUs = 0
  /** What the slave's monotonic clock shows; it may start anywhere. */
  #monoUs = 77_000
  #ppm: number
  readonly #mid: number
  constructor(driftPpm: number) {
    this.#ppm = driftPpm
    this.#mid = driftPpm
  }
  /** Within the promise: the rates of any two instants differ by at most FREQUENCY_CHANGE_PPM. */
  wander(by: number): void {
    const half = FREQUENCY_CHANGE_PPM / 2
    this.#ppm = Math.max(this.#mid - half, Math.min(this.#mid + half, this.#ppm + by))
  }
  /** Our clock at a true instant within the current step. */
  at(trueUs: number): MonoUs {
    return monoUs(Math.floor(this.#monoUs + (trueUs - this.trueUs) * (1 + this.#ppm * 1e-6)))
  }
  run(us: number): void {
    this.#monoUs += us * (1 + this.#ppm * 1e-6)
    this.trueUs += us
  }
  sleep(us: number): void {
    this.trueUs += us
  }
  /** Another process, whose monotonic clock starts elsewhere, after a pause. */
  restart(pauseUs: number): void {
    this.trueUs += pauseUs
    this.#monoUs = 5_000
  }
}

class Slave {
  #life: Life
  #random: () => number
  #oscillator: Oscillator
  #exchange: Exchange = IDLE
  #estimator: Estimator = KNOWS_NOTHING
  #poll = START_POLL
  #askAt = 0
  #lastGood = false
  #clock
  #flying: { at: number; reply: ClockReply }[] = []
  #last = 0

  constructor(life: Life, random: () => number, oscillator: Oscillator) {
    this.#life = life
    this.#random = random
    this.#oscillator = oscillator
    this.#clock = this.#begin(null)
  }

  #begin(lastUsed: UnixUs | null) {
    const { trueUs } = this.#oscillator
    const guess = unixUs(ORIGIN + trueUs + this.#life.wallErrorUs)
    return startClock({ mono: this.#oscillator.at(trueUs), guess, lastUsed })
  }

  /** Questions due and replies arriving before `until`, in order. */
  step(until: number): void {
    for (;;) {
      this.#flying.sort((a, b) => a.at - b.at)
      const arrival = this.#flying[0]
      if (arrival !== undefined && arrival.at < until && arrival.at <= this.#askAt) {
        this.#flying.shift()
        this.#receive(arrival.reply, arrival.at)
      } else if (this.#askAt < until) this.#send()
      else return
    }
  }

  #send(): void {
    const { baseDelayUs, jitterUs, outward, loss, duplicate, late, masterBoundUs } = this.#life
    const at = Math.max(this.#askAt, this.#oscillator.trueUs)
    const id = new Uint8Array(16).map(() => Math.floor(this.#random() * 256))
    this.#exchange = ask(id, this.#oscillator.at(at))
    const next = nextAsk(
      this.#poll,
      {
        good: this.#lastGood,
        moved: this.#estimator.moved,
        growth: this.#clock.estimate?.growth ?? ppm(FREQUENCY_TOLERANCE_PPM),
      },
      this.#random(),
    )
    this.#poll = next.poll
    this.#lastGood = false
    this.#askAt = at + next.wait
    if (this.#random() < loss) return
    const masterError = (2 * this.#random() - 1) * masterBoundUs
    const there = at + baseDelayUs * outward + this.#random() * jitterUs
    const left = there + this.#random() * 2_000
    let back = left + baseDelayUs * (1 - outward) + this.#random() * jitterUs
    if (this.#random() < late) back += this.#random() * 30_000_000
    const reply: ClockReply = {
      id,
      t2: unixUs(ORIGIN + there + masterError),
      t3: unixUs(ORIGIN + left + masterError),
      masterBound: spanUs(masterBoundUs),
    }
    this.#flying.push({ at: back, reply })
    if (this.#random() < duplicate) {
      this.#flying.push({ at: back + this.#random() * 40_000_000, reply })
    }
  }

  #receive(reply: ClockReply, at: number): void {
    const mono = this.#oscillator.at(at)
    const { exchange, verdict } = answer(this.#exchange, reply, mono)
    this.#exchange = exchange
    if (verdict.sample === null) return
    this.#lastGood = verdict.ok
    this.#estimator = learn(this.#estimator, verdict.sample)
    const estimate = estimateAt(this.#estimator, mono)
    assert.ok(estimate !== null)
    this.#clock = steer(this.#clock, estimate, mono).clock
    this.check(at)
  }

  /** Checks: never back, and the truth within the bound. Returns whether it is synchronised. */
  check(at: number): { synchronised: boolean; errorUs: number } {
    const mono = this.#oscillator.at(at)
    const shown = timeAt(this.#clock, mono)
    assert.ok(shown >= this.#last, `back by ${this.#last - shown} us`)
    this.#last = shown
    const { state, bound } = qualityAt(this.#clock, mono)
    const errorUs = Math.abs(shown - (ORIGIN + at))
    if (state !== 'U') assert.ok(errorUs <= bound, `${state}: off by ${errorUs}, said ${bound}`)
    const { agentTime, clockBound, clockState } = stampAt(this.#clock, mono, monoUs(0))
    const stampError = Math.abs(agentTime - (ORIGIN + at) / 1_000)
    if (clockState !== 'U') assert.ok(stampError <= clockBound, 'the stamp keeps the promise too')
    return { synchronised: state === 'S', errorUs }
  }

  sleep(us: number): void {
    this.#clock = slept(this.#clock, this.#oscillator.at(this.#oscillator.trueUs))
    this.#oscillator.sleep(us)
    this.#estimator = withoutPhase(this.#estimator)
    this.#forget()
  }

  restart(pauseUs: number): void {
    this.#oscillator.restart(pauseUs)
    this.#clock = this.#begin(unixUs(this.#last))
    const first = timeAt(this.#clock, this.#oscillator.at(this.#oscillator.trueUs))
    assert.ok(Math.floor(first / 1e6) > Math.floor(this.#last / 1e6), 'that second was used')
    const known = frequencyOf(this.#estimator)
    this.#estimator = known === null ? KNOWS_NOTHING : remembering(known, spanMs(pauseUs / 1_000))
    this.#forget()
  }

  #forget(): void {
    this.#exchange = IDLE
    this.#poll = START_POLL
    this.#askAt = this.#oscillator.trueUs
  }
}

/** Lives one life, checking every promise ten times a second and after every correction. */
export function live(life: Life): { synchronised: number; worstUs: number } {
  const random = generator(life.seed)
  const oscillator = new Oscillator(life.driftPpm)
  const slave = new Slave(life, random, oscillator)
  let [synchronised, worstUs] = [0, 0]
  for (let i = 1; i <= life.seconds * 10; i += 1) {
    slave.step(oscillator.trueUs + STEP_US)
    oscillator.run(STEP_US)
    const seen = slave.check(oscillator.trueUs)
    if (i % 10 !== 0) continue
    const second = i / 10
    if (seen.synchronised) {
      synchronised += 1
      worstUs = Math.max(worstUs, seen.errorUs)
    }
    oscillator.wander((2 * random() - 1) * life.wanderPpm)
    if (life.sleepEvery > 0 && second % life.sleepEvery === 0) slave.sleep(random() * 9e7)
    if (life.restartEvery > 0 && second % life.restartEvery === 0) slave.restart(random() * 3e6)
  }
  return { synchronised, worstUs }
}
