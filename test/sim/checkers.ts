// What must hold in every world, whatever fails. The observer sees both sides: what meters said,
// what each outbox holds, what the ledger took. A broken rule ends the run at once.

import { createHash } from 'node:crypto'
import { toHex } from '../../shared/bytes.ts'
import type { FaultCode } from '../../shared/faults.ts'
import type { AcceptedFrame, DeviceId, ProcessAnchor } from '../../shared/handover/sink.ts'
import type { Reading, ReadingGroup } from '../../shared/meter/reading.ts'
import { CLOCK_BOUND_UNKNOWN, type Stamp } from '../../shared/clock/clock-state.ts'
import type { Suite } from '../../shared/tves/suite.ts'
import type { UnixMs } from '../../shared/units.ts'
import { expandBody } from '../../shared/wire/compact.ts'
import { decodeFrame, type FrameHeader, isFrame } from '../../shared/wire/frame.ts'
import { retime } from '../../services/billing/readings/core/retiming.ts'
import type { StoredFrame } from '../../services/slave/core/state/stored.ts'
import { Book, digestOf, intervalKey } from './book.ts'
import { hold } from './hold.ts'
import { saying } from './meters.ts'
import { streamKey } from './sink.ts'
import type { Sometimes } from './sometimes.ts'
import type { TrueUs } from './world.ts'

/** When an answer came, by UTC, and how far off an agent may be that has not heard of a leap
 * second yet, ms. */
interface Truth {
  readonly at: TrueUs
  readonly unawareMs: number
  /** Its process began before the leap second. */
  readonly elder: boolean
}

interface Taken {
  readonly processMs: number
  readonly truth: TrueUs
  readonly unsure: boolean
  readonly elder: boolean
}

export class Observer {
  readonly refused = new Map<FaultCode, number>()
  readonly reported = new Map<FaultCode, number>()
  /** Revoked for so long that nothing of theirs can still be on its way to the ledger. */
  readonly banned = new Set<DeviceId>()
  /** A thief spoke in one of their sessions. */
  readonly robbed = new Set<DeviceId>()
  /** Every static public key that the master ever had, in hex. */
  readonly masterKeys = new Set<string>()
  rows = 0
  frames = 0
  /** Frames sent with the compact header. */
  compact = 0
  /** Frames the ledger was given again. */
  repeats = 0
  readonly #digest = createHash('sha256')
  readonly book: Book
  /** Rows in the ledger, as it is now. */
  held = 0
  /** The last second of UTC that is counted twice; Infinity: none is. */
  leapAt: TrueUs = Number.POSITIVE_INFINITY
  /** Last second sealed, by device and epoch. */
  readonly #seconds = new Map<string, number>()
  readonly #said = new Set<string>()
  readonly #truth = new Map<string, Truth>()
  /** Profile intervals in the ledger, with the register's value. */
  #intervals = new Map<string, number>()
  /** Header of the frame that a link was given last. */
  readonly #sentBefore = new WeakMap<object, FrameHeader>()
  readonly #sealedWith = new Map<string, string>()
  anchors = 0
  /** Which process a stream's opener names; of each process the last anchor and its readings. */
  #processNamed = new Map<string, string>()
  readonly #ties = new Map<string, ProcessAnchor>()
  readonly #stamps = new Map<string, Taken[]>()
  readonly #sometimes: (name: Sometimes) => void

  constructor(sometimes: (name: Sometimes) => void) {
    this.#sometimes = sometimes
    this.book = new Book(sometimes)
  }

  /** Watches every frame that is sealed: one (key, nonce) for one text. `keep`: they are going to
   * be stored. */
  watch(suite: Suite, keep = false): Suite {
    return {
      ...suite,
      aead: (key) => {
        const inner = suite.aead(key)
        const name = toHex(key)
        return {
          open: (nonce, aad, sealed) => inner.open(nonce, aad, sealed),
          seal: (nonce, aad, plaintext, head) => {
            const sealed = inner.seal(nonce, aad, plaintext, head)
            if (aad.length > FRAME_AAD_MIN) {
              const digest = digestOf(sealed)
              this.#nonce(`${name} ${toHex(nonce)}`, digest)
              if (keep) this.book.plaintexts.set(digest, plaintext.slice())
            }
            return sealed
          },
        }
      },
    }
  }

