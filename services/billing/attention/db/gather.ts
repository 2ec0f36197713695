// What is wrong or waits, gathered from the tables of all domains: each statement groups what one
// person mends in one go, so that a dead slave with 300 meters is one entry and not 300.

import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { Finding } from '../core/views.ts'
import { type UnixMs, unixMs } from '../../../../shared/units.ts'
import { silentByDevice } from '../../readings/db/silence.ts'
import type { Database } from '../../store/schema.ts'

/** Entries of one kind; beyond that nobody reads a list, and the page they lead to has the rest. */
const FINDINGS_MAX = 1_000
/** A link that is down for less heals by itself, minutes. */
const DOWN_MINUTES = 10
/** A reading of the last midnight may come this late before somebody has to look, hours. */
const WAITING_HOURS = 72
/** Bills that could be issued are reported after this, hours. */
const READY_HOURS = 24
/** A notice that is still queued, minutes. */
const QUEUED_MINUTES = 60
/** A meter's clock beyond this needs a person: a light correction ends at 60 s (MTR-10), us. */
const FAR_OFF_US = 60_000_000
/** A meter that nobody adopted and that hangs nowhere may wait for the morning, hours. */
const UNADOPTED_HOURS = 1

interface Row {
  readonly key: string
  readonly code: string
  readonly subject: string
  readonly href: string
  readonly count: string
  readonly since: Date
  readonly last_at: Date
}

/** Everything that is wrong now, exceptions aside (these only come: see board.ts). */
export async function gather(db: Kysely<Database>, now: UnixMs): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  for (const statement of statements(new Date(now))) {
    const { rows } = await statement.execute(db)
    findings.push(...rows.map(findingOf))
  }
  findings.push(...(await silentOnes(db, now)))
  return findings
}

/** A device with one silent meter names it; one with many leads to their list. */
async function silentOnes(db: Kysely<Database>, now: UnixMs): Promise<readonly Finding[]> {
  const devices = (await silentByDevice(db, now)).slice(0, FINDINGS_MAX)
  const { rows: names } = await sql<{ id: string; name: string }>`
    select id, name from devices where id = any(${devices.map(({ device }) => device)}::text[])`.execute(
    db,
  )
  const nameOf = new Map(names.map(({ id, name }) => [id, name]))
  return devices.map(({ device, count, since }) => ({
    key: `silent:${device}`,
    code: 'MTR-01',
    subject: `meters of ${nameOf.get(device) ?? device} are silent`,
    href: '/meters?state=silent',
    count,
    since,
    lastAt: now,
  }))
}

const findingOf = ({ count, since, last_at: lastAt, ...rest }: Row): Finding => ({
  ...rest,
  count: Number(count),
  since: unixMs(since.getTime()),
  lastAt: unixMs(lastAt.getTime()),
})

const statements = (now: Date): readonly RawBuilder<Row>[] => [
  linksDown(now),
  slaveClocks(now),
  slaveFaults(now),
  meterClocks(),
  refusedFrames(now),
  unadopted(now),
  unbilled(now),
  readyBills(now),
  failedNotices(),
  lateNotices(now),
]

const linksDown = (now: Date) => sql<Row>`
  select 'link:' || d.id as key, 'OPS-43' as code, d.name as subject, '/fleet/' || d.id as href,
    1 as count, coalesce(s.disconnected_at, d.created_at) as since, ${now}::timestamptz as last_at
  from devices d left join device_status s on s.device_id = d.id
  where d.revoked_at is null and d.static_key is not null
    and (s.connected_at is null or s.disconnected_at >= s.connected_at)
    and coalesce(s.disconnected_at, d.created_at)
      < ${now}::timestamptz - make_interval(mins => ${DOWN_MINUTES})
  order by since limit ${FINDINGS_MAX}`

/** U, I and R: unknown, informative only, running free. */
const slaveClocks = (now: Date) => sql<Row>`
  select 'clock:' || d.id as key, 'CLK-05' as code, d.name as subject,
    '/fleet/' || d.id as href, 1 as count, s.connected_at as since, s.reported_at as last_at
  from device_status s join devices d on d.id = s.device_id
  where d.revoked_at is null and s.clock_state <> 'S' and s.reported_at is not null
    and s.connected_at > coalesce(s.disconnected_at, '-infinity')
    and s.connected_at < ${now}::timestamptz - make_interval(mins => ${DOWN_MINUTES})
  order by since limit ${FINDINGS_MAX}`

