// The book of every frame that a slave ever stored: what became of it in the ledger. A frame ends
// as its rows or as a named exception, never silently; what is neither waits in its outbox, or in
// an epoch or a run that was lost when a disk or a ledger was set back.

import { createHash } from 'node:crypto'
import { toHex } from '../../shared/bytes.ts'
import type { AcceptedFrame, DeviceId } from '../../shared/handover/sink.ts'
import { startOfSecond, type UnixMs } from '../../shared/units.ts'
import { decodeContent } from '../../shared/wire/content.ts'
import { decodeFrame } from '../../shared/wire/frame.ts'
import type { Opener } from '../../shared/wire/opener.ts'
import type { StoredFrame } from '../../services/slave/core/state/stored.ts'
import { hold } from './hold.ts'
import { streamKey } from './sink.ts'
import type { Sometimes } from './sometimes.ts'

/** Why the readings of a frame never come. */
export type Exception =
  | 'given up'
  | 'skipped'
  | 'unreadable'
  | 'epoch lost'
  | 'other history'
  | 'forgotten'

/** One frame as it was sealed. */
export interface Sealed {
  readonly hash: string
  readonly body: string
  readonly process: number
  readonly readings: number
  /** Profile intervals in it, each as meter and end. */
  readonly intervals: readonly string[]
  readonly spoilt: boolean
  /** By the slave's clock. */
  readonly sealedAt: UnixMs
  /** Durable, and a master knows: it must not be handed over again. */
  settled: boolean
  rotten: boolean
  /** The ledger had it, and was set back. */
  lost: boolean
  /** And the slave, which was told that it is durable, keeps it no longer than a week. */
  forgotten: boolean
}

interface Stream {
  readonly device: DeviceId
  readonly epoch: number
  readonly run: number
  /** By sequence, as the slave's disk knows them. */
  frames: Sealed[]
  /** What other histories, before the disk was set back, had at a sequence. */
  readonly older: Map<number, Sealed[]>
  /** It may have another history than the ledger's. */
  split: boolean
  /** Both copies of its opener rotted. */
  ruined: boolean
  opener: Opener | null
}

/** What was sealed, and where its readings are. */
export interface Accounts {
  readonly sealed: number
  readonly rows: number
  readonly exceptions: ReadonlyMap<Exception, number>
}

export const digestOf = (bytes: Uint8Array): string =>
  createHash('sha256').update(bytes).digest('base64')

export const intervalKey = (meter: string, end: number): string => `${meter} ${end}`

export class Book {
  /** Whether the ledger knows an epoch. */
  knows: (device: DeviceId, epoch: number) => boolean = () => true
  /** By digest of its body: what a frame says, from its sealing until it is stored. */
  readonly plaintexts = new Map<string, Uint8Array>()
  readonly spoilt = new Set<string>()
  readonly #streams = new Map<string, Stream>()
  /** How far the ledger has each stream. */
  #taken = new Map<string, number>()
  /** Frames that the ledger has as an exception, by stream and sequence. */
  #named = new Map<string, Exception>()
  readonly #disksSetBack = new Set<DeviceId>()
  #ledgerSetBack = false
  /** Runs whose end the master said is lost, by stream. */
  readonly #toldLost = new Set<string>()
  readonly #sometimes: (name: Sometimes) => void

  constructor(sometimes: (name: Sometimes) => void) {
    this.#sometimes = sometimes
  }

  /** The master said that the end of a run is gone there and forgotten by its slave (OPS-19). */
  told(stream: { readonly device: DeviceId; readonly epoch: number; readonly run: number }): void {
    this.#toldLost.add(streamKey(stream))
  }

