// Our NTP client as the head-end's clock thread runs it, with a single source, and access to what
// it believes.

import type { Association, Polls } from '../../shared/clock/ntp/association.ts'
import { type Estimate, KNOWS_NOTHING } from '../../shared/clock/estimate/estimator.ts'
import type { FaultCode } from '../../shared/faults.ts'
import { openWallClock } from '../../shared/node/wall-edges.ts'
import { systemClock } from '../../shared/node/system-clock.ts'
import { Upstream } from '../../services/master/shell/time/upstream.ts'

/** The association itself decides when to ask. */
const TICK_MS = 50
/** One question a second: tests and benches cannot wait longer. */
const EACH_SECOND: Polls = { min: 0, max: 0 }

export interface Following {
  readonly name?: string
  readonly kind?: 'ntp' | 'nts'
  /** On loopback: of NTP or of the key establishment. */
  readonly port: number
  /** PEM. */
  readonly authorities?: readonly string[]
}

export class Follower {
  readonly faults: FaultCode[] = []
  /** Answers that brought a sample. */
  learned = 0
  readonly #wall = openWallClock()
  readonly #upstream: Upstream
  readonly #ticks: NodeJS.Timeout

  constructor({ name = 'a', kind = 'ntp', port, authorities = [] }: Following) {
    this.#upstream = new Upstream({
      source: { name, kind, host: '127.0.0.1', port },
      polls: EACH_SECOND,
      estimator: KNOWS_NOTHING,
      authorities,
      mono: systemClock.mono,
      ours: () => new Set(),
      onLearned: () => {
        this.learned += 1
      },
      onFault: (code) => this.faults.push(code),
    })
    this.#ticks = setInterval(() => this.#upstream.tick(systemClock.mono()), TICK_MS)
  }

  get association(): Association | null {
    return this.#upstream.association
  }

  estimate(at = systemClock.mono()): Estimate | null {
    return this.#upstream.view(at).estimate
  }

  /** Estimate minus the system's clock, microseconds; null while nothing is known. */
  errorUs(): number | null {
    const at = systemClock.mono()
    const estimate = this.estimate(at)
    if (estimate === null) return null
    const aged = (at - estimate.mono) * (1 + estimate.frequency * 1e-6)
    return estimate.utc + aged - this.#wall.at(at).at
  }

  close(): void {
    clearInterval(this.#ticks)
    this.#wall.close()
    this.#upstream.close()
  }
}
