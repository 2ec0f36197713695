-- Readings taken while a slave's clock was unsure, and when they were really taken. docs/billing.md.

-- One row per process of a slave (a start, or a wake from sleep): which runs it sealed, and up to three
-- anchors (the first, the one with the smallest bound, the last). sure_from, sure_to: instants that were
-- over, and not yet come, at one of its readings with a trusted time (written rarely, so a little behind).
create table slave_processes (
  device_id text not null references devices,
  process text not null check (process ~ '^[0-9a-f]{16}$'),
  seen_at timestamptz not null default now(),
  first_run bigint,
  last_run bigint,
  first_ms bigint,
  first_utc timestamptz,
  first_bound_ms bigint,
  best_ms bigint,
  best_utc timestamptz,
  best_bound_ms bigint,
  last_ms bigint,
  last_utc timestamptz,
  last_bound_ms bigint,
  sure_from timestamptz,
  sure_to timestamptz,
  -- When something was learned that may date its readings, and when to look at them.
  news_at timestamptz,
  due_at timestamptz,
  primary key (device_id, process)
);
create index slave_processes_due on slave_processes (due_at) where due_at is not null;

-- The reading beside the original in `readings`, which never changes. ts is null while nobody knows.
-- way: 'anchor' (of its own process), 'between' (the processes before and after).
create table retimed_readings (
  device_id text not null,
  epoch bigint not null,
  run bigint not null,
  sequence bigint not null,
  item integer not null,
  received_at timestamptz not null,
  process_ms bigint not null,
  meter_id integer not null references meters,
  register_id smallint not null references registers,
  value bigint not null,
  source smallint not null,
  quality smallint not null,
  agent_ts timestamptz not null,
  clock_state "char" not null,
  clock_bound_ms bigint not null,
  ts timestamptz,
  bound_ms bigint,
  way text check (way in ('anchor', 'between')),
  retimed_at timestamptz,
  primary key (device_id, epoch, run, sequence, item)
);
-- What a better anchor may still improve.
create index retimed_open on retimed_readings (device_id, run)
  where bound_ms is null or bound_ms > 60000;
create index retimed_ts on retimed_readings (ts, meter_id, register_id) where ts is not null;
create index retimed_received on retimed_readings (received_at);

-- Readings under a time that may be relied on to the minute: what bills and usage are made of.
create view timed_readings as
  select ts, meter_id, register_id, value, source, quality, clock_state, clock_bound_ms
  from readings
  where source = 1 or (clock_state <> 'U' and clock_bound_ms <= 60000)
  union all
  select ts, meter_id, register_id, value, source, quality, clock_state, bound_ms
  from retimed_readings
  where bound_ms <= 60000;

-- Exceptions are counted as they are written, so that nobody ever counts rows.
create function count_exception() returns trigger language plpgsql as $$
begin
  insert into counters (name, count) values ('exception ' || new.code, 1)
  on conflict (name) do update set count = counters.count + 1;
  return null;
end $$;
insert into counters select 'exception ' || code, count(*) from exceptions group by code;
create trigger exceptions_counted after insert on exceptions
  for each row execute function count_exception();

-- Frames a device gave up: more than three in 30 days are an alarm (SEC-15).
create index exceptions_given_up on exceptions (device_id, at)
  where code in ('OPS-14', 'OPS-15', 'OPS-16', 'OPS-19', 'SEC-03');
