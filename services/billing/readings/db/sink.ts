// The sink: where a frame's readings and its stream position become durable.
//
// One writer. While its transaction runs, frames queue; the next transaction takes all of them (up
// to a limit). Under light load a frame commits alone within a millisecond; under heavy load one
// flush serves a hundred frames; no timer has to choose. Nothing is acknowledged from memory: when
// a transaction fails, every frame in it is refused and forgotten here, and its slave resends it.

import type { Pool } from 'pg'
import {
  type AcceptedFrame,
  type DeviceId,
  type ProcessAnchor,
  readingsIn,
  type Sink,
} from '../../../../shared/handover/sink.ts'
import type { Reading } from '../../../../shared/meter/reading.ts'
import type { Stamp } from '../../../../shared/clock/clock-state.ts'
import { FaultError, errorCode, errorText } from '../../../../shared/node/fault-error.ts'
import { type UnixMs, betweenMs, unixMs } from '../../../../shared/units.ts'
import { fromText } from '../../../../shared/bytes.ts'
import { type Previous, isCumulative, bitsAgainstPrevious, bitsOfReading } from '../core/quality.ts'
import { Catalog, type RegisterSighting, type Sighting, registerKey } from './catalog.ts'
import { LastValues } from './last-values.ts'
import { ensurePartition, monthOf } from './partitions.ts'
import { blamesRows } from '../../store/apart.ts'
import { reach } from '../../store/pool.ts'
import { ProcessBook, ProcessRows } from './processes.ts'
import { placeOf } from './reading-rows.ts'
import { KEY_METER, Rows } from './rows.ts'

const DAY_MS = 86_400_000
/** Readings in one transaction: about 0.1 s of work, no acknowledgement waits longer. */
const BATCH_ROWS_MAX = 10_000
/** Readings that may wait for the running transaction, about 150 MB. The master holds its links
 * long before that; beyond it, the caller is not the master. */
const QUEUED_ROWS_MAX = 1_000_000
/** Frames that may wait, whatever they carry (openers carry nothing). */
const QUEUED_FRAMES_MAX = 20_000
/** How old a reading may be, milliseconds: meters keep profiles of two years at most (800 days).
 * Older ones, and ones from the future, never create a partition. */
const AGE_MS_MAX = 800 * DAY_MS

/** After a batch with readings that were there already (a slave resends what was not acknowledged),
 * this many further batches are stored expecting the same. */
const REPEAT_BATCHES = 16

interface Waiting {
  readonly frames: readonly AcceptedFrame[]
  readonly rows: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Every reading of a frame with its stamp and its number within the frame. */
function eachReading(
  { content }: AcceptedFrame,
  take: (reading: Reading, stamp: Stamp, item: number) => void,
): void {
  if (content.kind !== 'readings') return
  let item = 0
  for (const { stamp, readings } of content.groups) {
    for (const reading of readings) {
      take(reading, stamp, item)
      item += 1
    }
  }
}

/** The time a reading is stored under: the meter's own for a profile, else when the agent took
 * it. */
const timeOf = (reading: Reading, stamp: Stamp): UnixMs | null =>
  reading.source === 'profile' ? reading.meterTime : stamp.agentTime

/** Whatever second it was sealed in, no reading comes before it was taken: one that is ahead would
 * take the place of the true one. */
const isPlausible = (at: UnixMs | null, { receivedAt, latest }: AcceptedFrame): at is UnixMs =>
  at !== null && betweenMs(at, receivedAt) <= AGE_MS_MAX && betweenMs(latest, at) <= 0

/** The rows are at fault, or what we know of the schema is: repeating the batch cannot help. */
const blamesFrame = (error: unknown): boolean =>
  blamesRows(error) || errorCode(error).startsWith('42')

export class ReadingSink implements Sink {
  readonly #pool: Pool
  readonly #queuedRowsMax: number
  readonly #catalog: Catalog
  readonly #last: LastValues
  readonly #book: ProcessBook
  readonly #months = new Set<number>()
  readonly #queue: Waiting[] = []
  #queuedRows = 0
  #queuedFrames = 0
  /** Coming batches that are expected to hold readings that are stored already. */
  #repeating = 0
  #running: Promise<void> | null = null
  #closed = false

  constructor(
    pool: Pool,
    queuedRowsMax = QUEUED_ROWS_MAX,
    log: (line: string) => void = () => undefined,
  ) {
    this.#pool = pool
    this.#book = new ProcessBook(pool, log)
    this.#queuedRowsMax = queuedRowsMax
    this.#catalog = new Catalog(pool)
    this.#last = new LastValues(pool)
  }

