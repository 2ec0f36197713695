// When to write what a master reports at any rate: at most once a second, one write after the
// other, and as long as something waits.

/** Shortest time between two writes, milliseconds: pages refresh no faster. */
const FLUSH_MS = 1_000

interface Flushed {
  /** Must not reject. What it could not write keeps waiting. */
  write(): Promise<void>
  /** Something is left to write. */
  waits(): boolean
}

export class Flush {
  readonly #flushed: Flushed
  #timer: NodeJS.Timeout | null = null
  #writing: Promise<void> = Promise.resolve()
  #closed = false

  constructor(flushed: Flushed) {
    this.#flushed = flushed
  }

  /** Call when there is something to write. */
  wake(): void {
    if (this.#timer !== null || this.#closed) return
    this.#timer = setTimeout(() => {
      this.#writing = this.#flushed.write().finally(() => {
        this.#timer = null
        if (this.#flushed.waits()) this.wake()
      })
    }, FLUSH_MS)
    this.#timer.unref()
  }

  /** Writes what is left. */
  async close(): Promise<void> {
    this.#closed = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    await this.#writing
    await this.#flushed.write()
  }
}
