// What is known about the slaves' processes: which runs each sealed, what ties it to UTC, and the
// readings it took under an unsure clock. core/retiming.ts says why, retimer.ts uses it,
// migrations/0007_retimed.sql explains the tables.

import type { Pool, PoolClient } from 'pg'
import type { AcceptedFrame, DeviceId, ProcessAnchor } from '../../../../shared/handover/sink.ts'
import type { Reading } from '../../../../shared/meter/reading.ts'
import type { Stamp } from '../../../../shared/clock/clock-state.ts'
import { faultLine } from '../../../../shared/faults.ts'
import { errorText } from '../../../../shared/node/fault-error.ts'
import { shiftMs, spanMs, type UnixMs, unixMs } from '../../../../shared/units.ts'
import { isUntimed, TRUSTED_BOUND_MS } from '../core/retiming.ts'
import { writeApart } from '../../store/apart.ts'
import { type Place, placeOf } from './reading-rows.ts'
import { SOURCE_NUMBER } from './source-numbers.ts'
import { recordTrouble } from './troubles.ts'

/** Processes remembered per device: three years of one start a day. */
const PROCESSES_MAX = 1_000
/** After something was learned, the readings wait this long for more news, ms: a slave's first
 * questions after a start take 10 s, and each answer may be better than the one before. */
const SETTLE = spanMs(60_000)
/** How often a run's trusted readings move its `sure_from`, ms: it widens the interval of a process
 * that dies before it can give an anchor, and is one more row per device written. */
const SURE_EVERY_MS = 600_000
/** Runs whose last `sure_from` is remembered: the largest fleet one master serves. */
const SURE_RUNS_MAX = 100_000
/** Shortest time between two writes of anchors, ms. */
const FLUSH_MS = 1_000
/** Between two attempts while the database is away, ms. */
const RETRY_MS = 10_000
/** Processes with an unwritten anchor; more than there are devices is a flood. */
const ANCHORS_MAX = 100_000
/** The same of one device: a slave that starts anew every few seconds has no more while the
 * database is away for a minute, and none can use up what is there for all. */
const ANCHORS_PER_DEVICE_MAX = 16

/** Rows that a better anchor may still improve: the partial index retimed_open. */
const OPEN = `(r.bound_ms is null or r.bound_ms > ${TRUSTED_BOUND_MS})`
const hasOpenRows = (process: string): string =>
  `exists (select 1 from retimed_readings r where r.device_id = ${process}.device_id
    and r.run between ${process}.first_run and ${process}.last_run and ${OPEN})`

/** Deletes what nobody will ask for. $1: device ids. */
const PRUNE = `delete from slave_processes p using unnest($1::text[]) as of(device)
  where p.device_id = of.device and p.seen_at <= (select seen_at from slave_processes
    where device_id = of.device order by seen_at desc offset ${PROCESSES_MAX} limit 1)`

/** Processes without an anchor that ended before one of ours began are dated by it.
 * $1: device ids, $2: process ids, $3: now, $4: when to look. */
const TOUCH_EARLIER = `update slave_processes p set news_at = $3, due_at = $4
  from unnest($1::text[], $2::text[]) as of(device, process)
  join slave_processes q on q.device_id = of.device and q.process = of.process
  where p.device_id = q.device_id and p.last_run < q.first_run and p.first_ms is null
    and ${hasOpenRows('p')}`

interface Untimed extends Place {
  readonly receivedAt: UnixMs
  readonly sealedAt: UnixMs
  readonly meter: number
  readonly register: number
  readonly quality: number
  readonly reading: Reading
  readonly stamp: Stamp
}

interface Sure {
  readonly device: DeviceId
  readonly run: number
  readonly from: number
  readonly to: number
}

/** What one batch says about its slaves' processes; stored in the transaction of its rows. */
export class ProcessRows {
  readonly #openers: { device: DeviceId; process: string; run: number }[] = []
  readonly #untimed: Untimed[] = []

