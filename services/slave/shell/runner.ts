// Runs the agent: carries its actions to disk, link and meters, and brings back their results. It
// handles one event at a time, in order; whatever the agent asks of the disk is done before the
// next event is looked at.

import { hasSlept } from '../../../shared/clock/estimate/sleep.ts'
import type { FaultCode } from '../../../shared/faults.ts'
import { collectGarbage } from '../../../shared/node/garbage.ts'
import type { Log } from '../../../shared/node/log.ts'
import type { SystemClock } from '../../../shared/node/system-clock.ts'
import { unreachable } from '../../../shared/assert.ts'
import { elapsedUs, type MonoUs, spanUs } from '../../../shared/units.ts'
import type { Agent } from '../core/agent.ts'
import type { AgentAction, AgentEvent, AgentView } from '../core/state/events.ts'
import type { MeterPlan } from '../core/state/plan.ts'
import type { Stored } from '../core/state/stored.ts'
import type { LinkHandlers } from './link/link.ts'
import type { LineConfig } from './meters/line-config.ts'
import type { LineEvent, MeterLine } from './meters/line-event.ts'
import type { Outbox } from './outbox/outbox.ts'

/** What the runner needs of a link (link/link.ts). */
export interface RunnerLink {
  send(body: Uint8Array, made: MonoUs | null): boolean
  drop(fault: FaultCode | null, detail: string): void
  close(): Promise<void>
}

export interface RunnerSetup {
  readonly outbox: Outbox
  readonly lines: readonly LineConfig[]
  readonly clock: SystemClock
  readonly log: Log
  readonly startAgent: (stored: Stored) => Agent
  readonly openLink: (handlers: LinkHandlers) => RunnerLink
  readonly openLine: (config: LineConfig, onEvent: (event: LineEvent) => void) => MeterLine
}

/** The agent wants to be woken about four times a second. */
const TICK_MS = 250
/** A handshake's keys are collected so long after it, milliseconds. */
const FORGET_MS = 2_000
/** How often a status line is logged, milliseconds. */
const STATUS_MS = 60_000
/** Profile rows asked for at once: they fill about one frame. */
const HISTORY_ROWS_MAX = 480

/** How each meter on these lines is read. */
export const plansOf = (lines: readonly LineConfig[]): readonly MeterPlan[] =>
  lines.flatMap((line) => {
    const { everyMs, history, profileIntervalMs, standardOffsetMinutes } = line
    const { poll, clockRead } = line.protocol.can
    const zone = spanUs(standardOffsetMinutes * 60_000_000)
    const plan = {
      everyMs,
      push: !poll,
      history,
      ...(profileIntervalMs === null ? {} : { profileIntervalMs }),
      ...(clockRead ? { clock: { keep: line.clock, zone } } : {}),
    }
    return line.meters.map((meter) => ({ meter, ...plan }))
  })

export class Runner {
  readonly #setup: RunnerSetup
  readonly #queue: AgentEvent[] = []
  readonly #lines: readonly MeterLine[]
  readonly #lineOf = new Map<string, MeterLine>()
  readonly #link: RunnerLink
  readonly #timers: NodeJS.Timeout[]
  readonly #agent: Agent
  #awake: { readonly mono: MonoUs; readonly sinceBoot: ReturnType<SystemClock['sinceBoot']> }
  #clockTimer: NodeJS.Timeout | undefined
  #forgetTimer: NodeJS.Timeout | undefined
  #draining = false
  #stopped = false
  /** The agent ended this link and reported why. */
  #dropped = false

