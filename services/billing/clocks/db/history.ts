// The history of the fleet's clocks, written without holding up the master, like the fleet board:
// at most once a second, a bounded amount, and it waits for a database that is away. The database
// itself compares with the previous row to see whether something happened, so that nothing is
// remembered here and a restart changes nothing. A meter reported by a device that it does not
// belong to is ignored.

import type { Pool } from 'pg'
import type {
  ClockDiscipline,
  HeadClockReport,
  MeterClockReport,
} from '../../../../shared/clock/evidence.ts'
import type { DeviceId, DeviceStatus } from '../../../../shared/handover/sink.ts'
import { faultLine } from '../../../../shared/faults.ts'
import { errorText } from '../../../../shared/node/fault-error.ts'
import { ppm, spanMs, spanUs, type UnixMs } from '../../../../shared/units.ts'
import { BOUND_FIELD_UNKNOWN } from '../../../../shared/wire/payload.ts'
import { type ClockEventCode, HELD_OVER } from '../core/clock-marks.ts'
import { writeApart } from '../../store/apart.ts'
import { countCodesSql } from '../../store/counters.ts'
import { Flush } from '../../store/flush.ts'

/** Clocks with something unwritten, in all and of one device: what may pile up in memory while the
 * database is away (30 MB), and how much of that one device can take. */
const CLOCKS_MAX = 100_000
const CLOCKS_PER_DEVICE = 1_001
/** Rows per statement: 0.1 s of work. */
const ROWS_MAX = 5_000
/** Unwritten changes of the head-end's sources. */
const HEAD_EVENTS_MAX = 100
const DETAIL_CHARS_MAX = 200

/** A future row of `clocks`. */
interface ClockUpdate {
  readonly device: string
  readonly meter: string
  readonly at: UnixMs
  readonly state: string
  /** The clock minus UTC, and how much faster it runs. */
  readonly offsetUs: number
  readonly frequency: number | null
  readonly boundUs: number | null
  readonly discipline: ClockDiscipline
  readonly ofMeter: MeterClockReport | null
  readonly report: HeadClockReport | null
}

interface HeadEvent {
  readonly at: UnixMs
  readonly code: ClockEventCode
  readonly detail: string
}

/** UTC against the clock, or the clock against UTC. */
const reverse = (frequency: number | null): number | null =>
  frequency === null ? null : 0 - frequency

const NOT_STEERED: ClockDiscipline = {
  frequency: null,
  skew: ppm(0),
  holdover: spanMs(0),
  steps: 0,
  lastStep: spanUs(0),
}

