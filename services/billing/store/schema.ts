// The tables of migrations/*.sql as Kysely sees them. bigint columns that hold safe integers are
// read as number (see pool.ts); money is read as bigint.

import type { ColumnType, Generated } from 'kysely'
import type { HeadClockReport, MeterClockOutcome } from '../../../shared/clock/evidence.ts'
import type { ReceiptOutcome } from '../../../shared/wire/commands.ts'

type Timestamp = ColumnType<Date, Date | string, Date | string>
type Defaulted<T> = ColumnType<T, T | undefined, T>
type Json = ColumnType<unknown, string, string>

export interface Database {
  devices: {
    id: string
    name: string
    static_key: Buffer | null
    psk: Buffer | null
    attempt: Generated<number>
    history_from: Timestamp | null
    revoked_at: Timestamp | null
    created_at: Defaulted<Date>
    master_key: Buffer | null
  }
  enrolment_tokens: {
    id: string
    device_id: string
    secret: Buffer
    expires_at: Timestamp
    burnt_by: Buffer | null
    burnt_at: Timestamp | null
    created_at: Defaulted<Date>
    master_key: Buffer | null
  }
  epochs: {
    device_id: string
    id: number
    origin: Timestamp
    transcript: Buffer
    keys: Buffer
    closed_at: Timestamp | null
    created_at: Defaulted<Date>
  }
  stream_positions: {
    device_id: string
    epoch: number
    run: number
    sequence: number
    second: number
    hash: Buffer
    salt: Buffer
    opener: Buffer | null
    updated_at: Defaulted<Date>
  }
  device_status: {
    device_id: string
    transport: string | null
    connected_at: Timestamp | null
    disconnected_at: Timestamp | null
    reported_at: Timestamp | null
    clock_state: string | null
    clock_offset_us: number | null
    clock_bound_us: number | null
    round_trip_us: number | null
    backlog_frames: number | null
    meters: number | null
    faults: ColumnType<Record<string, number>, string | undefined, string>
  }
  clocks: {
    id: Generated<number>
    device_id: string
    meter: string
    at: Timestamp
    state: string
    offset_us: number
    bound_us: number | null
    frequency_ppb: number | null
    skew_ppb: number
    holdover_ms: number
    steps: number
    last_step_us: number
    resolution_us: number | null
    monthly_drift_ms: number | null
    outcome: MeterClockOutcome | null
    event: number | null
    report: ColumnType<HeadClockReport | null, string, string>
    point_until: Timestamp
    point_at: Timestamp
    point_state: string
    point_offset_us: number
    point_bound_us: number | null
  }
  clock_history: {
    at: Timestamp
    offset_us: number
    bound_us: number | null
    clock_id: number
    frequency_ppb: number | null
    state: string
    keep: boolean
  }
  clock_events: {
    id: Generated<number>
    clock_id: number
    at: Timestamp
    code: string
    amount_us: number | null
    detail: string
  }
  commands: {
    device_id: string
    number: number
    what: Json
    asked_by: string
    created_at: Defaulted<Date>
    expires_at: Timestamp
    sent_at: Timestamp | null
    outcome: ReceiptOutcome | null
    detail: Generated<string>
    receipt_at: Timestamp | null
  }
  refusals: { hour: Timestamp; device_id: string; code: string; count: number; last_at: Timestamp }
  counters: { name: string; count: number }
  meters: {
    id: Generated<number>
    number: string
    device_id: string | null
    digits: number | null
    multiplier: Generated<number>
    created_at: Defaulted<Date>
  }
  registers: { id: Generated<number>; obis: string; exponent: number; unit: number }
  readings: {
    ts: Timestamp
    meter_id: number
    register_id: number
    value: number
    source: number
    quality: number
    agent_ts: Timestamp
    meter_ts: Timestamp | null
    clock_state: string
    clock_bound_ms: number
  }
  /** A view: readings under a time that holds to the minute (migrations/0007_retimed.sql). */
  timed_readings: {
    ts: Date
    meter_id: number
    register_id: number
    value: number
    source: number
    quality: number
    clock_state: string
    clock_bound_ms: number
  }
  retimed_readings: {
    device_id: string
    epoch: number
    run: number
    sequence: number
    item: number
    received_at: Timestamp
    process_ms: number
    meter_id: number
    register_id: number
    value: number
    source: number
    quality: number
    agent_ts: Timestamp
    clock_state: string
    clock_bound_ms: number
    ts: Timestamp | null
    bound_ms: number | null
    way: 'anchor' | 'between' | null
    retimed_at: Timestamp | null
  }
  last_values: {
    meter_id: number
    register_id: number
    ts: Timestamp
    value: number
    quality: number
    clock_state: string
    clock_bound_ms: number
    stored_at: Timestamp
  }
  exceptions: {
    id: Generated<number>
    at: Defaulted<Date>
    device_id: string
    epoch: number
    run: number
    sequence: number
    item: number
    code: string
    meter: string | null
    detail: string
    content: Buffer | null
  }
  customers: {
    id: Generated<number>
    number: string
    name: string
    address: string
    email: string | null
    phone: string | null
    language: Generated<string>
    created_at: Defaulted<Date>
  }
  service_points: { id: Generated<number>; code: string; address: string; zone: string }
  tariffs: { id: Generated<number>; code: string; name: string }
  tariff_versions: {
    id: Generated<number>
    tariff_id: number
    valid_from: string
    content: Json
    hash: string
    published_at: Defaulted<Date>
  }
  installations: {
    id: Generated<number>
    meter_id: number
    service_point_id: number
    from_ts: Timestamp
    to_ts: Timestamp | null
  }
  occupancies: {
    id: Generated<number>
    customer_id: number
    service_point_id: number
    from_date: string
    to_date: string | null
  }
  tariff_assignments: {
    id: Generated<number>
    service_point_id: number
    tariff_id: number
    from_date: string
    to_date: string | null
  }
  bill_series: { series: string; next: number }
  bills: {
    id: Generated<number>
    number: string
    customer_id: number
    service_point_id: number
    period_from: string
    period_to: string
    tariff_version_id: number
    currency: string
    /** Minor units. pool.ts reads bigint as number unless it is not safe: money goes through
     * BigInt(). */
    total: ColumnType<number, bigint, never>
    content: Json
    hash: string
    issued_at: Timestamp
    due_on: string
  }
  notices: {
    id: Generated<number>
    bill_id: number
    channel: 'email' | 'sms'
    address: string
    subject: string | null
    body: string
    state: Generated<'queued' | 'sent' | 'failed'>
    attempts: Generated<number>
    next_attempt_at: Defaulted<Date>
    last_fault: string | null
    provider_id: string | null
    sent_at: Timestamp | null
    created_at: Defaulted<Date>
  }
  operators: {
    id: Generated<number>
    name: string
    password: string
    created_at: Defaulted<Date>
  }
  sessions: {
    hash: Buffer
    operator_id: number | null
    customer_id: number | null
    expires_at: Timestamp
    created_at: Defaulted<Date>
  }
  links: {
    hash: Buffer
    purpose: 'setup' | 'customer'
    customer_id: number | null
    expires_at: Timestamp
    used_at: Timestamp | null
    created_at: Defaulted<Date>
  }
}