  /** A disk took frames. */
  committed(
    device: DeviceId,
    process: number,
    frames: readonly StoredFrame[],
    originOf: (epoch: number) => UnixMs | undefined,
  ): void {
    for (const frame of frames) {
      const key = streamKey({ device, ...frame })
      const stream = this.#streams.get(key) ?? newStream(device, frame)
      const { length } = stream.frames
      const { sequence } = frame
      hold(sequence === length, 'outbox gap', `${key} has ${length}, not ${sequence}`)
      if (sequence === 0 && this.#leaves(device, process, frame)) this.#sometimes('run left')
      stream.frames.push(this.#sealed(stream, frame, process, originOf(frame.epoch)))
      this.#streams.set(key, stream)
    }
  }

  /** Whether this process sealed in an earlier run of the same epoch. */
  #leaves(device: DeviceId, process: number, { epoch, run }: StoredFrame): boolean {
    const before = this.#streams.get(streamKey({ device, epoch, run: run - 1 }))
    return before?.frames.at(-1)?.process === process
  }

  #sealed(stream: Stream, frame: StoredFrame, process: number, origin: UnixMs | undefined): Sealed {
    const body = digestOf(frame.body)
    const plaintext = this.plaintexts.get(body)
    const header = decodeFrame(frame.body)?.header
    const known = plaintext !== undefined && header !== undefined && origin !== undefined
    hold(known, 'sealed elsewhere', `nobody saw frame ${frame.sequence} being sealed`)
    this.plaintexts.delete(body)
    const begins = startOfSecond(origin, frame.second)
    const content = decodeContent(plaintext, header.count, { begins, opener: stream.opener })
    hold(content !== null, 'sealed nonsense', `frame ${frame.sequence} cannot be read`)
    if (content.kind === 'opener') stream.opener = content
    const groups = content.kind === 'readings' ? content.groups : []
    const readings = groups.flatMap((group) => group.readings)
    return {
      hash: toHex(frame.hash),
      body,
      process,
      readings: readings.length,
      intervals: readings.flatMap(({ meter, meterTime }) =>
        meterTime === null ? [] : [intervalKey(meter, meterTime)],
      ),
      spoilt: this.spoilt.has(body),
      settled: false,
      rotten: false,
      lost: false,
      sealedAt: frame.sealedAt,
      forgotten: false,
    }
  }

  /** A frame as the slave has it. */
  at(device: DeviceId, place: Pick<StoredFrame, 'epoch' | 'run' | 'sequence'>): Sealed | undefined {
    return this.#streams.get(streamKey({ device, ...place }))?.frames[place.sequence]
  }

  /** The ledger is given a frame, or what stands for some. Null: it has it already. */
  takes({ position, content }: AcceptedFrame, sure: boolean): Sealed | null {
    const key = streamKey(position)
    const { sequence, hash } = position
    const stream = this.#streams.get(key)
    const same = [stream?.frames[sequence], ...(stream?.older.get(sequence) ?? [])].filter(
      (frame) => frame !== undefined,
    )
    const sealed = same.find((frame) => frame.hash === toHex(hash))
    hold(stream !== undefined && same.length > 0, 'forged', `${key} ${sequence} was never stored`)
    hold(sealed !== undefined, 'altered', `${key} ${sequence}`)
    hold(!sealed.settled, 'accepted twice', `${key} ${sequence}`)
    sealed.settled = sure
    const first = content.kind === 'given-up' ? content.first : sequence
    const next = this.#taken.get(key) ?? 0
    hold(first <= next, 'gap in the ledger', `${key}: ${first} behind ${next - 1}`)
    if (sequence < next) return null
    if (first === 0) this.#inOrder(stream)
    if (sealed.lost) this.#sometimes('sent again')
    sealed.lost = false
    this.#taken.set(key, sequence + 1)
    this.#note(key, stream, { first, next, sequence, content, sealed })
    return sealed
  }