export class ClockHistory {
  readonly #pool: Pool
  readonly #log: (line: string) => void
  readonly #leftOut: (device: DeviceId | null) => void
  /** By device, then by meter. */
  #unwritten = new Map<DeviceId, Map<string, ClockUpdate>>()
  #count = 0
  #headEvents: HeadEvent[] = []
  #head: HeadClockReport | null = null
  readonly #flush = new Flush({
    write: () => this.#write(),
    waits: () => this.#count > 0,
  })

  /** `leftOut` counts a device's clock that the database does not take. */
  constructor(
    pool: Pool,
    log: (line: string) => void,
    leftOut: (device: DeviceId | null) => void = () => undefined,
  ) {
    this.#pool = pool
    this.#log = log
    this.#leftOut = leftOut
  }

  /** Call once before the first report: loads what an earlier process reported about the head-end's
   * sources. */
  async begin(): Promise<void> {
    const { rows } = await this.#pool.query<{ report: HeadClockReport | null }>(
      "select report from clocks where device_id = ''",
    )
    this.#head = rows[0]?.report ?? null
  }

  status(device: DeviceId, status: DeviceStatus): void {
    this.#keep({
      device,
      meter: '',
      at: status.at,
      state: status.clockState,
      // The wire says how far UTC is ahead of the clock.
      offsetUs: 0 - status.clockOffset,
      boundUs: status.clockBound,
      frequency: reverse(status.discipline.frequency),
      discipline: status.discipline,
      ofMeter: null,
      report: null,
    })
  }

  meterClock(device: DeviceId, report: MeterClockReport, at: UnixMs): void {
    const before = this.#unwritten.get(device)?.get(report.meter)?.ofMeter ?? null
    this.#keep({
      device,
      meter: report.meter,
      at,
      state: report.invalid ? 'X' : 'V',
      offsetUs: report.offset,
      boundUs: report.bound >= BOUND_FIELD_UNKNOWN ? null : report.bound,
      frequency: report.frequency,
      discipline: NOT_STEERED,
      // A newer report must not take an event's place before it is written.
      ofMeter: { ...report, event: report.event ?? before?.event ?? null },
      report: null,
    })
  }

  headClock(report: HeadClockReport): void {
    this.#headEvents.push(...sourceEvents(this.#head, report))
    this.#headEvents = this.#headEvents.slice(-HEAD_EVENTS_MAX)
    this.#head = report
    this.#keep({
      device: '',
      meter: '',
      at: report.at,
      state: report.state,
      // The report says how far the sample was ahead of the clock.
      offsetUs: 0 - report.lastOffset,
      boundUs: report.bound,
      frequency: reverse(report.discipline.frequency),
      discipline: report.discipline,
      ofMeter: null,
      report,
    })
  }

  /** Writes what is left. */
  async close(): Promise<void> {
    await this.#flush.close()
  }

  #keep(update: ClockUpdate): void {
    const clocks = this.#unwritten.get(update.device) ?? new Map<string, ClockUpdate>()
    if (!clocks.has(update.meter)) {
      if (this.#count >= CLOCKS_MAX || clocks.size >= CLOCKS_PER_DEVICE) return
      this.#count += 1
    }
    clocks.set(update.meter, update)
    this.#unwritten.set(update.device, clocks)
    this.#flush.wake()
  }

  async #write(): Promise<void> {
    const rows = [...this.#unwritten.values()].flatMap((clocks) => [...clocks.values()])
    const events = this.#headEvents
    this.#unwritten = new Map()
    this.#count = 0
    this.#headEvents = []
    for (let from = 0; from < rows.length; from += ROWS_MAX) {
      const batch = rows.slice(from, from + ROWS_MAX)
      const ofHead = batch.some(({ device }) => device === '') ? events : []
      try {
        await this.#writeRows(batch, ofHead)
      } catch (error) {
        this.#log(`OPS-08 clocks not written: ${errorText(error)}`)
        this.#takeBack(rows.slice(from), events)
        return
      }
    }
  }

  async #writeRows(batch: readonly ClockUpdate[], ofHead: readonly HeadEvent[]): Promise<void> {
    // The head-end's events go with its own clock, so that halves do not list them twice.
    const eventsOf = (rows: readonly ClockUpdate[]): readonly HeadEvent[] =>
      rows.some(({ device }) => device === '') ? ofHead : []
    const leftOut = await writeApart(batch, (rows) =>
      this.#pool.query(WRITE, [...columns(rows), ...eventColumns(eventsOf(rows)), HELD_OVER]),
    )
    for (const { row, why } of leftOut) {
      this.#log(faultLine('BIL-16', `clock of ${row.device} ${row.meter}: ${why}`))
      this.#leftOut(row.device === '' ? null : row.device)
    }
  }

  /** What was reported meanwhile is newer than what could not be written. */
  #takeBack(rows: readonly ClockUpdate[], events: readonly HeadEvent[]): void {
    for (const row of rows) {
      if (this.#unwritten.get(row.device)?.has(row.meter) !== true) this.#keep(row)
    }
    if (!rows.some(({ device }) => device === '')) return
    this.#headEvents = [...events, ...this.#headEvents].slice(-HEAD_EVENTS_MAX)
  }
}

