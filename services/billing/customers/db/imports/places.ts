// Which meter hangs where, as the staged lines say it, and what its registers showed.

import type { PoolClient } from 'pg'
import { analyseStage } from './stage.ts'
import { contradictions, refuse } from './refuse.ts'

// A line without a day of installation means the contract's first day, and where the meter hangs
// there already that installation.
const INSTALLATIONS = `
  insert into s_installation
  select distinct on (g.meter, g.point, g.from_local) g.meter, g.point, g.line,
    coalesce(i.from_ts, g.from_local at time zone p.zone),
    coalesce(g.removed at time zone p.zone, i.to_ts), coalesce(g.main_meter, main.number),
    m.id, p.id, i.id,
    case when i.id is null then 'new'
      when coalesce(g.removed at time zone p.zone, i.to_ts) is distinct from i.to_ts
        or coalesce(g.main_meter, main.number) is distinct from main.number
      then 'changed' else 'equal' end,
    case when i.id is not null then jsonb_build_object('meter', g.meter, 'service_point', g.point,
      'from_ts', i.from_ts, 'to_ts', i.to_ts, 'main_meter', main.number) end
  from (select meter, point, min(line) as line,
      coalesce(installed, from_date::timestamp) as from_local, min(installed) as installed,
      min(removed) as removed, min(main_meter) as main_meter
    from s_line where meter is not null and point is not null
    group by meter, point, coalesce(installed, from_date::timestamp)) g
  join s_meter m on m.number = g.meter
  join s_point p on p.code = g.point
  left join installations i on i.meter_id = m.id and i.service_point_id = p.id
    and (i.from_ts = g.from_local at time zone p.zone
      or (g.installed is null and i.to_ts is null))
  left join meters main on main.id = i.main_meter_id
  order by g.meter, g.point, g.from_local,
    i.from_ts is not distinct from g.from_local at time zone p.zone desc`

const LINES_OF = `s_installation s join s_line l on l.meter = s.meter and l.point = s.point`

const WRONG = [
  `select l.line, 'installation.from', 'is blank, and the meter is not installed there yet',
    'fill it in' from ${LINES_OF} where s.from_ts is null`,
  `select l.line, 'installation.to', 'is another end than the one it has',
    'correct it on the page of the service point'
    from ${LINES_OF} where s.id is not null and s.before->>'to_ts' is not null
      and s.to_ts <> (s.before->>'to_ts')::timestamptz`,
  `select l.line, 'installation.to', 'is not after the installation', 'correct the date'
    from ${LINES_OF} where s.to_ts <= s.from_ts`,
  `select l.line, case when s.id is null then 'installation.from' else 'installation.to' end,
    'is within a time that is billed already, up to ' || b.until, 'choose a later day'
    from ${LINES_OF} join s_point p on p.code = s.point
    join (select service_point_id, max(period_to) as until from bills group by service_point_id) b
      on b.service_point_id = s.point_id
    where s.state in ('new', 'changed') and case when s.id is null then s.from_ts
      else s.to_ts end < b.until::timestamp at time zone p.zone`,
]

// Sorted by their begin, two periods overlap when one begins before all earlier ones have ended.
const OVERLAPS = `
  with periods as (
    select s.meter, s.from_ts, s.to_ts, s.line, 'line ' || s.line || ' (' || s.point || ')' as name
    from s_installation s where s.from_ts is not null
    union all
    select s.meter, i.from_ts, i.to_ts, null, p.code
    from (select distinct meter, meter_id from s_installation where meter_id is not null) s
    join installations i on i.meter_id = s.meter_id
    join service_points p on p.id = i.service_point_id
    where not exists (select from s_installation o where o.id = i.id)),
  sorted as (
    select meter, line, from_ts, coalesce(to_ts, 'infinity') as to_ts,
      max(coalesce(to_ts, 'infinity')) over before as until, lag(name) over w as earlier,
      lead(from_ts) over w as next_from, lead(name) over w as later
    from periods
    window w as (partition by meter order by from_ts, line nulls first),
      before as (partition by meter order by from_ts, line nulls first
        rows between unbounded preceding and 1 preceding))
  select l.line, 'installation.from',
    'is at a time at which the meter is at ' || case when o.until > o.from_ts then o.earlier
      else o.later end, 'remove it there first, or correct the date'
  from sorted o join s_line l on l.line = o.line
  where o.line is not null and (o.until > o.from_ts or o.next_from < o.to_ts)`