  get empty(): boolean {
    return this.#openers.length + this.#untimed.length === 0
  }

  /** Call for each frame: an opener names its process. */
  frame({ position: { device, run }, content }: AcceptedFrame): void {
    if (content.kind !== 'opener') return
    this.#openers.push({ device, process: content.process, run })
  }

  /** A reading that is about to be stored; also kept here when it is untimed. */
  reading(
    frame: AcceptedFrame,
    item: number,
    row: Omit<Untimed, keyof Place | 'receivedAt' | 'sealedAt'>,
  ): void {
    if (!isUntimed(row.stamp, row.reading.source)) return
    const { receivedAt, sealedAt } = frame
    this.#untimed.push({ ...placeOf(frame, item), receivedAt, sealedAt, ...row })
  }

  /** Call inside the transaction that stores the rows. */
  async store(client: PoolClient, now: UnixMs): Promise<void> {
    const at = new Date(now)
    const due = new Date(shiftMs(now, SETTLE))
    if (this.#openers.length > 0) {
      const devices = this.#openers.map(({ device }) => device)
      const processes = this.#openers.map(({ process }) => process)
      await client.query(OPENED, [devices, processes, this.#openers.map(({ run }) => run)])
      await client.query(PRUNE, [devices])
      await client.query(TOUCH_EARLIER, [devices, processes, at, due])
    }
    if (this.#untimed.length > 0) await this.#storeUntimed(client, due)
  }

  async #storeUntimed(client: PoolClient, due: Date): Promise<void> {
    const rows = this.#untimed
    await client.query(UNTIMED, [
      rows.map(({ device }) => device),
      rows.map(({ epoch }) => epoch),
      rows.map(({ run }) => run),
      rows.map(({ sequence }) => sequence),
      rows.map(({ item }) => item),
      rows.map(({ receivedAt }) => new Date(receivedAt)),
      rows.map(({ stamp }) => stamp.processMs),
      rows.map(({ meter }) => meter),
      rows.map(({ register }) => register),
      rows.map(({ reading }) => reading.value),
      rows.map(({ reading }) => SOURCE_NUMBER[reading.source]),
      rows.map(({ quality }) => quality),
      rows.map(({ stamp }) => new Date(stamp.agentTime)),
      rows.map(({ stamp }) => stamp.clockState),
      rows.map(({ stamp }) => Math.ceil(stamp.clockBound)),
      rows.map(({ sealedAt }) => new Date(sealedAt)),
    ])
    const runs = new Map(rows.map(({ device, run }) => [`${device} ${run}`, { device, run }]))
    const distinct = [...runs.values()]
    await client.query(UNSURE_DUE, [
      distinct.map(({ device }) => device),
      distinct.map(({ run }) => run),
      due,
    ])
  }
}

const OPENED = `insert into slave_processes as known (device_id, process, first_run, last_run)
  select device, process, min(run), max(run)
  from unnest($1::text[], $2::text[], $3::bigint[]) as of(device, process, run)
  group by device, process order by device, process
  on conflict (device_id, process) do update set
    first_run = least(known.first_run, excluded.first_run),
    last_run = greatest(known.last_run, excluded.last_run)
  where known.last_run is null or excluded.first_run < known.first_run
    or excluded.last_run > known.last_run`

const SURE = `update slave_processes p
  set sure_from = greatest(p.sure_from, of.sure_from), sure_to = least(p.sure_to, of.sure_to)
  from unnest($1::text[], $2::bigint[], $3::timestamptz[], $4::timestamptz[])
    as of(device, run, sure_from, sure_to)
  where p.device_id = of.device and of.run between p.first_run and p.last_run`

const UNTIMED = `insert into retimed_readings (device_id, epoch, run, sequence, item, received_at,
    process_ms, meter_id, register_id, value, source, quality, agent_ts, clock_state,
    clock_bound_ms, sealed_at)
  select * from unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::integer[],
    $6::timestamptz[], $7::bigint[], $8::integer[], $9::smallint[], $10::bigint[],
    $11::smallint[], $12::smallint[], $13::timestamptz[], $14::"char"[], $15::bigint[],
    $16::timestamptz[])
  on conflict do nothing`

const UNSURE_DUE = `update slave_processes p set due_at = coalesce(p.due_at, $3)
  from unnest($1::text[], $2::bigint[]) as of(device, run)
  where p.device_id = of.device and of.run between p.first_run and p.last_run`

interface Kept {
  readonly device: DeviceId
  readonly process: string
  first: ProcessAnchor
  best: ProcessAnchor
  last: ProcessAnchor
}

/** What is worth knowing about processes besides the readings, written to the database at most once
 * a second: three anchors of each process, whatever a slave sends, kept while the database is away;
 * and now and then an instant known to be past from a trusted reading. */
export class ProcessBook {
  readonly #pool: Pool
  readonly #log: (line: string) => void
  #unwritten = new Map<string, Kept>()
  /** How many of these each device has. */
  #ofDevice = new Map<DeviceId, number>()
  #sure = new Map<string, Sure>()
  /** The last `sure_from` of each run. */
  readonly #written = new Map<string, number>()
  #timer: NodeJS.Timeout | null = null
  #writing: Promise<void> = Promise.resolve()
  #closed = false

  constructor(pool: Pool, log: (line: string) => void) {
    this.#pool = pool
    this.#log = log
  }

  add(device: DeviceId, anchor: ProcessAnchor): void {
    this.#merge({ device, process: anchor.process, first: anchor, best: anchor, last: anchor })
    this.#writeIn(FLUSH_MS)
  }

  /** Call when a frame is stored: records what its stamp proves, if that is news. */
  stored({ position: { device, run }, content, latest }: AcceptedFrame): void {
    if (content.kind !== 'readings') return
    const sure = content.groups.find(
      ({ stamp }) => !isUntimed(stamp, 'live') && stamp.agentTime <= latest,
    )
    if (sure === undefined) return
    const { agentTime, clockBound } = sure.stamp
    const key = `${device} ${run}`
    const from = agentTime - clockBound
    const before = this.#written.get(key)
    if (before !== undefined && from < before + SURE_EVERY_MS) return
    if (this.#written.size >= SURE_RUNS_MAX) this.#written.clear()
    this.#written.set(key, from)
    this.#sure.set(key, { device, run, from, to: agentTime + clockBound })
    this.#writeIn(FLUSH_MS)
  }

  /** Writes what waits. */
  close(): Promise<void> {
    this.#closed = true
    this.#writing = this.#writing.then(() => this.#write())
    return this.#writing
  }

  /** One write at a time. */
  #writeIn(ms: number): void {
    if (this.#timer !== null || this.#closed) return
    this.#timer = setTimeout(() => {
      this.#timer = null
      this.#writing = this.#writing.then(() => this.#write())
    }, ms)
    this.#timer.unref()
  }

  #merge(kept: Kept): void {
    const key = `${kept.device} ${kept.process}`
    const known = this.#unwritten.get(key)
    if (known === undefined) {
      const own = this.#ofDevice.get(kept.device) ?? 0
      if (this.#unwritten.size >= ANCHORS_MAX || own >= ANCHORS_PER_DEVICE_MAX) return
      this.#unwritten.set(key, kept)
      this.#ofDevice.set(kept.device, own + 1)
      return
    }
    if (kept.first.processMs < known.first.processMs) known.first = kept.first
    if (kept.best.bound < known.best.bound) known.best = kept.best
    if (kept.last.processMs > known.last.processMs) known.last = kept.last
  }

  async #write(): Promise<void> {
    const sure = [...this.#sure.values()]
    this.#sure = new Map()
    const kept = [...this.#unwritten.values()]
    this.#unwritten = new Map()
    this.#ofDevice = new Map()
    if (sure.length > 0) await this.#writeSure(sure)
    if (kept.length > 0) await this.#writeAnchors(kept)
  }

  async #writeSure(sure: readonly Sure[]): Promise<void> {
    try {
      const leftOut = await writeApart(sure, (rows) =>
        this.#pool.query(SURE, [
          rows.map(({ device }) => device),
          rows.map(({ run }) => run),
          rows.map(({ from }) => new Date(from)),
          rows.map(({ to }) => new Date(to)),
        ]),
      )
      for (const { row, why } of leftOut) await this.#leaveOut(row.device, `run ${row.run}: ${why}`)
    } catch (error) {
      this.#log(`OPS-08 processes not written: ${errorText(error)}`)
      // The next trusted reading of each will say it again.
      this.#written.clear()
    }
  }

  async #writeAnchors(kept: readonly Kept[]): Promise<void> {
    try {
      for (const { row, why } of await writeApart(kept, (rows) => this.#store(rows))) {
        await this.#leaveOut(row.device, `anchor of process ${row.process}: ${why}`)
      }
    } catch (error) {
      this.#log(`OPS-08 anchors not written: ${errorText(error)}`)
      for (const unwritten of kept) this.#merge(unwritten)
      this.#writeIn(RETRY_MS)
    }
  }

  async #leaveOut(device: DeviceId, detail: string): Promise<void> {
    this.#log(faultLine('BIL-16', `device ${device}, ${detail}`))
    await recordTrouble(this.#pool, { device, code: 'BIL-16', meter: null, detail })
  }

  async #store(kept: readonly Kept[]): Promise<void> {
    const now = unixMs(Date.now())
    const at = new Date(now)
    const due = new Date(shiftMs(now, SETTLE))
    const devices = kept.map(({ device }) => device)
    const processes = kept.map(({ process }) => process)
    await this.#pool.query(ANCHORED, [
      devices,
      processes,
      ...columns(kept.map(({ first }) => first)),
      ...columns(kept.map(({ best }) => best)),
      ...columns(kept.map(({ last }) => last)),
      at,
      due,
    ])
    await this.#pool.query(TOUCH_EARLIER, [devices, processes, at, due])
    await this.#pool.query(PRUNE, [devices])
  }
}