  /** Rejects with OPS-08 (database away, or the queue is full) or OPS-06 (its disk is full). */
  append(frames: readonly AcceptedFrame[]): Promise<void> {
    const rows = readingsIn(frames)
    const full =
      this.#queuedRows + rows > Math.max(this.#queuedRowsMax, rows) ||
      this.#queuedFrames + frames.length > Math.max(QUEUED_FRAMES_MAX, frames.length)
    if (full) return Promise.reject(new FaultError('OPS-08', 'it cannot keep up'))
    if (this.#closed) return Promise.reject(new FaultError('OPS-08', 'closing'))
    const { promise, resolve, reject } = Promise.withResolvers<undefined>()
    this.#queue.push({ frames, rows, resolve: () => resolve(undefined), reject })
    this.#queuedRows += rows
    this.#queuedFrames += frames.length
    this.#running ??= this.#run()
    return promise
  }

  anchor(device: DeviceId, anchor: ProcessAnchor): void {
    if (!this.#closed) this.#book.add(device, anchor)
  }

  /** Takes no more; resolves when what waits is stored or refused. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#running
    await this.#book.close()
  }

  async #run(): Promise<void> {
    // Takes everything that arrived in this turn of the event loop into the first transaction.
    await Promise.resolve()
    while (this.#queue.length > 0) {
      const batch = this.#take()
      try {
        await this.#store(batch.flatMap(({ frames }) => frames))
        for (const { resolve } of batch) resolve()
      } catch (error) {
        this.#forget()
        if (blamesFrame(error) && batch.length > 1) await this.#storeApart(batch)
        else for (const { reject } of batch) reject(asFault(error))
      }
    }
    this.#running = null
  }

  #take(): Waiting[] {
    let count = 0
    let rows = 0
    while (count < this.#queue.length) {
      const next = this.#queue[count]
      if (next === undefined || (count > 0 && rows + next.rows > BATCH_ROWS_MAX)) break
      rows += next.rows
      this.#queuedFrames -= next.frames.length
      count += 1
    }
    this.#queuedRows -= rows
    return this.#queue.splice(0, count)
  }

  /** One of them cannot be stored: the others must not suffer from it. */
  async #storeApart(batch: readonly Waiting[]): Promise<void> {
    for (const { frames, resolve, reject } of batch) {
      try {
        await this.#store(frames)
        resolve()
      } catch (error) {
        this.#forget()
        reject(asFault(error))
      }
    }
  }

  /** What we assumed about the database may be why it failed. */
  #forget(): void {
    this.#catalog.forget()
    this.#last.forget()
    this.#months.clear()
  }

  async #store(frames: readonly AcceptedFrame[]): Promise<void> {
    this.#catalog.expire(performance.now())
    await this.#prepare(frames)
    await this.#readLast(frames)
    const rows = new Rows()
    const processes = new ProcessRows()
    const chain = this.#last.begin()
    for (const frame of frames) {
      const { content } = frame
      rows.advance(frame)
      processes.frame(frame)
      if (content.kind !== 'readings') rows.except(frame)
      eachReading(frame, (reading, stamp, item) =>
        this.#place({ frame, reading, item, stamp, rows, processes, chain }),
      )
    }
    this.#repeating = Math.max(this.#repeating - 1, 0)
    await this.#commit(rows, processes)
    chain.keep()
    for (const frame of frames) this.#book.stored(frame)
  }

