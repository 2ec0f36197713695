// What operators see of the fleet, written without holding up the master: it reports at any rate;
// we write at most once a second, keep a bounded amount, and tolerate a database that is away,
// because nothing here is worth delaying a reading for. A count may be written twice when a
// commit's answer is lost.

import type { Pool } from 'pg'
import { type FaultCode, faultLine } from '../../../../shared/faults.ts'
import type { HeadClockReport, MeterClockReport } from '../../../../shared/clock/evidence.ts'
import type { DeviceId, DeviceStatus, FleetBoard } from '../../../../shared/handover/sink.ts'
import { errorText } from '../../../../shared/node/fault-error.ts'
import { BOUND_UNKNOWN_US } from '../../../../shared/clock/clock-state.ts'
import { type UnixMs, unixMs } from '../../../../shared/units.ts'
import { ClockHistory } from '../../clocks/db/history.ts'
import { writeApart } from '../../store/apart.ts'
import { countSql } from '../../store/counters.ts'
import { Flush } from '../../store/flush.ts'

/** Devices with something unwritten: the largest fleet one master serves. */
const DEVICES_MAX = 100_000
/** Unwritten (hour, device, code) triples; beyond this a refusal counts for "nobody": only a
 * hostile crowd gets there. */
const REFUSALS_MAX = 10_000
const HOUR_MS = 3_600_000

interface Link {
  readonly device: DeviceId
  readonly transport: 'tcp' | 'ws' | null
  readonly connectedAt: UnixMs | null
  readonly disconnectedAt: UnixMs | null
}
/** What is to be written about one device; '' for nobody's. */
interface News {
  readonly device: DeviceId
  readonly link: Link | null
  readonly status: DeviceStatus | null
  readonly refusals: readonly Refusals[]
}
interface Refusals {
  readonly hour: number
  readonly device: DeviceId
  readonly code: FaultCode
  count: number
  lastAt: UnixMs
}

export class Fleet implements FleetBoard {
  readonly #pool: Pool
  readonly #log: (line: string) => void
  readonly #clocks: ClockHistory
  #links = new Map<DeviceId, Link>()
  #statuses = new Map<DeviceId, DeviceStatus>()
  #refusals = new Map<string, Refusals>()
  readonly #flush = new Flush({
    write: () => this.#write(),
    waits: () => this.#links.size + this.#statuses.size + this.#refusals.size > 0,
  })

  constructor(pool: Pool, log: (line: string) => void) {
    this.#pool = pool
    this.#log = log
    this.#clocks = new ClockHistory(pool, log, (device) => this.refused(device, 'BIL-16', nowMs()))
  }

  /** Call once before the first link: devices that were connected to an earlier process no longer
   * are. */
  async begin(now: UnixMs): Promise<void> {
    await this.#pool.query(
      `update device_status set disconnected_at = $1
       where connected_at is not null and disconnected_at is null`,
      [new Date(now)],
    )
    await this.#clocks.begin()
  }

  connected(device: DeviceId, transport: 'tcp' | 'ws', at: UnixMs): void {
    if (!this.#room(this.#links, device)) return
    this.#links.set(device, { device, transport, connectedAt: at, disconnectedAt: null })
    this.#flush.wake()
  }

  disconnected(device: DeviceId, at: UnixMs): void {
    if (!this.#room(this.#links, device)) return
    const known = this.#links.get(device) ?? { device, transport: null, connectedAt: null }
    this.#links.set(device, { ...known, disconnectedAt: at })
    this.#flush.wake()
  }

  status(device: DeviceId, status: DeviceStatus): void {
    if (!this.#room(this.#statuses, device)) return
    this.#statuses.set(device, status)
    this.#clocks.status(device, status)
    this.#flush.wake()
  }

  meterClock(device: DeviceId, report: MeterClockReport, at: UnixMs): void {
    this.#clocks.meterClock(device, report, at)
  }

  headClock(report: HeadClockReport): void {
    this.#clocks.headClock(report)
  }

  refused(device: DeviceId | null, code: FaultCode, at: UnixMs): void {
    const hour = at - (at % HOUR_MS)
    this.#count({ hour, device: device ?? '', code, count: 1, lastAt: at })
    this.#flush.wake()
  }

  /** Writes what is left. */
  async close(): Promise<void> {
    await this.#flush.close()
    await this.#clocks.close()
  }

  #room(map: ReadonlyMap<DeviceId, unknown>, device: DeviceId): boolean {
    return map.has(device) || map.size < DEVICES_MAX
  }

  #count(refusals: Refusals): void {
    const { hour, device, code, count, lastAt } = refusals
    const key = `${hour} ${device} ${code}`
    const known = this.#refusals.get(key)
    if (known !== undefined) {
      known.count += count
      if (lastAt > known.lastAt) known.lastAt = lastAt
    } else if (this.#refusals.size < REFUSALS_MAX || device === '') {
      this.#refusals.set(key, { ...refusals })
    } else {
      this.#count({ ...refusals, device: '' })
    }
  }

  async #write(): Promise<void> {
    const links = this.#links
    const statuses = this.#statuses
    const refusals = this.#refusals
    if (links.size + statuses.size + refusals.size === 0) return
    this.#links = new Map()
    this.#statuses = new Map()
    this.#refusals = new Map()
    try {
      const news = newsOf(links, statuses, [...refusals.values()])
      for (const { row, why } of await writeApart(news, (rows) => this.#writeRows(rows))) {
        this.#log(faultLine('BIL-16', `status of device ${row.device}: ${why}`))
        this.refused(row.device, 'BIL-16', nowMs())
      }
    } catch (error) {
      this.#log(`OPS-08 fleet board not written: ${errorText(error)}`)
      // What was reported meanwhile is newer than what we failed to write.
      this.#links = new Map([...links, ...this.#links])
      this.#statuses = new Map([...statuses, ...this.#statuses])
      for (const unwritten of refusals.values()) this.#count(unwritten)
    }
  }

  async #writeRows(news: readonly News[]): Promise<void> {
    await this.#pool.query(WRITE, [
      ...linkColumns(news.flatMap(({ link }) => (link === null ? [] : [link]))),
      ...statusColumns(
        news.flatMap(({ device, status }) => (status === null ? [] : [[device, status] as const])),
      ),
      ...refusalColumns(news.flatMap((entry) => entry.refusals)),
    ])
  }
}