  /** Exceptions, each with the reason that it must have. */
  #note(
    key: string,
    stream: Stream,
    taken: {
      readonly first: number
      readonly next: number
      readonly sequence: number
      readonly content: AcceptedFrame['content']
      readonly sealed: Sealed
    },
  ): void {
    const { first, next, sequence, content, sealed } = taken
    switch (content.kind) {
      case 'opener':
        return
      case 'readings': {
        const rows = content.groups.reduce((sum, { readings }) => sum + readings.length, 0)
        const all = rows === sealed.readings
        hold(all, 'not as it was sealed', `${key} ${sequence}: ${rows} of ${sealed.readings} rows`)
        return
      }
      case 'given-up':
        this.#sometimes('tombstone sent')
        if (first === 0 && stream.ruined) this.#sometimes('run given up')
        if (content.reason === 'forgotten') this.#sometimes('frames forgotten')
        for (let at = first; at <= sequence; at += 1) {
          const rotten = stream.ruined || stream.frames[at]?.rotten === true
          const why = content.reason === 'forgotten' ? this.#ledgerSetBack : rotten
          hold(why, 'given up though whole', `${key} ${at} as ${content.reason}`)
          // What an unsure statement made durable stays: its rows are in the ledger.
          if (at >= next) this.#named.set(`${key} ${at}`, 'given up')
        }
        return
      case 'sealed':
        this.#sometimes('skip sent')
        if (sequence === 0) this.#sometimes('opener skipped')
        hold(sealed.spoilt, 'skipped though it opens', `${key} ${sequence}`)
        this.#named.set(`${key} ${sequence}`, 'skipped')
        return
      case 'unreadable': {
        const readable = stream.frames[0]?.spoilt !== true
        hold(!readable, 'not as it was sealed', `${key} ${sequence} is unreadable`)
        this.#named.set(`${key} ${sequence}`, 'unreadable')
      }
    }
  }

  /** A run begins: those before it in its epoch are whole, since the master takes nothing of
   * them now. */
  #inOrder({ device, epoch, run }: Stream): void {
    for (const [key, stream] of this.#streams) {
      const earlier = stream.device === device && stream.epoch === epoch && stream.run < run
      if (!earlier || stream.split) continue
      const taken = this.#taken.get(key) ?? 0
      const { length } = stream.frames
      const gone = stream.frames.slice(taken)
      // A ledger that was set back lacks them, the slave forgot them, and the master said so.
      const told = this.#toldLost.has(key) && gone.every(({ lost }) => lost)
      for (const frame of told ? gone : []) frame.forgotten = true
      hold(told || taken === length, 'run left behind', `${key} at ${taken} of ${length}`)
    }
  }

  /** Every frame ever stored is in the ledger, or still in its outbox, or lost for a reason that
   * has a name. */
  accounted(
    device: DeviceId,
    disk: {
      readonly holds: (run: number, sequence: number) => boolean
      readonly tidiedBefore: number
    },
  ): void {
    for (const [key, stream] of this.#streams) {
      if (stream.device !== device || this.#excuse(stream) !== null) continue
      for (let at = this.#taken.get(key) ?? 0; at < stream.frames.length; at += 1) {
        const frame = stream.frames[at]
        if (frame === undefined || frame.rotten || disk.holds(stream.run, at)) continue
        frame.forgotten = frame.lost && frame.sealedAt < disk.tidiedBefore
        hold(frame.forgotten, 'lost', `${key} ${at} is in no outbox and no ledger`)
      }
    }
  }

  /** The first stream of which the ledger lacks frames that must still come. */
  lacking(device: DeviceId): string | null {
    for (const [key, stream] of this.#streams) {
      if (stream.device !== device || this.#excuse(stream) !== null) continue
      const taken = this.#taken.get(key) ?? 0
      if (stream.frames.slice(taken).some((frame) => !frame.forgotten))
        return `${key} at ${taken} of ${stream.frames.length}`
    }
    return null
  }

  /** Why what the ledger does not have of a stream never comes; null: it must come. */
  #excuse({ device, epoch, split }: Stream): Exception | null {
    if (split) return 'other history'
    const setBack = this.#ledgerSetBack || this.#disksSetBack.has(device)
    return setBack && !this.knows(device, epoch) ? 'epoch lost' : null
  }

  /** Whether frames of this run must still reach the ledger. */
  owed(device: DeviceId, place: { readonly epoch: number; readonly run: number }): boolean {
    const stream = this.#streams.get(streamKey({ device, ...place }))
    return stream === undefined || this.#excuse(stream) === null
  }

  /** Profile intervals in frames that never come. */
  excepted(): ReadonlySet<string> {
    const intervals = new Set<string>()
    for (const { frame, exception } of this.#fates()) {
      if (exception !== null) for (const interval of frame.intervals) intervals.add(interval)
    }
    return intervals
  }

  /** Each frame with the exception that stands for it; null: its rows are in the ledger. */
  *#fates(): Generator<{ frame: Sealed; exception: Exception | null }> {
    for (const [key, stream] of this.#streams) {
      const excuse = this.#excuse(stream)
      const taken = this.#taken.get(key) ?? 0
      for (const [at, frame] of stream.frames.entries()) {
        const named = this.#named.get(`${key} ${at}`) ?? null
        const there = stream.split ? frame.settled : at < taken
        const missing = excuse ?? (frame.forgotten ? 'forgotten' : null)
        yield { frame, exception: there ? named : missing }
      }
    }
  }

  /** To be asked when nothing waits any more: all that was sealed, and where it is. */
  accounts(): Accounts {
    const exceptions = new Map<Exception, number>()
    let [sealed, rows] = [0, 0]
    for (const { frame, exception } of this.#fates()) {
      sealed += frame.readings
      if (exception === null) rows += frame.readings
      else exceptions.set(exception, (exceptions.get(exception) ?? 0) + frame.readings)
    }
    return { sealed, rows, exceptions }
  }

  /** A frame came back damaged, or not at all; `both`: its second copy too. */
  rots(
    device: DeviceId,
    place: Pick<StoredFrame, 'epoch' | 'run' | 'sequence'>,
    both: boolean,
  ): void {
    const stream = this.#streams.get(streamKey({ device, ...place }))
    const frame = stream?.frames[place.sequence]
    if (stream === undefined || frame === undefined) return
    frame.rotten = true
    if (place.sequence === 0 && both) stream.ruined = true
  }

  /** The ledger as it is now; what comes back says that it is like that again. */
  backup(): () => void {
    const [taken, named] = [new Map(this.#taken), new Map(this.#named)]
    return () => {
      const before = this.#taken
      this.#taken = new Map(taken)
      this.#named = new Map(named)
      this.#ledgerSetBack = true
      for (const [key, stream] of this.#streams) {
        const from = taken.get(key) ?? 0
        if (!this.knows(stream.device, stream.epoch) && (before.get(key) ?? 0) > from) {
          this.#sometimes('epoch lost')
        }
        for (const [at, frame] of stream.frames.entries()) {
          if (at < from) continue
          frame.settled = false
          frame.lost ||= at < (before.get(key) ?? 0)
        }
      }
    }
  }

  /** A disk knows the runs that `lastOf` tells, up to that sequence, and none of the others. */
  diskSetBack(device: DeviceId, lastOf: (run: number) => number): void {
    this.#disksSetBack.add(device)
    for (const stream of this.#streams.values()) {
      if (stream.device !== device) continue
      const kept = lastOf(stream.run) + 1
      for (let at = kept; at < stream.frames.length; at += 1) {
        const frame = stream.frames[at]
        if (frame !== undefined) stream.older.set(at, [...(stream.older.get(at) ?? []), frame])
        stream.split = true
      }
      stream.frames = stream.frames.slice(0, kept)
    }
  }

  get anyMayFork(): boolean {
    return this.#disksSetBack.size > 0
  }

  /** Whether a slave may find that the master holds another history than its own. */
  mayFork(device: DeviceId): boolean {
    return this.#disksSetBack.has(device)
  }
}

const newStream = (device: DeviceId, { epoch, run }: StoredFrame): Stream => ({
  device,
  epoch,
  run,
  frames: [],
  older: new Map(),
  split: false,
  ruined: false,
  opener: null,
})