/** What changed among the head-end's sources. */
function sourceEvents(
  before: HeadClockReport | null,
  { at, reference, sources }: HeadClockReport,
): HeadEvent[] {
  const marks = new Map(before?.sources.map(({ name, mark }) => [name, mark]))
  const events: HeadEvent[] = []
  for (const { name, mark, note } of sources) {
    const was = marks.get(name)
    const detail = note === '' ? name : `${name}: ${note}`
    if (mark === 'x' && was !== 'x') events.push({ at, code: 'falseticker', detail })
    // At the start no source was usable yet.
    if (mark === '?' && was !== undefined && was !== '?') {
      events.push({ at, code: 'source-lost', detail })
    }
  }
  if (before !== null && before.reference !== reference) {
    events.push({ at, code: 'reference', detail: reference })
  }
  return events
}

/** A whole number: a value that is none would fail its whole batch. */
const whole = (value: number | null | undefined): number | null =>
  value !== null && value !== undefined && Number.isFinite(value) ? Math.round(value) : null

const columns = (rows: readonly ClockUpdate[]) => [
  rows.map(({ device }) => device),
  rows.map(({ meter }) => meter),
  rows.map(({ at }) => new Date(at)),
  rows.map(({ state }) => state),
  rows.map(({ offsetUs }) => whole(offsetUs) ?? 0),
  rows.map(({ boundUs }) => whole(boundUs)),
  rows.map(({ frequency }) => whole(frequency === null ? null : frequency * 1_000)),
  rows.map(({ discipline: { skew } }) => whole(skew * 1_000) ?? 0),
  rows.map(({ discipline: { holdover } }) => whole(holdover) ?? 0),
  rows.map(({ discipline: { steps } }) => whole(steps) ?? 0),
  rows.map(({ discipline: { lastStep } }) => whole(lastStep) ?? 0),
  rows.map(({ ofMeter }) => whole(ofMeter?.resolution)),
  rows.map(({ ofMeter }) => whole(ofMeter?.monthlyDrift)),
  rows.map(({ ofMeter }) => ofMeter?.outcome ?? null),
  rows.map(({ ofMeter }) => ofMeter?.event ?? null),
  // No NUL character: jsonb cannot hold one, and source names come from elsewhere.
  rows.map(({ report }) =>
    report === null ? null : JSON.stringify(report).replaceAll('\\u0000', ''),
  ),
]

const eventColumns = (events: readonly HeadEvent[]) => [
  events.map(({ at }) => new Date(at)),
  events.map(({ code }) => code),
  events.map(({ detail }) => detail.replaceAll('\0', '').slice(0, DETAIL_CHARS_MAX)),
]