/** What slaves themselves counted since they started. */
const slaveFaults = (now: Date) => sql<Row>`
  select 'slave:' || d.id || ':' || f.code as key, f.code, d.name as subject,
    '/fleet/' || d.id as href, f.times::bigint as count,
    coalesce(s.connected_at, s.reported_at, ${now}::timestamptz) as since,
    coalesce(s.reported_at, ${now}::timestamptz) as last_at
  from device_status s join devices d on d.id = s.device_id,
    lateral jsonb_each_text(s.faults) as f(code, times)
  where d.revoked_at is null and f.times ~ '^[0-9]{1,15}$' and f.times <> '0'
  order by since limit ${FINDINGS_MAX}`

const meterClocks = () => sql<Row>`
  select 'meter-clocks:' || device || ':' || code as key, code,
    case when count(*) = 1 then 'meter ' || min(meter) else name end as subject,
    '/fleet/' || device as href, count(*) as count, min(at) as since, max(at) as last_at
  from (select c.device_id as device, d.name, c.meter, c.at,
      case when c.state = 'X' or c.event = 10 then 'MTR-11' else 'MTR-10' end as code
    from clocks c join devices d on d.id = c.device_id
    where c.meter <> '' and d.revoked_at is null and (c.state = 'X' or c.event = 10
      or abs(c.offset_us) >= ${FAR_OFF_US}::bigint)) as off
  group by device, name, code order by since limit ${FINDINGS_MAX}`

/** Of the last day. */
const refusedFrames = (now: Date) => sql<Row>`
  select 'refused:' || r.device_id || ':' || r.code as key, r.code,
    coalesce(d.name, nullif(r.device_id, ''), 'callers that did not authenticate') as subject,
    '/refused' as href, sum(r.count) as count, min(r.hour) as since, max(r.last_at) as last_at
  from refusals r left join devices d on d.id = r.device_id
  where r.hour > ${now}::timestamptz - interval '24 hours'
  group by r.device_id, r.code, d.name order by count desc limit ${FINDINGS_MAX}`

const unadopted = (now: Date) => sql<Row>`
  select 'unadopted:' || m.device_id as key, 'BIL-14' as code,
    case when count(*) = 1 then 'meter ' || min(m.number) else d.name end as subject,
    '/meters?state=not-adopted' as href, count(*) as count,
    min(m.created_at) as since, max(m.created_at) as last_at
  from meters m join devices d on d.id = m.device_id
  where m.adopted_at is null
  group by m.device_id, d.name
  having min(m.created_at) < ${now}::timestamptz - make_interval(hours => ${UNADOPTED_HOURS})
    or bool_or(exists (select from installations i where i.meter_id = m.id and i.to_ts is null))
  order by since limit ${FINDINGS_MAX}`

/** Contracts that got no bill, by what keeps it. */
const unbilled = (now: Date) => sql<Row>`
  select 'unbilled:' || state || ':' || coalesce(code, '') as key, coalesce(code, 'BIL-16') as code,
    'bills that are ' || state as subject,
    '/board' as href, count(*) as count, min(since) as since, max(since) as last_at
  from bill_periods
  where state = 'blocked' or (state = 'waiting'
    and since < ${now}::timestamptz - make_interval(hours => ${WAITING_HOURS}))
  group by state, code order by since limit ${FINDINGS_MAX}`

const readyBills = (now: Date) => sql<Row>`
  select 'ready' as key, 'BIL-36' as code, 'bills that are ready' as subject,
    '/board' as href, count(*) as count, min(since) as since, max(since) as last_at
  from bill_periods where state = 'ready'
  having min(since) < ${now}::timestamptz - make_interval(hours => ${READY_HOURS})`

const failedNotices = () => sql<Row>`
  select 'notices:' || channel || ':' || coalesce(last_fault, '') as key, 'BIL-11' as code,
    channel || ' notices given up' as subject, '/notices?state=failed' as href,
    count(*) as count, min(created_at) as since, max(created_at) as last_at
  from notices where state = 'failed'
  group by channel, last_fault order by since limit ${FINDINGS_MAX}`

const lateNotices = (now: Date) => sql<Row>`
  select 'queued:' || channel as key,
    case when channel = 'sms' then 'BIL-10' else 'BIL-09' end as code,
    channel || ' notices that wait' as subject, '/notices?state=queued' as href,
    count(*) as count, min(created_at) as since, max(created_at) as last_at
  from notices where state = 'queued'
  group by channel
  having min(created_at) < ${now}::timestamptz - make_interval(mins => ${QUEUED_MINUTES})`