  #nonce(place: string, sealed: string): void {
    const before = this.#sealedWith.get(place)
    hold(before === undefined || before === sealed, 'nonce reused', place)
    this.#sealedWith.set(place, sealed)
  }

  /** A meter's answer is handed to the agent; it came at `at`. */
  meterSaid(
    answer: Truth & { device: DeviceId; process: number; processMs: number },
    readings: readonly Reading[],
  ): void {
    for (const reading of readings) this.#said.add(saying(reading))
    const { device, process, processMs } = answer
    this.#truth.set(`${device} ${process} ${processMs}`, answer)
  }

  committed(
    device: DeviceId,
    process: number,
    frames: readonly StoredFrame[],
    originOf: (epoch: number) => UnixMs | undefined,
  ): void {
    this.book.committed(device, process, frames, originOf)
    for (const frame of frames) {
      const epoch = `${device} ${frame.epoch}`
      const before = this.#seconds.get(epoch) ?? 0
      const { second } = frame
      hold(second >= before, 'index went back', `${epoch}: ${second} after ${before}`)
      this.#seconds.set(epoch, second)
    }
  }

  /** A disk was set back: its seconds begin anew where its key tree stands. */
  diskSetBack(device: DeviceId, lastOf: (run: number) => number): void {
    this.book.diskSetBack(device, lastOf)
    for (const epoch of this.#seconds.keys()) {
      if (epoch.startsWith(device)) this.#seconds.delete(epoch)
    }
  }

  /** The ledger as it is now; what comes back says that it is like that again. */
  backup(): () => void {
    const back = this.book.backup()
    const [intervals, named] = [new Map(this.#intervals), new Map(this.#processNamed)]
    const { held } = this
    return () => {
      this.#intervals = new Map(intervals)
      this.#processNamed = new Map(named)
      this.held = held
      back()
    }
  }

  /** A slave sends a body: a frame must be durable before, and always be the same bytes, whatever
   * is left out of its header on this link. */
  sends(device: DeviceId, link: object, line: Uint8Array): void {
    if (!isFrame(line)) return
    const body = expandBody(this.#sentBefore.get(link) ?? null, line)
    const header = body === null ? undefined : decodeFrame(body)?.header
    hold(body !== null && header !== undefined, 'sent no frame', toHex(line.subarray(0, 24)))
    this.#sentBefore.set(link, header)
    if (body !== line) {
      this.compact += 1
      this.#sometimes('compact header')
    }
    const sealed = this.book.at(device, header)
    hold(sealed !== undefined, 'sent before it was stored', `sequence ${header.sequence}`)
    hold(sealed.body === digestOf(body), 'sent other bytes', `sequence ${header.sequence}`)
  }

  /** The ledger is given a frame; `sure`: the master that gave it will know. */
  takes(frame: AcceptedFrame, sure: boolean): void {
    const { position, content, late } = frame
    const key = streamKey(position)
    hold(!this.banned.has(position.device), 'revoked', `${key} ${position.sequence} was taken`)
    const sealed = this.book.takes(frame, sure)
    if (sealed === null) {
      this.repeats += 1
      this.#sometimes('given again')
      return
    }
    this.frames += 1
    this.#digest.update(`${key} ${position.sequence} ${sealed.hash}\n`)
    if (content.kind === 'opener') {
      this.#processNamed.set(key, `${position.device} ${content.process}`)
    }
    if (content.kind !== 'readings') return
    if (late) this.#sometimes('frame late')
    for (const group of content.groups) this.#group(key, position.device, sealed.process, group)
  }

  #group(key: string, device: DeviceId, process: number, { stamp, readings }: ReadingGroup): void {
    const truth = this.#truth.get(`${device} ${process} ${stamp.processMs}`)
    hold(truth !== undefined, 'stamp', `no answer came at ${stamp.processMs} ms of that process`)
    const error = Math.abs(truth.at / 1_000 - stamp.agentTime)
    // The truth is remembered to the millisecond of the process's own clock.
    const unknown = stamp.clockState === 'U' || stamp.clockBound >= CLOCK_BOUND_UNKNOWN
    const bounded = unknown || error <= stamp.clockBound + 1 + truth.unawareMs
    hold(bounded, 'clock bound', `${stamp.clockState} ${error} ms, states ${stamp.clockBound}`)
    this.#stamped(key, stamp, truth)
    for (const reading of readings) this.#row(device, reading)
  }

  #row(device: DeviceId, reading: Reading): void {
    const row = saying(reading)
    hold(this.#said.has(row), 'forged reading', row)
    this.rows += 1
    this.held += 1
    this.#digest.update(`${row}\n`)
    if (reading.source !== 'profile') return
    const interval = intervalKey(reading.meter, reading.meterTime ?? Number.NaN)
    const known = this.#intervals.get(interval)
    // A disk that was set back reads again what it had read: the same row, which is stored once.
    const again = this.book.mayFork(device) && known === reading.value
    hold(known === undefined || again, 'interval twice', interval)
    this.#intervals.set(interval, reading.value)
  }

  /** The register at an interval's end, as the ledger has it. */
  registered(meter: string, end: number): number | null {
    return this.#intervals.get(intervalKey(meter, end)) ?? null
  }

  hasInterval(meter: string, end: number): boolean {
    return this.#intervals.has(intervalKey(meter, end))
  }

  /** When nothing waits any more: rows and named exceptions together are what was sealed, neither
   * more nor less. Where a disk was set back the ledger also has rows of the history that it
   * forgot. */
  audit(): void {
    if (this.book.anyMayFork) return
    const { sealed, rows, exceptions } = this.book.accounts()
    const named = [...exceptions.values()].reduce((sum, count) => sum + count, 0)
    const whole = rows === this.held && rows + named === sealed
    hold(whole, 'accounts', `${sealed} sealed, ${this.held} in the ledger, ${named} excepted`)
  }

  /** The master hands on an anchor: it dates every reading of its process that came so far. */
  anchored(device: DeviceId, anchor: ProcessAnchor): void {
    const key = `${device} ${anchor.process}`
    this.#ties.set(key, anchor)
    this.anchors += 1
    for (const taken of this.#stamps.get(key) ?? []) this.#dated(anchor, taken)
  }

  #stamped(streamed: string, stamp: Stamp, { at, elder }: Truth): void {
    const key = this.#processNamed.get(streamed)
    if (key === undefined) return
    const unsure = stamp.clockState !== 'S'
    const taken = { processMs: stamp.processMs, truth: at, unsure, elder }
    const stamps = this.#stamps.get(key) ?? []
    stamps.push(taken)
    this.#stamps.set(key, stamps)
    const anchor = this.#ties.get(key)
    if (anchor !== undefined) this.#dated(anchor, taken)
  }

  #dated(anchor: ProcessAnchor, { processMs, truth, unsure, elder }: Taken): void {
    const time = retime(processMs, null, [anchor])
    hold(time !== null, 'dated', 'an anchor dates every reading of its process')
    const error = Math.abs(truth / 1_000 - time.at)
    // An anchor counts on evenly: it cannot know of a leap second in between, and a process that
    // began before that may not have heard of it when it gave one.
    const leap = elder && Math.max(truth, anchor.utc * 1_000) >= this.leapAt ? 1_000 : 0
    const right = error <= time.bound + 1 + leap
    hold(right, 'anchor', `${error} ms off, within ${time.bound} it says`)
    if (unsure) this.#sometimes('retimed')
  }

  report(device: DeviceId, code: FaultCode): void {
    if (code === 'SEC-FORK') {
      const told = this.robbed.has(device)
      hold(this.book.mayFork(device) || told, 'fork', `${device} reported SEC-FORK`)
      this.#sometimes(this.book.mayFork(device) ? 'fork found' : 'fork invented')
    }
    if (code === 'SEC-16') this.#sometimes('certificate refused')
    this.reported.set(code, (this.reported.get(code) ?? 0) + 1)
  }

  refuse(code: FaultCode): void {
    if (code === 'SEC-02') this.#sometimes('frame ahead')
    if (code === 'SEC-16') this.#sometimes('certificate refused')
    this.refused.set(code, (this.refused.get(code) ?? 0) + 1)
  }

  /** Digest over rows in their order and all counters. */
  digest(): string {
    for (const counts of [this.refused, this.reported]) {
      const sorted = [...counts].sort(([a], [b]) => (a < b ? -1 : 1))
      for (const [code, count] of sorted) this.#digest.update(`${code} ${count}\n`)
    }
    return this.#digest.update(`${this.rows} ${this.repeats}`).digest('hex')
  }
}

/** Associated data of anything but a frame is at most a transcript hash of 32 bytes. */
export const FRAME_AAD_MIN = 32