// `known` holds the reports beside the previous row (was.*), which the insert below does not
// change: all parts of one statement see the database as it was.
const WRITE = `
with told as (
  select * from unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[], $5::bigint[],
      $6::bigint[], $7::integer[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[],
      $12::bigint[], $13::bigint[], $14::text[], $15::smallint[], $16::jsonb[])
    as t(device_id, meter, at, state, offset_us, bound_us, frequency_ppb, skew_ppb, holdover_ms,
      steps, last_step_us, resolution_us, monthly_drift_ms, outcome, event, report)
  where (device_id = '' or exists (select from devices where devices.id = t.device_id))
    and (meter = '' or exists (select from meters
      where meters.number = t.meter and meters.device_id = t.device_id))
), known as (
  select t.*, was.state as was_state, was.holdover_ms as was_held, was.outcome as was_outcome,
    was.point_at, was.point_state, was.point_offset_us, was.point_bound_us,
    (t.steps, t.last_step_us) is distinct from (was.steps, was.last_step_us) as stepped,
    (t.event, t.outcome) is distinct from (was.event, was.outcome)
      -- A new month empties the register: nothing was done to the clock.
      or (t.monthly_drift_ms <> 0 and t.monthly_drift_ms <> was.monthly_drift_ms) as acted,
    -- How far its points have used up what ten minutes allow; anew when our clock was set back.
    case when was.point_until between t.at and t.at + interval '10 minutes' then was.point_until
      else t.at end as until,
    case when was.id is null then true
      when was.point_until between t.at + interval '9 minutes 1 millisecond'
        and t.at + interval '10 minutes' then false
      else t.state <> was.point_state::text
        or abs(t.offset_us - was.point_offset_us)
          > coalesce(t.bound_us, 0) + coalesce(was.point_bound_us, 0)
        or (greatest(t.bound_us, was.point_bound_us) > 100000
          and greatest(t.bound_us, was.point_bound_us)
            > 4 * least(t.bound_us, was.point_bound_us))
        or t.at >= was.point_at + case when t.meter = '' then interval '15 minutes'
          else interval '1 hour' end
      end as due,
    was.id is null or date_bin(case when t.meter = '' then interval '1 hour'
        else interval '6 hours' end, t.at, timestamptz 'epoch') > was.point_at as keep
  from told t left join clocks was using (device_id, meter)
), saved as (
  insert into clocks as c (device_id, meter, at, state, offset_us, bound_us, frequency_ppb,
    skew_ppb, holdover_ms, steps, last_step_us, resolution_us, monthly_drift_ms, outcome, event,
    report, point_until, point_at, point_state, point_offset_us, point_bound_us)
  select device_id, meter, at, state::"char", offset_us, bound_us, frequency_ppb, skew_ppb,
    holdover_ms, steps, last_step_us, resolution_us, monthly_drift_ms, outcome, event, report,
    case when due then until + interval '1 minute' else until end,
    case when due then at else point_at end,
    case when due then state::"char" else point_state end,
    case when due then offset_us else point_offset_us end,
    case when due then bound_us else point_bound_us end
  from known
  on conflict (device_id, meter) do update set at = excluded.at, state = excluded.state,
    offset_us = excluded.offset_us, bound_us = excluded.bound_us,
    frequency_ppb = excluded.frequency_ppb, skew_ppb = excluded.skew_ppb,
    holdover_ms = excluded.holdover_ms, steps = excluded.steps,
    last_step_us = excluded.last_step_us, resolution_us = excluded.resolution_us,
    monthly_drift_ms = excluded.monthly_drift_ms, outcome = excluded.outcome,
    event = coalesce(excluded.event, c.event), report = excluded.report,
    point_until = excluded.point_until, point_at = excluded.point_at, point_state = excluded.point_state,
    point_offset_us = excluded.point_offset_us, point_bound_us = excluded.point_bound_us
  returning id, device_id, meter
), points as (
  insert into clock_history (clock_id, at, state, offset_us, bound_us, frequency_ppb, keep)
  select id, at, state::"char", offset_us, bound_us, frequency_ppb, keep
  from known join saved using (device_id, meter) where due
  on conflict do nothing
), happened as (
  select device_id, meter, at, case state when 'S' then 'synchronised' when 'R' then 'free-running'
      when 'I' then 'informative' when 'U' then 'unknown' when 'X' then 'invalid' else 'valid' end
      as code, offset_us as amount_us, '' as detail
  from known where state <> coalesce(was_state::text, case meter when '' then state else 'V' end)
  union all
  select device_id, meter, at, 'step', last_step_us, '' from known where stepped and steps > 0
  union all
  select device_id, meter, at, 'holdover', null, '' from known
  where holdover_ms > $20 and coalesce(was_held, 0) <= $20
  union all
  select device_id, meter, at, 'recovered', was_held * 1000, '' from known
  where holdover_ms <= $20 and was_held > $20
  union all
  select device_id, meter, at, outcome, offset_us, '' from known
  where outcome in ('set', 'rejected', 'unsupported', 'silent')
    and outcome is distinct from was_outcome
  union all
  select device_id, meter, at, event::text, offset_us, outcome from known
  where event is not null and acted
  union all
  select '', '', at, code, null, detail
  from unnest($17::timestamptz[], $18::text[], $19::text[]) as h(at, code, detail)
), listed as (
  insert into clock_events (clock_id, at, code, amount_us, detail)
  select id, at, code, amount_us, detail from happened h join saved using (device_id, meter)
  where not exists (select from clock_events e where e.clock_id = saved.id and e.code = h.code
    and e.at > h.at - interval '1 minute')
  returning code
)
${countCodesSql('clock', 'listed')}`
