-- Readings, partitioned by month. The key starts with the time: an insert touches the newest pages only,
-- where a meter-first key would touch another page per row (measured: 60 times the WAL at 50 M rows).

create table meters (
  id integer generated always as identity primary key,
  number text not null unique check (number ~ '^[A-Za-z0-9._-]{1,32}$'),
  device_id text references devices,
  -- Digits of the register in its own resolution: it rolls over at 10^digits. Null: never.
  digits smallint check (digits between 3 and 15),
  -- Transformer ratio: consumption = register difference * multiplier.
  multiplier integer not null default 1 check (multiplier > 0),
  created_at timestamptz not null default now()
);

create table registers (
  id smallint generated always as identity primary key,
  obis text not null,
  exponent smallint not null,
  unit smallint not null,
  unique (obis, exponent, unit)
);

-- value * 10^exponent unit (register). source: 0 live, 1 profile, 2 push.
-- quality: bit 0 no checksum on the meter line, 1 backwards, 2 rollover, 4 spike, 8 implausible time.
create table readings (
  ts timestamptz not null,
  meter_id integer not null,
  register_id smallint not null,
  value bigint not null,
  source smallint not null,
  quality smallint not null,
  agent_ts timestamptz not null,
  meter_ts timestamptz,
  clock_state "char" not null,
  clock_bound_ms bigint not null,
  primary key (ts, meter_id, register_id)
) partition by range (ts);

create table last_values (
  meter_id integer not null references meters,
  register_id smallint not null references registers,
  ts timestamptz not null,
  value bigint not null,
  quality smallint not null,
  clock_state "char" not null,
  clock_bound_ms bigint not null,
  stored_at timestamptz not null,
  primary key (meter_id, register_id)
);
create index last_values_stored_at on last_values (stored_at);

-- What was authentic but could not become a plain reading; nothing that opened is thrown away.
create table exceptions (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  device_id text not null,
  epoch bigint not null,
  run bigint not null,
  sequence bigint not null,
  -- Number within the frame, so that handing a frame over twice adds nothing.
  item integer not null,
  code text not null,
  meter text,
  detail text not null,
  content bytea,
  unique (device_id, epoch, run, sequence, item)
);
create index meters_device on meters (device_id);
create index exceptions_at on exceptions (at);