const columns = (anchors: readonly ProcessAnchor[]) => [
  anchors.map(({ processMs }) => processMs),
  anchors.map(({ utc }) => new Date(utc)),
  anchors.map(({ bound }) => Math.ceil(bound)),
]

/** Takes the new anchor of a kind where it is further out, or tighter, than the known one. */
const better = (kind: string, column: string, than: '<' | '>'): string =>
  ['ms', 'utc', 'bound_ms']
    .map((part) => {
      const [ours, theirs] = [`known.${kind}_${part}`, `excluded.${kind}_${part}`]
      return `${kind}_${part} = case when known.${column} is null
        or excluded.${column} ${than} known.${column} then ${theirs} else ${ours} end`
    })
    .join(', ')

const ANCHORED = `insert into slave_processes as known (device_id, process,
    first_ms, first_utc, first_bound_ms, best_ms, best_utc, best_bound_ms,
    last_ms, last_utc, last_bound_ms, news_at)
  select of.*, $12::timestamptz from unnest($1::text[], $2::text[],
    $3::bigint[], $4::timestamptz[], $5::bigint[], $6::bigint[], $7::timestamptz[], $8::bigint[],
    $9::bigint[], $10::timestamptz[], $11::bigint[]) as of(device)
  join devices on devices.id = device order by 1, 2
  on conflict (device_id, process) do update set ${better('first', 'first_ms', '<')},
    ${better('best', 'best_bound_ms', '<')}, ${better('last', 'last_ms', '>')},
    news_at = excluded.news_at,
    due_at = case when ${hasOpenRows('known')} then $13 else known.due_at end`