const CONTRADICTED = contradictions(
  'installation',
  ['meter', 'point', 'installed'],
  [
    ['removed', 'installation.to'],
    ['main_meter', 'installation.mainMeter'],
  ],
)

/** Fills s_installation anew and refuses what cannot be; returns how many lines were refused. */
export async function gatherInstallations(client: PoolClient): Promise<number> {
  await client.query('truncate s_installation')
  let refused = await refuse(client, CONTRADICTED)
  await client.query(INSTALLATIONS)
  await analyseStage(client, 'periods')
  for (const rows of [...WRONG, OVERLAPS]) refused += await refuse(client, rows)
  return refused
}

// An opening register was read when the meter was installed, any other where it hung at the time.
// A register that several lines give counts once ('again').
const MANUAL = `
  insert into s_manual
  select r.line, r.target, r.meter, m.id, r.obis, r.unit, t.ts, r.value, r.exponent, r.kind, r.photo,
    r.note, case when row_number() over (partition by r.meter, r.obis, t.ts order by r.line) > 1
      then 'again' when h.id is null then 'new' else 'equal' end,
    r.value * power(10::numeric, r.exponent), h.value * power(10::numeric, h.exponent), h.unit
  from s_reading r join s_line l on l.line = r.line join s_meter m on m.number = r.meter
  left join lateral (
    select s.from_ts as ts from s_installation s
      where r.at is null and s.meter = r.meter and s.point = l.point
        and (s.id is not null or l.installed is null
          or s.from_ts = l.installed at time zone (select zone from s_point where code = l.point))
    union all
    (select r.at at time zone p.zone from installations i
      join service_points p on p.id = i.service_point_id
      where r.at is not null and i.meter_id = m.id and r.at at time zone p.zone >= i.from_ts
        and (i.to_ts is null or r.at at time zone p.zone <= i.to_ts)
      order by i.from_ts desc limit 1)
    limit 1) t on true
  left join manual_readings h on h.meter_id = m.id and h.obis = r.obis and h.ts = t.ts
    and h.state = 'approved'`

const WRONG_READINGS = [
  `select line, 'reading.at', 'is of a time at which the meter was installed nowhere',
    'import its installation first, or correct the date' from s_manual
    where ts is null and target = 'reading.value'`,
  `select line, target, 'differs from an approved reading of the same time',
    'correct it; an approved reading never changes'
    from s_manual where held <> amount or held_unit <> unit`,
  `select r.line, r.target, 'differs from another line about the same register and time',
    'make the lines agree' from s_manual r
    join (select meter, obis, ts from s_manual group by meter, obis, ts
      having min(amount) <> max(amount) or min(unit) <> max(unit)) o
      on o.meter = r.meter and o.obis = r.obis and o.ts = r.ts`,
  `select r.line, r.target, 'is in a unit that no meter of ' || m.medium || ' counts',
    'give the unit: kWh, or m3 for water and gas'
    from s_manual r join s_meter m on m.number = r.meter
    where r.unit <> all (case m.medium when 'electricity' then array[30, 31, 32]
      when 'heat' then array[30, 25, 13] else array[13, 30] end)`,
]

/** Fills s_manual anew and refuses what cannot be; returns how many lines were refused. */
export async function gatherReadings(client: PoolClient): Promise<number> {
  await client.query('truncate s_manual')
  await client.query(MANUAL)
  let refused = 0
  for (const rows of WRONG_READINGS) refused += await refuse(client, rows)
  return refused
}
