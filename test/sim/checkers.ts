// What must hold in every world, whatever fails. The observer sees both sides: what meters said,
// what each outbox holds, what the ledger took. A broken rule ends the run at once.

import { createHash } from 'node:crypto'
import { toHex } from '../../shared/bytes.ts'
import type { FaultCode } from '../../shared/faults.ts'
import type { AcceptedFrame, DeviceId, ProcessAnchor } from '../../shared/handover/sink.ts'
import type { Reading, ReadingGroup } from '../../shared/meter/reading.ts'
import { CLOCK_BOUND_UNKNOWN, type Stamp } from '../../shared/clock/clock-state.ts'
import type { Suite } from '../../shared/tves/suite.ts'
import { expandBody } from '../../shared/wire/compact.ts'
import { decodeFrame, type FrameHeader, isFrame } from '../../shared/wire/frame.ts'
import { retime } from '../../services/billing/readings/core/retiming.ts'
import type { StoredFrame } from '../../services/slave/core/state/stored.ts'
import { saying } from './meters.ts'
import { streamKey } from './sink.ts'
import type { TrueUs } from './world.ts'

/** A rule that did not hold; `rule` names it. */
export class Broken extends Error {
  override readonly name = 'Broken'
}

export function hold(condition: boolean, rule: string, detail: string): asserts condition {
  if (!condition) throw new Broken(`${rule}: ${detail}`)
}

interface Sealed {
  readonly hash: string
  readonly body: string
  /** The sink said so, and a master knows: nobody may hand it over again. */
  settled: boolean
}

interface Taken {
  readonly processMs: number
  readonly truth: TrueUs
}

const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('base64')

export class Observer {
  readonly refused = new Map<FaultCode, number>()
  readonly reported = new Map<FaultCode, number>()
  /** Revoked for so long that nothing of theirs can still be on its way to the ledger. */
  readonly banned = new Set<DeviceId>()
  rows = 0
  frames = 0
  /** Frames sent with the compact header. */
  compact = 0
  /** Frames the ledger was given again. */
  repeats = 0
  readonly #digest = createHash('sha256')
  /** Every frame ever committed to an outbox, by stream and sequence. */
  readonly #sealed = new Map<string, Sealed[]>()
  /** Last second sealed, by device and epoch. */
  readonly #seconds = new Map<string, number>()
  /** How far the ledger has each stream. */
  readonly #taken = new Map<string, number>()
  readonly #said = new Set<string>()
  readonly #truth = new Map<string, TrueUs>()
  readonly #processOf = new Map<string, number>()
  /** Profile intervals in the ledger, with the register's value. */
  readonly #intervals = new Map<string, number>()
  /** Header of the frame that a link was given last. */
  readonly #sentBefore = new WeakMap<object, FrameHeader>()
  readonly #sealedWith = new Map<string, string>()
  anchors = 0
  /** Which process a stream's opener names; of each process the last anchor and its readings. */
  readonly #processNamed = new Map<string, string>()
  readonly #ties = new Map<string, ProcessAnchor>()
  readonly #stamps = new Map<string, Taken[]>()