  constructor(setup: RunnerSetup) {
    this.#setup = setup
    this.#awake = this.#readClocks()
    this.#agent = setup.startAgent(setup.outbox.load())
    this.#lines = setup.lines.map((line) => {
      const opened = setup.openLine(line, (event) => this.#takeLineEvent(event))
      for (const meter of line.meters) this.#lineOf.set(meter, opened)
      return opened
    })
    this.#link = setup.openLink({
      onUp: () => {
        this.#dropped = false
        this.#post({ on: 'link-up' })
      },
      onDown: (fault, detail) => {
        if (fault === null || this.#dropped) setup.log.info(`link ended: ${detail}`)
        else this.#fault(fault, detail)
        this.#post({ on: 'link-down' })
      },
      onUnreachable: (detail) => this.#fault('WIR-07', detail),
      onBody: (body, at) => this.#post({ on: 'body', body, at }),
      onSent: (made, at) => this.#post({ on: 'sent', made, at }),
    })
    this.#timers = [
      setInterval(() => this.#post({ on: 'tick' }), TICK_MS),
      setInterval(() => this.#logStatus(), STATUS_MS),
    ]
    this.#post({ on: 'tick' })
  }

  view(): AgentView {
    return this.#agent.view(this.#setup.clock.mono())
  }

  /** Closes meters, link and outbox, in this order. Nothing is lost: only what was stored was
   * promised. */
  async stop(): Promise<void> {
    if (this.#stopped) return
    for (const timer of this.#timers) clearInterval(timer)
    clearTimeout(this.#clockTimer)
    clearTimeout(this.#forgetTimer)
    await Promise.all(this.#lines.map((line) => line.close()))
    this.#logStatus()
    this.#stopped = true
    const sent = this.#link.close()
    this.#setup.outbox.close()
    await sent
  }

  #post(event: AgentEvent): void {
    if (this.#stopped) return
    this.#queue.push(event)
    if (this.#draining) return
    this.#draining = true
    try {
      this.#noticeSleep()
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
        for (const action of this.#agent.step(next, this.#setup.clock.mono())) this.#perform(action)
      }
    } finally {
      this.#draining = false
    }
  }

  /** An epoch was founded: the keys of the handshake that founded it go for good. Not at once: it
   * is just being answered. */
  #forgetSoon(): void {
    clearTimeout(this.#forgetTimer)
    this.#forgetTimer = setTimeout(collectGarbage, FORGET_MS)
  }

  #readClocks() {
    return { mono: this.#setup.clock.mono(), sinceBoot: this.#setup.clock.sinceBoot() }
  }

  /** Goes before all other events: the agent may use no time before it knows of the sleep. */
  #noticeSleep(): void {
    const now = this.#readClocks()
    if (!hasSlept(this.#awake, now)) return
    this.#awake = now
    this.#queue.unshift({ on: 'slept' })
  }

  #perform(action: AgentAction): void {
    switch (action.do) {
      case 'send':
        // If it is not accepted, the link is down or going down, and the agent will hear of that.
        this.#link.send(action.body, action.made ?? null)
        return
      case 'commit': {
        const verdict = this.#setup.outbox.commit(action.commit)
        if (verdict.ok) {
          if (action.commit.epochs?.some(({ state }) => state === 'pending')) this.#forgetSoon()
          const { backlog, trimmed, tooOld } = verdict
          this.#queue.push({ on: 'committed', backlog, trimmed })
          if (tooOld > 0) this.#fault('OPS-14', `${tooOld} frames`)
          return
        }
        this.#setup.log.fault(verdict.fault, verdict.detail)
        this.#queue.push({ on: 'commit-failed', fault: verdict.fault })
        return
      }
      case 'fetch': {
        const { query } = action
        const found = this.#setup.outbox.fetch(query)
        this.#queue.push({ on: 'fetched', epoch: query.epoch, found })
        return
      }
      case 'drop':
        this.#dropped = true
        this.#link.drop(action.fault, action.detail)
        return
      case 'read':
        this.#lineOf.get(action.meter)?.read(action.meter)
        return
      case 'read-history': {
        const { meter, from, to } = action
        this.#lineOf.get(meter)?.readHistory(meter, from, to, HISTORY_ROWS_MAX)
        return
      }
      case 'read-clock':
        this.#readClock(action.meter, action.at)
        return
      case 'change-clock': {
        const { meter, change, at } = action
        this.#lineOf.get(meter)?.changeClock(meter, change, at)
        return
      }
      case 'report':
        this.#setup.log.fault(action.fault, action.detail)
        return
      default:
        unreachable(action)
    }
  }

  /** The agent chose the instant that teaches it most; it waits for one clock at a time. */
  #readClock(meter: string, at: MonoUs): void {
    clearTimeout(this.#clockTimer)
    const waitMs = Math.round(elapsedUs(this.#setup.clock.mono(), at) / 1_000)
    const read = (): void => this.#lineOf.get(meter)?.readClock(meter)
    if (waitMs > 0) this.#clockTimer = setTimeout(read, waitMs)
    else read()
  }

  #takeLineEvent(event: LineEvent): void {
    switch (event.on) {
      case 'readings':
      case 'clock-read':
      case 'clock-changed':
        this.#post(event)
        return
      case 'failed':
        this.#post({ on: 'read-failed', meter: event.meter, request: event.request })
        return
      case 'fault':
        this.#setup.log.fault(
          event.fault,
          event.detail,
          event.meter === null ? {} : { meter: event.meter },
          event.rare,
        )
        this.#post({ on: 'meter-fault', fault: event.fault })
        return
      default:
        unreachable(event)
    }
  }

  /** Logs a fault that the agent has not seen, and has it counted for the master. */
  #fault(fault: FaultCode, detail: string): void {
    this.#setup.log.fault(fault, detail)
    this.#post({ on: 'meter-fault', fault })
  }

  #logStatus(): void {
    if (this.#stopped) return
    const { device, linked, clockState, clockBoundMs, backlog } = this.view()
    this.#setup.log.info('status', {
      device: device ?? 'not enrolled',
      linked,
      clock: clockState,
      clockBoundMs,
      waiting: backlog.frames,
      waitingKb: Math.ceil(backlog.bytes / 1_024),
    })
  }
}