const nowMs = (): UnixMs => unixMs(Date.now())

/** Everything to be written, device by device. */
function newsOf(
  links: ReadonlyMap<DeviceId, Link>,
  statuses: ReadonlyMap<DeviceId, DeviceStatus>,
  refusals: readonly Refusals[],
): readonly News[] {
  const refused = Map.groupBy(refusals, ({ device }) => device)
  const devices = new Set([...links.keys(), ...statuses.keys(), ...refused.keys()])
  return [...devices].map((device) => ({
    device,
    link: links.get(device) ?? null,
    status: statuses.get(device) ?? null,
    refusals: refused.get(device) ?? [],
  }))
}

const dateOf = (at: UnixMs | null): Date | null => (at === null ? null : new Date(at))

const linkColumns = (links: readonly Link[]) => [
  links.map(({ device }) => device),
  links.map(({ transport }) => transport),
  links.map(({ connectedAt }) => dateOf(connectedAt)),
  links.map(({ disconnectedAt }) => dateOf(disconnectedAt)),
]

const statusColumns = (statuses: readonly (readonly [DeviceId, DeviceStatus])[]) => [
  statuses.map(([device]) => device),
  statuses.map(([, { at }]) => new Date(at)),
  statuses.map(([, { clockState }]) => clockState),
  // The wire says how far UTC is ahead of the clock; people ask how wrong the clock is.
  statuses.map(([, { clockOffset }]) => Math.round(0 - clockOffset)),
  statuses.map(([, { clockBound }]) => Math.round(clockBound ?? BOUND_UNKNOWN_US)),
  statuses.map(([, { roundTripDelay }]) => Math.round(roundTripDelay)),
  statuses.map(([, { backlogFrames }]) => backlogFrames),
  statuses.map(([, { meters }]) => meters),
  statuses.map(([, { faults }]) => JSON.stringify(Object.fromEntries(faults))),
]

const refusalColumns = (refusals: readonly Refusals[]) => [
  refusals.map(({ hour }) => new Date(hour)),
  refusals.map(({ device }) => device),
  refusals.map(({ code }) => code),
  refusals.map(({ count }) => count),
  refusals.map(({ lastAt }) => new Date(lastAt)),
]

// Link and status of one device are two rows of one table, which one statement may not both touch:
// hence one upsert over the two joined. Null means "nothing new"; a connection clears its own end.
const WRITE = `
with link as (
  select * from unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[])
    as l(device_id, transport, connected_at, disconnected_at)
), report as (
  select * from unnest($5::text[], $6::timestamptz[], $7::text[], $8::bigint[], $9::bigint[],
    $10::bigint[], $11::bigint[], $12::integer[], $13::jsonb[])
    as s(device_id, reported_at, clock_state, clock_offset_us, clock_bound_us, round_trip_us,
      backlog_frames, meters, faults)
), seen as (
  insert into device_status as known (device_id, transport, connected_at, disconnected_at,
    reported_at, clock_state, clock_offset_us, clock_bound_us, round_trip_us, backlog_frames,
    meters, faults)
  select device_id, transport, connected_at, disconnected_at, reported_at, clock_state,
    clock_offset_us, clock_bound_us, round_trip_us, backlog_frames, report.meters,
    coalesce(faults, '{}')
  from link full join report using (device_id) join devices on devices.id = device_id
  on conflict (device_id) do update set
    transport = coalesce(excluded.transport, known.transport),
    connected_at = coalesce(excluded.connected_at, known.connected_at),
    disconnected_at = case when excluded.connected_at is null
      then coalesce(excluded.disconnected_at, known.disconnected_at)
      else excluded.disconnected_at end,
    reported_at = coalesce(excluded.reported_at, known.reported_at),
    clock_state = coalesce(excluded.clock_state, known.clock_state),
    clock_offset_us = coalesce(excluded.clock_offset_us, known.clock_offset_us),
    clock_bound_us = coalesce(excluded.clock_bound_us, known.clock_bound_us),
    round_trip_us = coalesce(excluded.round_trip_us, known.round_trip_us),
    backlog_frames = coalesce(excluded.backlog_frames, known.backlog_frames),
    meters = coalesce(excluded.meters, known.meters),
    faults = case when excluded.reported_at is null then known.faults else excluded.faults end
), refusal as (
  insert into refusals as known (hour, device_id, code, count, last_at)
  select * from unnest($14::timestamptz[], $15::text[], $16::text[], $17::bigint[],
    $18::timestamptz[])
  on conflict (hour, device_id, code) do update set count = known.count + excluded.count,
    last_at = greatest(known.last_at, excluded.last_at)
)
${countSql('refused', 'select sum(n) as added from unnest($17::bigint[]) as n')}`