  /** Watches every frame that is sealed: one (key, nonce) for one text. */
  watch(suite: Suite): Suite {
    return {
      ...suite,
      aead: (key) => {
        const inner = suite.aead(key)
        const name = toHex(key)
        return {
          open: (nonce, aad, sealed) => inner.open(nonce, aad, sealed),
          seal: (nonce, aad, plaintext, head) => {
            const sealed = inner.seal(nonce, aad, plaintext, head)
            if (aad.length > FRAME_AAD_MIN) this.#nonce(`${name} ${toHex(nonce)}`, digestOf(sealed))
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
    answer: { device: DeviceId; process: number; processMs: number; at: TrueUs },
    readings: readonly Reading[],
  ): void {
    for (const reading of readings) this.#said.add(saying(reading))
    this.#truth.set(`${answer.device} ${answer.process} ${answer.processMs}`, answer.at)
  }

  committed(device: DeviceId, process: number, frames: readonly StoredFrame[]): void {
    for (const frame of frames) {
      const key = streamKey({ device, ...frame })
      const stream = this.#sealed.get(key) ?? []
      const { sequence } = frame
      hold(sequence === stream.length, 'outbox gap', `${key} has ${stream.length}, not ${sequence}`)
      stream.push({ hash: toHex(frame.hash), body: digestOf(frame.body), settled: false })
      const epoch = `${device} ${frame.epoch}`
      const before = this.#seconds.get(epoch) ?? 0
      hold(frame.second >= before, 'index went back', `${key}: ${frame.second} after ${before}`)
      this.#seconds.set(epoch, frame.second)
      this.#sealed.set(key, stream)
      this.#processOf.set(key, process)
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
    if (body !== line) this.compact += 1
    const sealed = this.#sealed.get(streamKey({ device, ...header }))?.[header.sequence]
    hold(sealed !== undefined, 'sent before it was stored', `sequence ${header.sequence}`)
    hold(sealed.body === digestOf(body), 'sent other bytes', `sequence ${header.sequence}`)
  }

  /** The ledger is given a frame; `sure`: the master that gave it will know. */
  takes({ position, content }: AcceptedFrame, sure: boolean): void {
    const key = streamKey(position)
    const { sequence } = position
    hold(!this.banned.has(position.device), 'revoked', `${key} ${sequence} was taken`)
    const sealed = this.#sealed.get(key)?.[sequence]
    hold(sealed !== undefined, 'forged', `${key} ${sequence} was never stored by the slave`)
    hold(!sealed.settled, 'accepted twice', `${key} ${sequence}`)
    hold(sealed.hash === toHex(position.hash), 'altered', `${key} ${sequence}`)
    sealed.settled = sure
    const next = this.#taken.get(key) ?? 0
    hold(sequence <= next, 'gap in the ledger', `${key}: ${sequence} behind ${next - 1}`)
    if (sequence < next) {
      this.repeats += 1
      return
    }
    if (sequence === 0) this.#inOrder(position)
    this.#taken.set(key, next + 1)
    this.frames += 1
    this.#digest.update(`${key} ${sequence} ${sealed.hash}\n`)
    // No disk here loses what it held and no ledger is set back: nobody on the line can bring a
    // slave to give up a frame, or a master to keep one shut.
    const { kind } = content
    hold(kind === 'readings' || kind === 'opener', 'not as it was sealed', `${kind} ${key}`)
    if (content.kind === 'opener') {
      this.#processNamed.set(key, `${position.device} ${content.process}`)
    }
    if (content.kind !== 'readings') return
    for (const group of content.groups) this.#group(key, position.device, group)
  }

  #group(key: string, device: DeviceId, { stamp, readings }: ReadingGroup): void {
    const truth = this.#truth.get(`${device} ${this.#processOf.get(key)} ${stamp.processMs}`)
    hold(truth !== undefined, 'stamp', `no answer came at ${stamp.processMs} ms of that process`)
    const error = Math.abs(truth / 1_000 - stamp.agentTime)
    // The truth is remembered to the millisecond of the process's own clock.
    const unknown = stamp.clockState === 'U' || stamp.clockBound >= CLOCK_BOUND_UNKNOWN
    const bounded = unknown || error <= stamp.clockBound + 1
    hold(bounded, 'clock bound', `${stamp.clockState} ${error} ms, states ${stamp.clockBound}`)
    this.#stamped(key, stamp, truth)
    for (const reading of readings) this.#row(reading)
  }

  /** A run begins: those before it in its epoch are whole, since the master takes nothing of
   * them now. */
  #inOrder({ device, epoch, run }: AcceptedFrame['position']): void {
    for (const [key, stream] of this.#sealed) {
      const [owner, ofEpoch, earlier] = key.split(' ')
      if (owner !== device || Number(ofEpoch) !== epoch || Number(earlier) >= run) continue
      const taken = this.#taken.get(key) ?? 0
      hold(taken === stream.length, 'run left behind', `${key} at ${taken} of ${stream.length}`)
    }
  }

  #row(reading: Reading): void {
    const row = saying(reading)
    hold(this.#said.has(row), 'forged reading', row)
    this.rows += 1
    this.#digest.update(`${row}\n`)
    if (reading.source !== 'profile') return
    const interval = `${reading.meter} ${reading.meterTime}`
    hold(!this.#intervals.has(interval), 'interval twice', interval)
    this.#intervals.set(interval, reading.value)
  }

  /** The register at an interval's end, as the ledger has it. */
  registered(meter: string, end: number): number | null {
    return this.#intervals.get(`${meter} ${end}`) ?? null
  }

  hasInterval(meter: string, end: number): boolean {
    return this.#intervals.has(`${meter} ${end}`)
  }

  /** Every frame ever stored is in the ledger or still in its outbox. */
  accounted(device: DeviceId, holds: (run: number, sequence: number) => boolean): void {
    for (const [key, stream] of this.#sealed) {
      if (!key.startsWith(device)) continue
      const run = Number(key.split(' ')[2])
      for (let sequence = this.#taken.get(key) ?? 0; sequence < stream.length; sequence += 1) {
        hold(holds(run, sequence), 'lost', `${key} ${sequence} is in no outbox and no ledger`)
      }
    }
  }

  /** The master hands on an anchor: it dates every reading of its process that came so far. */
  anchored(device: DeviceId, anchor: ProcessAnchor): void {
    const key = `${device} ${anchor.process}`
    this.#ties.set(key, anchor)
    this.anchors += 1
    for (const taken of this.#stamps.get(key) ?? []) this.#dated(anchor, taken)
  }

  #stamped(streamed: string, stamp: Stamp, truth: TrueUs): void {
    const key = this.#processNamed.get(streamed)
    if (key === undefined) return
    const taken = { processMs: stamp.processMs, truth }
    const stamps = this.#stamps.get(key) ?? []
    stamps.push(taken)
    this.#stamps.set(key, stamps)
    const anchor = this.#ties.get(key)
    if (anchor !== undefined) this.#dated(anchor, taken)
  }

  #dated(anchor: ProcessAnchor, { processMs, truth }: Taken): void {
    const time = retime(processMs, null, [anchor])
    hold(time !== null, 'dated', 'an anchor dates every reading of its process')
    const error = Math.abs(truth / 1_000 - time.at)
    hold(error <= time.bound + 1, 'anchor', `${error} ms off, within ${time.bound} it says`)
  }

  report(code: FaultCode): void {
    hold(code !== 'SEC-FORK', 'fork', 'a slave reported SEC-FORK')
    this.reported.set(code, (this.reported.get(code) ?? 0) + 1)
  }

  refuse(code: FaultCode): void {
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
const FRAME_AAD_MIN = 32
