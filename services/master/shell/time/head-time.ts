// The head-end's clock as its main thread sees it: a thread keeps it and is restarted when it ends;
// the time is computed here at the instant it is asked for. It never goes back, and continues at
// the last estimate while the thread is down.

import type { Worker } from 'node:worker_threads'
import { POLLS } from '../../../../shared/clock/ntp/association.ts'
import type { FaultCode } from '../../../../shared/faults.ts'
import type { HeadClockReport } from '../../../../shared/clock/evidence.ts'
import { errorText, FaultError } from '../../../../shared/node/fault-error.ts'
import { systemClock } from '../../../../shared/node/system-clock.ts'
import { endThread, startThread } from '../../../../shared/node/thread.ts'
import { elapsedUs, type MonoUs, shiftUs, spanUsToMs, unixUs } from '../../../../shared/units.ts'
import type { Now } from '../../core/state.ts'
import { type SharedClock, sharedNow } from '../../core/head-clock.ts'
import type { FromTime, TimeThreadData, ToTime } from './time-messages.ts'

/** Pause before a thread that ended is restarted, milliseconds: long enough that a bug which ends
 * it at once does not eat the machine. */
const RESTART_MS = 1_000
/** Longest such pause, and the lifetime after which it is short again: the interval servers expect
 * between a client's questions. */
const RESTART_MS_MAX = 64_000
/** Time the thread gets to end by itself, milliseconds. */
const CLOSE_MS_MAX = 2_000

/** What the clock follows; polls and the rest default to what an operator needs. */
export type TimeOptions = Pick<TimeThreadData, 'ntp' | 'sources' | 'systemBound'> &
  Partial<Pick<TimeThreadData, 'authorities' | 'polls' | 'driftFile'>>

export interface HeadTimeHandlers {
  readonly onReport: (report: HeadClockReport) => void
  readonly onFault: (code: FaultCode, detail: string) => void
}

/** Pause before the next thread when the last one lived for `lived`, milliseconds: each new thread
 * polls every source anew, so a short life doubles it. */
export const pauseAfter = (before: number, lived: number): number =>
  lived >= RESTART_MS_MAX ? RESTART_MS : Math.max(RESTART_MS, Math.min(2 * before, RESTART_MS_MAX))

export class HeadTime {
  readonly #data: Omit<TimeThreadData, 'shared'>
  readonly #handlers: HeadTimeHandlers
  #worker: Worker | null = null
  #shared: SharedClock | null = null
  #ntpPort: number | null = null
  #last = unixUs(0)
  #restart: NodeJS.Timeout | null = null
  #pause = 0
  #closing = false

  private constructor(options: TimeOptions, handlers: HeadTimeHandlers) {
    const { authorities = [], polls = POLLS, driftFile = null } = options
    const { ntp, sources, systemBound } = options
    this.#data = { ntp, sources, systemBound, authorities, polls, driftFile }
    this.#handlers = handlers
  }

  /** Resolves when the thread is running and knows a time. OPS-03: the NTP port is taken. */
  static async open(options: TimeOptions, handlers: HeadTimeHandlers): Promise<HeadTime> {
    const time = new HeadTime(options, handlers)
    try {
      await time.#start()
      return time
    } catch (error) {
      // Nobody will close it.
      await time.close()
      throw error
    }
  }

  get ntpPort(): number | null {
    return this.#ntpPort
  }

  /** The time now and its bound; and the time at `arrived`, the arrival of what is processed
   * now. */
  now(arrived?: MonoUs): Now {
    if (this.#shared === null) throw new Error('broken promise: there is a time before it is asked')
    const mono = systemClock.mono()
    const { at, bound } = sharedNow(this.#shared, { mono, sinceBoot: systemClock.sinceBoot() })
    this.#last = unixUs(Math.max(this.#last, at))
    const now = { at: this.#last, bound: bound === null ? null : bound + (this.#last - at) }
    if (arrived === undefined) return now
    // Counted back from now: the bound holds for it too, however the clock was slewed meanwhile.
    return { ...now, arrived: shiftUs(now.at, elapsedUs(mono, arrived)) }
  }

  async close(): Promise<void> {
    this.#closing = true
    if (this.#restart !== null) clearTimeout(this.#restart)
    const message: ToTime = { do: 'close' }
    if (this.#worker !== null) await endThread(this.#worker, message, CLOSE_MS_MAX)
  }

  #start(): Promise<void> {
    const workerData: TimeThreadData = { ...this.#data, shared: this.#shared }
    const worker = startThread(new URL('./time-worker.js', import.meta.url), workerData)
    this.#worker = worker
    const begun = systemClock.mono()
    let trouble = ''
    worker.on('error', (error) => {
      trouble = errorText(error)
    })
    return new Promise((resolve, reject) => {
      worker.on('message', (message: FromTime) => {
        if (message.on === 'ready') resolve()
        if (message.on === 'failed') {
          trouble = message.detail
          // At the start this ends it; later, another process took the port while the thread was
          // down.
          void worker.terminate()
          reject(new FaultError(message.fault, message.detail))
        }
        this.#take(message)
      })
      worker.on('exit', (code) => {
        this.#worker = null
        if (this.#closing) return
        this.#handlers.onFault('OPS-26', trouble || `exit code ${code}`)
        reject(new FaultError('OPS-26', trouble))
        const lived = spanUsToMs(elapsedUs(begun, systemClock.mono()))
        this.#pause = pauseAfter(this.#pause, lived)
        this.#restart = setTimeout(() => void this.#start().catch(() => {}), this.#pause)
      })
    })
  }

  #take(message: FromTime): void {
    switch (message.on) {
      case 'ready':
        this.#ntpPort = message.ntpPort
        return
      case 'clock':
        this.#shared = message.shared
        return
      case 'report':
        this.#handlers.onReport(message.report)
        return
      case 'fault':
        this.#handlers.onFault(message.code, message.detail)
        return
      case 'failed':
        return
    }
  }
}
