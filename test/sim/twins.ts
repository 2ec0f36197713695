// A copied disk, started twice in one second without a network: the same history lived twice, as
// when a snapshot is restored. Even so, the two must never seal with the same key and nonce; the
// observer's suite checks that.

import { startAgent } from '../../services/slave/core/agent.ts'
import type { Stored } from '../../services/slave/core/state/stored.ts'
import type { Suite } from '../../shared/tves/suite.ts'
import type { Random } from '../../shared/bytes.ts'
import { monoUs, unixUs } from '../../shared/units.ts'
import { hold } from './hold.ts'
import type { ModelMeter } from './meters.ts'
import { SECOND, type TrueUs } from './world.ts'

interface Copy {
  readonly stored: Stored
  readonly meter: ModelMeter
  /** Watched. */
  readonly suite: Suite
  readonly random: Random
  readonly now: TrueUs
}

export function liveTwice({ stored, meter, suite, random, now }: Copy): void {
  if (!stored.epochs.some(({ state }) => state === 'committed')) return
  const mono = monoUs(now)
  const plan = { meter: meter.number, everyMs: 60_000, push: true, history: false }
  for (const earlier of [0, SECOND]) {
    const wall = unixUs(now)
    const agent = startAgent({ suite, random, stored, token: null, meters: [plan], wall, mono })
    const readings = meter.now(now - earlier)
    const said = { on: 'readings', meter: meter.number, request: 'push', more: false } as const
    const actions = agent.step({ ...said, readings, at: mono }, mono)
    const sealed = actions.some(({ do: what }) => what === 'commit' || what === 'report')
    hold(sealed, 'twins', 'a copy with an epoch seals what it reads')
  }
}
