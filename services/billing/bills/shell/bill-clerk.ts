// Looks at every period that is over, each for itself, and issues what is ready: at once, or when
// somebody says so. There is no date on which a run happens and nothing that all wait for: a period
// is a row in the database until it is billed or exempted, however often this process starts.

import type { Kysely } from 'kysely'
import type { FaultCode } from '../../../../shared/faults.ts'
import { errorText } from '../../../../shared/node/fault-error.ts'
import type { Log } from '../../../../shared/node/log.ts'
import type { UnixMs } from '../../../../shared/units.ts'
import type { Utility } from '../core/bill-content.ts'
import type { BillOrders } from '../core/issuer.ts'
import { monthsReady, ordersOf, settleOrder } from '../db/orders.ts'
import { type Look, lookAtDue } from '../db/looking.ts'
import { type BillRun, issueBills } from '../db/run.ts'
import { tileMarked, tileMonths } from '../db/tiling.ts'
import type { Database } from '../../store/schema.ts'
import type { NoticeWorker } from '../../notices/shell/notice-worker.ts'

/** Between two rounds, milliseconds. A round with nothing to do is three small statements. */
const ROUND_MS = 2_000
/** How often the zones are asked whether a month has ended there, milliseconds. */
const MONTHS_MS = 60_000
/** Share of the time that is spent on looking again at what has been looked at in vain: one part
 * in so many. */
const AGAIN_SHARE = 10

/** Who issues what nobody clicked. */
const CLERK = 'the bill clerk'

export interface BillClerk {
  stop(): Promise<void>
}

export interface ClerkTask {
  readonly db: Kysely<Database>
  readonly orders: () => Promise<BillOrders>
  readonly now: () => UnixMs
  readonly worker: Pick<NoticeWorker, 'wake'>
  readonly log: Log
}

export function startBillClerk(task: ClerkTask): BillClerk {
  const { log } = task
  const ending = new AbortController()
  const clerk = new Clerk(task, ending.signal)
  let wake = Promise.withResolvers<void>()
  const running = (async () => {
    while (!ending.signal.aborted) {
      wake = Promise.withResolvers<void>()
      try {
        await clerk.round()
      } catch (error) {
        log.fault('OPS-08', `bill run: ${errorText(error)}`)
      }
      const timer = setTimeout(wake.resolve, ROUND_MS)
      await wake.promise
      clearTimeout(timer)
    }
  })()
  return {
    stop: async () => {
      ending.abort()
      wake.resolve()
      await running
    },
  }
}

class Clerk {
  readonly #task: ClerkTask
  readonly #signal: AbortSignal
  #monthsAt = Number.NEGATIVE_INFINITY
  /** When what was looked at in vain may be looked at again. */
  #againAt = Number.NEGATIVE_INFINITY
  #toldNameless = false

  constructor(task: ClerkTask, signal: AbortSignal) {
    this.#task = task
    this.#signal = signal
  }

  async round(): Promise<void> {
    await this.#cut()
    await this.#look()
    await this.#issue()
  }

  async #cut(): Promise<void> {
    const { db, now, log } = this.#task
    if (performance.now() - this.#monthsAt >= MONTHS_MS) {
      const zones = await tileMonths(db, now())
      if (zones.length > 0) log.info('a month is over', { zones: zones.join(' ') })
      this.#monthsAt = performance.now()
    }
    while (!this.#signal.aborted && (await tileMarked(db, now())) > 0);
  }

  /** Everything that is new or changed; then what waits, for its share of the time. */
  async #look(): Promise<void> {
    const { db, now } = this.#task
    const looks: Look[] = []
    const pass = async (fresh: boolean): Promise<void> => {
      for (;;) {
        const look = await lookAtDue(db, { now: now(), fresh })
        looks.push(look)
        if (this.#signal.aborted || look.looked === 0) return
      }
    }
    await pass(true)
    if (performance.now() >= this.#againAt) {
      const from = performance.now()
      await pass(false)
      this.#againAt = performance.now() + (performance.now() - from) * (AGAIN_SHARE - 1)
    }
    this.#tell(looks)
  }

  /** One line for each thing that keeps more bills than before, and one for those that can go. */
  #tell(looks: readonly Look[]): void {
    const { log } = this.#task
    const found = new Map<FaultCode, { count: number; detail: string }>()
    let ready = 0
    for (const { state, code, detail } of looks.flatMap(({ turns }) => turns)) {
      if (state === 'ready') ready += 1
      if (code === null) continue
      const known = found.get(code)
      found.set(code, { count: (known?.count ?? 0) + 1, detail: known?.detail ?? detail })
    }
    if (ready > 0) log.info('bills ready', { ready })
    for (const [code, { count, detail }] of found) {
      const also = count === 1 ? '' : ` and ${count - 1} others`
      log.fault(code, `${detail}${also}`)
    }
  }

  async #issue(): Promise<void> {
    const { db, now, orders } = this.#task
    const { utility, issuing } = await orders()
    if (issuing === 'automatic') {
      for (const month of await monthsReady(db)) {
        const every = { only: null, readyBy: null, asShown: false }
        const run = await this.#attempt(utility, () =>
          issueBills(db, { month, ...every, now: now(), utility, by: CLERK }),
        )
        if (run === null || this.#signal.aborted) return
      }
      return
    }
    for (const { month, at, by } of await ordersOf(db)) {
      const shown = { only: null, readyBy: at, asShown: true }
      const run = await this.#attempt(utility, () =>
        issueBills(db, { month, ...shown, now: now(), utility, by }),
      )
      if (run === null || this.#signal.aborted) return
      await settleOrder(db, month, at)
    }
  }

  /** Null: nothing can be issued while the utility has no name; said once. */
  async #attempt(utility: Utility | null, run: () => Promise<BillRun>): Promise<BillRun | null> {
    const { log, worker } = this.#task
    if (utility === null) {
      if (!this.#toldNameless) log.fault('BIL-19', 'bills are ready')
      this.#toldNameless = true
      return null
    }
    this.#toldNameless = false
    const done = await run()
    if (done.issued > 0) {
      log.info('bills issued', { issued: done.issued })
      worker.wake()
    }
    for (const { fault, detail } of done.examples) log.fault(fault, detail)
    return done
  }
}