  async #commit(rows: Rows, processes: ProcessRows): Promise<void> {
    if (processes.empty && rows.rivals.length === 0 && this.#repeating === 0) {
      if (await rows.storeNew(this.#pool)) return
      this.#repeating = REPEAT_BATCHES
    }
    const client = await reach(this.#pool)
    let broken = true
    try {
      await client.query('begin')
      await rows.store(client)
      if (!processes.empty) await processes.store(client, unixMs(Date.now()))
      await client.query('commit')
      broken = false
    } finally {
      // A connection in the middle of a transaction is of no use to the next user.
      client.release(broken)
    }
  }

  /** Devices, months, meters and registers that this batch names and that we do not know yet. */
  async #prepare(frames: readonly AcceptedFrame[]): Promise<void> {
    const catalog = this.#catalog
    const devices = new Set<DeviceId>()
    const meters = new Map<string, Sighting>()
    const registers = new Map<string, RegisterSighting>()
    const months = new Set<number>()
    let dayBefore = -1
    for (const frame of frames) {
      const { device } = frame.position
      if (catalog.device(device) === undefined) devices.add(device)
      eachReading(frame, (reading, stamp, item) => {
        const { meter } = reading
        if (catalog.meter(meter) === undefined && !catalog.isRefused(device, meter)) {
          const key = `${device} ${meter}`
          if (!meters.has(key)) meters.set(key, { ...placeOf(frame, item), meter })
        }
        if (catalog.register(reading) === undefined) {
          const key = registerKey(reading)
          if (!catalog.isRefused(device, key))
            registers.set(`${device} ${key}`, { device, reading })
        }
        const at = timeOf(reading, stamp)
        if (!isPlausible(at, frame)) return
        const day = Math.floor(at / DAY_MS)
        if (day !== dayBefore) months.add(monthOf(at))
        dayBefore = day
      })
    }
    for (const month of months) {
      if (this.#months.has(month)) continue
      await ensurePartition(this.#pool, month)
      this.#months.add(month)
    }
    if (devices.size > 0) await catalog.resolveDevices([...devices])
    if (meters.size > 0) await catalog.resolveMeters([...meters.values()])
    if (registers.size > 0) await catalog.resolveRegisters([...registers.values()])
  }

  async #readLast(frames: readonly AcceptedFrame[]): Promise<void> {
    const missing = new Set<number>()
    for (const frame of frames) {
      eachReading(frame, (reading) => {
        const meter = this.#catalog.meter(reading.meter)
        const register = this.#catalog.register(reading)
        if (meter === undefined || register === undefined || !isCumulative(reading)) return
        const key = meter.id * KEY_METER + register
        if (!this.#last.knows(key)) missing.add(key)
      })
    }
    if (missing.size > 0) await this.#last.read([...missing])
  }

  /** Puts one reading where it belongs: among the rows, or among the exceptions with its reason. */
  #place(options: {
    readonly frame: AcceptedFrame
    readonly reading: Reading
    readonly item: number
    readonly stamp: Stamp
    readonly rows: Rows
    readonly processes: ProcessRows
    readonly chain: ReturnType<LastValues['begin']>
  }): void {
    const { frame, reading, item, stamp, rows, processes, chain } = options
    const { device } = frame.position
    const refuse = (code: 'SEC-13' | 'BIL-12' | 'BIL-15', detail: string) => {
      const content = fromText(JSON.stringify({ reading, stamp }))
      rows.exceptions.push({ ...placeOf(frame, item), code, meter: reading.meter, detail, content })
    }
    const meter = this.#catalog.meter(reading.meter)
    const register = this.#catalog.register(reading)
    if (meter === undefined) return refuse('BIL-15', 'too many unregistered meters')
    if (register === undefined) return refuse('BIL-15', 'too many kinds of register')
    const at = timeOf(reading, stamp)
    const own = meter.device_id === device
    const { id } = meter
    const deviceNo = this.#catalog.device(device) ?? 0
    if (!own) {
      // Whose it is may still be said: then the readings of the right device count.
      if (!meter.adopted && isPlausible(at, frame)) {
        const quality = bitsOfReading(reading, at)
        rows.rivals.add({ at, meter: id, register, quality, reading, stamp, deviceNo, frame, item })
      }
      const claim = meter.adopted ? 'belongs to' : 'is not adopted, and was first reported by'
      return refuse('SEC-13', `the meter ${claim} ${meter.device_id ?? 'no device'}`)
    }
    if (!isPlausible(at, frame)) {
      // A guess may be years off; the true time may still be found.
      processes.reading(frame, item, { meter: id, register, quality: 0, reading, stamp })
      return refuse(
        'BIL-12',
        at === null ? 'a profile reading without a time' : `time ${String(at)}`,
      )
    }
    let quality = bitsOfReading(reading, at)
    if (isCumulative(reading)) {
      const key = id * KEY_METER + register
      const previous: Previous | null = chain.previous(key, reading.source, at)
      if (previous !== null) quality |= bitsAgainstPrevious(reading, at, previous, meter.digits)
      chain.add(key, reading.source, { at, value: reading.value })
    }
    rows.add({ at, meter: id, register, quality, reading, stamp, deviceNo, frame, item })
    processes.reading(frame, item, { meter: id, register, quality, reading, stamp })
  }
}

function asFault(error: unknown): unknown {
  if (error instanceof FaultError || blamesFrame(error)) return error
  return new FaultError(errorCode(error) === '53100' ? 'OPS-06' : 'OPS-08', errorText(error), error)
}
