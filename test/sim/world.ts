// Virtual time: one heap of events, ordered by instant and then by insertion. Two runs that insert
// the same events run them in the same order.

import type { Sometimes } from './sometimes.ts'

/** Microseconds of true time since 1970; no clock in this world knows it exactly. */
export type TrueUs = number

interface Entry {
  readonly at: TrueUs
  readonly order: number
  readonly name: string
  readonly happen: () => void
}

/** Events remembered for the report of a failure. */
const RECENT_MAX = 30

export const SECOND = 1_000_000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

export class World {
  now: TrueUs
  events = 0
  /** When a leap second is inserted; Infinity: never. */
  leapAt: TrueUs = Number.POSITIVE_INFINITY
  /** What happened that must happen in some world, and how often. */
  readonly seen = new Map<Sometimes, number>()
  readonly #heap: Entry[] = []
  readonly #recent: { at: TrueUs; name: string }[] = []
  #order = 0

  constructor(start: TrueUs) {
    this.now = start
  }

  /** UTC, counted as Unix time counts: it stands for the second that is inserted. */
  utc(): TrueUs {
    return this.now < this.leapAt ? this.now : Math.max(this.leapAt, this.now - SECOND)
  }

  /** This happened, now. */
  sometimes(name: Sometimes): void {
    this.seen.set(name, (this.seen.get(name) ?? 0) + 1)
  }

  /** Runs `happen` in `delay` microseconds; never, when the delay is infinite. */
  after(delay: number, name: string, happen: () => void): void {
    if (!Number.isFinite(delay)) return
    this.#order += 1
    const at = this.now + Math.max(0, Math.floor(delay))
    this.#push({ at, order: this.#order, name, happen })
  }

  /** Runs `happen` repeatedly, each time after a new `wait`, the first time too. */
  every(wait: () => number, name: string, happen: () => void): void {
    this.after(wait(), name, () => {
      happen()
      this.every(wait, name, happen)
    })
  }

  runUntil(end: TrueUs): void {
    for (;;) {
      const entry = this.#heap[0]
      if (entry === undefined || entry.at > end) break
      this.#pop()
      this.now = entry.at
      this.events += 1
      if (entry.name !== '') this.note(entry.name)
      entry.happen()
    }
    this.now = end
  }

  /** Records that this happened now. */
  note(name: string): void {
    this.#recent.push({ at: this.now, name })
    if (this.#recent.length > RECENT_MAX) this.#recent.shift()
  }

  /** The last things that happened, oldest first. */
  recent(): readonly string[] {
    return this.#recent.map(({ at, name }) => `${new Date(at / 1_000).toISOString()} ${name}`)
  }

  #push(entry: Entry): void {
    const heap = this.#heap
    let at = heap.length
    heap.push(entry)
    while (at > 0) {
      const up = (at - 1) >> 1
      const parent = heap[up]
      if (parent === undefined || !before(entry, parent)) break
      heap[at] = parent
      at = up
    }
    heap[at] = entry
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let at = 0
    for (;;) {
      const left = 2 * at + 1
      const first = heap[left]
      if (first === undefined) break
      const second = heap[left + 1]
      const takesRight = second !== undefined && before(second, first)
      const child = takesRight ? second : first
      if (!before(child, last)) break
      heap[at] = child
      at = takesRight ? left + 1 : left
    }
    heap[at] = last
  }
}

const before = (a: Entry, b: Entry): boolean => a.at < b.at || (a.at === b.at && a.order < b.order)
