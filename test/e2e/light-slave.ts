// A slave without a disk of its own and without a meter line: the real agent and the real link,
// so that a thousand of them fit into one process. Its meter counts 1, 2, 3 ..., so that a
// reading that is lost or stored twice shows.

import { startAgent } from '../../services/slave/core/agent.ts'
import type { AgentAction, AgentEvent } from '../../services/slave/core/state/events.ts'
import type { StoredFrame } from '../../services/slave/core/state/stored.ts'
import { type Link, openLink } from '../../services/slave/shell/link/link.ts'
import type { FaultCode } from '../../shared/faults.ts'
import { ACTIVE_IMPORT_TOTAL } from '../../shared/meter/obis.ts'
import { type Reading, UNIT } from '../../shared/meter/reading.ts'
import { nodeRandom, nodeSuite } from '../../shared/node/node-suite.ts'
import { systemClock } from '../../shared/node/system-clock.ts'
import type { Random } from '../../shared/bytes.ts'
import { decodeToken } from '../../shared/tves/token.ts'
import { Disk } from '../sim/disk.ts'

const TICK_MS = 250
const FRAMES_MAX = 1_000_000

export interface LightPlan {
  readonly meter: string
  readonly token: string
  readonly port: number
  readonly everyMs: number
  readonly random?: Random
  readonly onFrames?: (frames: readonly StoredFrame[]) => void
}

export class LightSlave {
  readonly disk = new Disk(FRAMES_MAX)
  readonly faults: FaultCode[] = []
  /** Links left without a fault. */
  moves = 0
  /** Readings taken from the meter. */
  taken = 0
  reads = true
  readonly #plan: LightPlan
  readonly #agent
  readonly #timer: NodeJS.Timeout
  #link: Link | null = null
  #queue: AgentEvent[] = []
  #draining = false
  #stopped = false

  constructor(plan: LightPlan) {
    this.#plan = plan
    this.#agent = startAgent({
      suite: nodeSuite,
      random: plan.random ?? nodeRandom,
      stored: this.disk.load(),
      token: decodeToken(plan.token),
      meters: [{ meter: plan.meter, everyMs: plan.everyMs, push: false, history: false }],
      wall: systemClock.wall(),
      mono: systemClock.mono(),
    })
    this.connect()
    this.#timer = setInterval(() => this.#post({ on: 'tick' }), TICK_MS)
  }

  get view() {
    return this.#agent.view(systemClock.mono())
  }

  /** Everything taken is durable at the master. */
  get drained(): boolean {
    const { backlog, answersWaiting, transactionsWaiting } = this.view
    return backlog.frames + answersWaiting + transactionsWaiting === 0
  }

  connect(): void {
    const address = { kind: 'tcp', host: '127.0.0.1', port: this.#plan.port } as const
    this.#link = openLink(
      address,
      {
        onUp: () => this.#post({ on: 'link-up' }),
        onDown: () => this.#post({ on: 'link-down' }),
        onUnreachable: () => {},
        onBody: (body, at) => this.#post({ on: 'body', body, at }),
        onSent: (made, at) => this.#post({ on: 'sent', made, at }),
      },
      { clock: () => systemClock.mono(), random: Math.random },
    )
  }

  /** Pulls the cable; the meter is still read. */
  disconnect(): void {
    this.#link?.close()
    this.#link = null
    this.#post({ on: 'link-down' })
  }

  stop(): void {
    this.#stopped = true
    clearInterval(this.#timer)
    this.#link?.close()
  }

  #post(event: AgentEvent): void {
    if (this.#stopped) return
    this.#queue.push(event)
    if (this.#draining) return
    this.#draining = true
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      for (const action of this.#agent.step(next, systemClock.mono())) this.#perform(action)
    }
    this.#draining = false
  }

  #perform(action: AgentAction): void {
    switch (action.do) {
      case 'send':
        this.#link?.send(action.body, action.made)
        return
      case 'commit': {
        const verdict = this.disk.commit(action.commit)
        this.#plan.onFrames?.(action.commit.frames ?? [])
        this.#queue.push(
          verdict.ok
            ? { on: 'committed', backlog: verdict.backlog, trimmed: verdict.trimmed }
            : { on: 'commit-failed', fault: verdict.fault },
        )
        return
      }
      case 'fetch': {
        const { query } = action
        this.#queue.push({ on: 'fetched', epoch: query.epoch, found: this.disk.fetch(query) })
        return
      }
      case 'drop':
        if (action.fault === null) this.moves += 1
        else this.faults.push(action.fault)
        this.#link?.drop(action.fault, action.detail)
        return
      case 'read':
        if (this.reads) this.#read(action.meter)
        else this.#queue.push({ on: 'read-failed', meter: action.meter, request: 'now' })
        return
      case 'report':
        this.faults.push(action.fault)
        return
      case 'read-history':
      case 'read-clock':
      case 'change-clock':
        return
    }
  }

  #read(meter: string): void {
    this.taken += 1
    const reading: Reading = {
      meter,
      register: ACTIVE_IMPORT_TOTAL,
      value: this.taken,
      exponent: 0,
      unit: UNIT.Wh,
      source: 'live',
      meterTime: null,
      checked: true,
    }
    const at = systemClock.mono()
    const readings = [reading]
    this.#queue.push({ on: 'readings', meter, readings, request: 'now', at, more: false })
  }
}
