// Draws bills as PDF, in a thread of its own: to draw one takes some 40 ms of processor time, and
// the master's loop, which runs in this process, answers the slaves' clocks. What was drawn is kept
// for a while under the hash of its content; who asks for the same meanwhile waits for the same
// drawing. One viewer can have few drawings in line, all together not many more.

import { createHash } from 'node:crypto'
import type { Worker } from 'node:worker_threads'
import { errorText, FaultError } from '../../../../shared/node/fault-error.ts'
import { endThread, startThread } from '../../../../shared/node/thread.ts'
import type { BillContent } from '../core/bill-content.ts'
import type { FromPress, ToPress } from './press-messages.ts'

/** Bytes of drawn pages that are kept, the least recently used go first: some 500 bills. */
const KEPT_BYTES_MAX = 16_777_216
/** Drawings in line, for viewers: two seconds of work. */
const LINE_MAX = 32
/** Drawings in line for one viewer: somebody who opens the bills of a few months at once. */
const LINE_PER_VIEWER_MAX = 4
/** Longest drawing, milliseconds; then its thread is ended. */
const DRAW_MS_MAX = 20_000
/** Time the thread gets to end by itself, milliseconds. */
const END_MS_MAX = 2_000
/** Heap of the thread, MiB: a bill needs 30 with its fonts. */
const HEAP_MIB_MAX = 192

/** OPS-23: this viewer asks for too many at once. OPS-32: all together do, or the thread ended. */
export type Drawn =
  | { readonly ok: true; readonly pdf: Uint8Array }
  | { readonly ok: false; readonly fault: 'OPS-23' | 'OPS-32' }

export interface Press {
  /** `viewer`: whose drawing it is, for the limits; null: ours, which has none. `logo`: the picture
   * that the bill names by its hash. */
  draw(bill: BillContent, viewer: string | null, logo?: Uint8Array | null): Promise<Drawn>
  close(): Promise<void>
}

interface Job {
  readonly key: string
  readonly bill: BillContent
  readonly logo: Uint8Array | null
  readonly viewer: string | null
  readonly drawn: Promise<Drawn>
  readonly settle: (drawn: Drawn) => void
}

const FAILED: Drawn = { ok: false, fault: 'OPS-32' }

/** Built, it is JavaScript; straight from the source it is not. */
const WORKER = new URL(
  import.meta.url.endsWith('.ts') ? './press-worker.ts' : './press-worker.js',
  import.meta.url,
)

/** OPS-32: what became of the thread. BIL-18: letters that no font draws. */
export type PressLog = (fault: 'OPS-32' | 'BIL-18', detail: string) => void

/** `U+13000`: the log may be read where the letter cannot be shown either. */
const codeOf = (letter: string): string =>
  `U+${(letter.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`

/** `worker`: another one for tests. */
export function openPress(log: PressLog, worker = WORKER): Press {
  return new ThreadPress(log, worker)
}

class ThreadPress implements Press {
  readonly #log: PressLog
  readonly #module: URL
  readonly #kept = new Map<string, Uint8Array>()
  #keptBytes = 0
  /** By key; the first one is being drawn. */
  readonly #line = new Map<string, Job>()
  #worker: Worker | null = null
  #drawing: { readonly id: number; readonly job: Job; readonly late: NodeJS.Timeout } | null = null
  #drawings = 0
  #closed = false

  constructor(log: PressLog, worker: URL) {
    this.#log = log
    this.#module = worker
  }

  draw(bill: BillContent, viewer: string | null, logo: Uint8Array | null = null): Promise<Drawn> {
    const key = createHash('sha256').update(JSON.stringify(bill)).digest('base64')
    const kept = this.#kept.get(key)
    if (kept !== undefined) {
      this.#kept.delete(key)
      this.#kept.set(key, kept)
      return Promise.resolve({ ok: true, pdf: kept })
    }
    const same = this.#line.get(key)
    if (same !== undefined) return same.drawn
    if (this.#closed) return Promise.resolve(FAILED)
    if (viewer !== null) {
      const own = [...this.#line.values()].filter((job) => job.viewer === viewer).length
      if (own >= LINE_PER_VIEWER_MAX) return Promise.resolve({ ok: false, fault: 'OPS-23' })
      if (this.#line.size >= LINE_MAX) return Promise.resolve(FAILED)
    }
    const { promise, resolve } = Promise.withResolvers<Drawn>()
    this.#line.set(key, { key, bill, logo, viewer, drawn: promise, settle: resolve })
    this.#next()
    return promise
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const job of this.#line.values()) job.settle(FAILED)
    this.#line.clear()
    this.#stopWaiting()
    const worker = this.#worker
    this.#worker = null
    if (worker !== null) await endThread(worker, { do: 'end' } satisfies ToPress, END_MS_MAX)
  }

  #next(): void {
    const [job] = this.#line.values()
    if (job === undefined || this.#drawing !== null) return
    this.#worker ??= this.#start()
    this.#drawings += 1
    const late = setTimeout(() => {
      void this.#worker?.terminate()
    }, DRAW_MS_MAX)
    this.#drawing = { id: this.#drawings, job, late }
    const order: ToPress = { do: 'draw', id: this.#drawings, bill: job.bill, logo: job.logo }
    this.#worker.postMessage(order, [])
  }

  #start(): Worker {
    const worker = startThread(this.#module, null, {
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB_MAX },
    })
    let why = 'it ended'
    worker.on('error', (error) => {
      why = errorText(error)
    })
    worker.on('message', (message: FromPress) => this.#take(message))
    worker.on('exit', () => {
      if (this.#worker !== worker) return
      this.#worker = null
      this.#log('OPS-32', `its thread: ${why}; another one draws the next`)
      this.#done(FAILED)
    })
    worker.unref()
    return worker
  }

  #take(message: FromPress): void {
    if (this.#drawing?.id !== message.id) return
    const name = `bill ${this.#drawing.job.bill.number}`
    if ('pdf' in message) {
      const { missing } = message
      if (missing.length > 0) this.#log('BIL-18', `${name}: ${missing.map(codeOf).join(' ')}`)
      this.#keep(this.#drawing.job.key, message.pdf)
      this.#done({ ok: true, pdf: message.pdf })
      return
    }
    this.#log('OPS-32', `${name}: ${message.failed}`)
    this.#done(FAILED)
  }

  #done(drawn: Drawn): void {
    const job = this.#drawing?.job
    this.#stopWaiting()
    if (job === undefined) return
    this.#line.delete(job.key)
    job.settle(drawn)
    if (!this.#closed) this.#next()
  }

  #stopWaiting(): void {
    clearTimeout(this.#drawing?.late)
    this.#drawing = null
  }

  #keep(key: string, pdf: Uint8Array): void {
    this.#kept.set(key, pdf)
    this.#keptBytes += pdf.length
    for (const [oldest, bytes] of this.#kept) {
      if (this.#keptBytes <= KEPT_BYTES_MAX) return
      this.#kept.delete(oldest)
      this.#keptBytes -= bytes.length
    }
  }
}

/** The page of a bill, for a notice. Rejects with OPS-32: it is tried again. */
export async function mustDraw(
  press: Press,
  bill: BillContent,
  logo: Uint8Array | null,
): Promise<Uint8Array> {
  const drawn = await press.draw(bill, null, logo)
  if (!drawn.ok) throw new FaultError(drawn.fault, `bill ${bill.number}`)
  return drawn.pdf
}
