-- Whose readings count: which device sealed each of them and when, which of them are set aside, and who owns a meter.
-- docs/billing.md, "Which reading counts".

-- A small number for each device, because every reading holds it.
alter table devices add column no integer generated always as identity unique;

-- Who sealed a reading, and in which second (or when it came, if that was earlier: a device may have sealed
-- ahead). Null in rows of before; device_no 0: a device that is not registered.
alter table readings add column device_no integer;
alter table readings add column sealed_at timestamptz;
alter table retimed_readings add column sealed_at timestamptz;
alter table last_values add column device_no integer;
alter table last_values add column sealed_at timestamptz;

-- A meter belongs to the device that an operator named (adopted_at, adopted_by), until then to the first that
-- reported it, and then no bill is made from it. Meters that operators have installed were billed so far.
alter table meters add column adopted_at timestamptz;
alter table meters add column adopted_by text;
alter table meters add check (adopted_at is null or (adopted_by is not null and device_id is not null));
create index meters_unadopted on meters (device_id, number) where adopted_at is null;
update meters set adopted_at = now(), adopted_by = 'installed before the upgrade'
  where device_id is not null and exists (select from installations where meter_id = meters.id);

-- Which device brought a kind of register first: each may bring so many.
alter table registers add column brought_by text;
create index registers_brought_by on registers (brought_by);

-- Another reading of a meter, register and time that `readings` has already: with another value, from another
-- device, sealed at another time, or under a better clock. It counts when the one in `readings` does not.
create table rival_readings (
  id bigint generated always as identity primary key,
  ts timestamptz not null,
  meter_id integer not null references meters,
  register_id smallint not null references registers,
  value bigint not null,
  source smallint not null,
  quality smallint not null,
  agent_ts timestamptz not null,
  meter_ts timestamptz,
  clock_state "char" not null,
  clock_bound_ms bigint not null,
  device_no integer not null,
  sealed_at timestamptz not null,
  epoch bigint not null,
  run bigint not null,
  sequence bigint not null,
  item integer not null,
  unique (device_no, epoch, run, sequence, item)
);
create index rival_readings_key on rival_readings (ts, meter_id, register_id);

-- What a device sealed in [from_at, to_at) does not count, by an operator's word: of all its meters or of one.
-- Null: without a beginning or an end. The readings stay as they are; lifting a range makes them count again.
create table set_aside (
  number integer generated always as identity primary key,
  device_id text not null references devices,
  device_no integer not null,
  meter_id integer references meters,
  from_at timestamptz,
  to_at timestamptz,
  reason text not null check (reason <> ''),
  set_by text not null check (set_by <> ''),
  set_at timestamptz not null default now(),
  lifted_at timestamptz,
  lifted_by text,
  lifted_reason text,
  check (to_at > from_at),
  check ((lifted_at is null) = (lifted_by is null) and (lifted_at is null) = (lifted_reason is null))
);
create index set_aside_device on set_aside (device_no) where lifted_at is null;

create view standing_readings as
  select * from readings r where not exists (select from set_aside s
    where s.device_no = r.device_no and s.lifted_at is null
      and (s.meter_id is null or s.meter_id = r.meter_id)
      and (s.from_at is null or r.sealed_at >= s.from_at)
      and (s.to_at is null or r.sealed_at < s.to_at));
create view standing_rivals as
  select * from rival_readings r where not exists (select from set_aside s
    where s.device_no = r.device_no and s.lifted_at is null
      and (s.meter_id is null or s.meter_id = r.meter_id)
      and (s.from_at is null or r.sealed_at >= s.from_at)
      and (s.to_at is null or r.sealed_at < s.to_at));
create view standing_values as
  select * from last_values r where not exists (select from set_aside s
    where s.device_no = r.device_no and s.lifted_at is null
      and (s.meter_id is null or s.meter_id = r.meter_id)
      and (s.from_at is null or r.sealed_at >= s.from_at)
      and (s.to_at is null or r.sealed_at < s.to_at));

-- Readings under a time that may be relied on to the minute, and that count: what bills and usage are made of.
-- Of rivals the first counts.
create or replace view timed_readings as
  select ts, meter_id, register_id, value, source, quality, clock_state, clock_bound_ms
  from standing_readings
  where source = 1 or (clock_state <> 'U' and clock_bound_ms <= 60000)
  union all
  select ts, meter_id, register_id, value, source, quality, clock_state, bound_ms
  from retimed_readings r
  where bound_ms <= 60000 and not exists (select from set_aside s
    where s.device_id = r.device_id and s.lifted_at is null
      and (s.meter_id is null or s.meter_id = r.meter_id)
      and (s.from_at is null or coalesce(r.sealed_at, r.received_at) >= s.from_at)
      and (s.to_at is null or coalesce(r.sealed_at, r.received_at) < s.to_at))
  union all
  select ts, meter_id, register_id, value, source, quality, clock_state, clock_bound_ms
  from standing_rivals v
  where (source = 1 or (clock_state <> 'U' and clock_bound_ms <= 60000))
    and not exists (select from standing_readings r
      where (r.ts, r.meter_id, r.register_id) = (v.ts, v.meter_id, v.register_id)
        and (r.source = 1 or (r.clock_state <> 'U' and r.clock_bound_ms <= 60000)))
    and not exists (select from standing_rivals e
      where (e.ts, e.meter_id, e.register_id) = (v.ts, v.meter_id, v.register_id) and e.id < v.id
        and (e.source = 1 or (e.clock_state <> 'U' and e.clock_bound_ms <= 60000)));
