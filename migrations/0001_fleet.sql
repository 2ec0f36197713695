-- Devices, their one-time tokens, epochs and stream positions, and what operators see of the fleet.
-- Every secret in here (psk, token secret, key tree) is wrapped under a key that never enters the database.

create table devices (
  id text primary key check (id ~ '^[0-9a-f]{16}$'),
  name text not null,
  static_key bytea unique,
  psk bytea,
  attempt integer not null default 0,
  history_from timestamptz,
  revoked_at timestamptz,
  created_at timestamptz not null default now()
);

create table enrolment_tokens (
  id text primary key check (id ~ '^[0-9a-f]{16}$'),
  device_id text not null references devices,
  secret bytea not null,
  expires_at timestamptz not null,
  burnt_by bytea,
  burnt_at timestamptz,
  created_at timestamptz not null default now()
);

-- Epoch and run numbers are unsigned 32 bit, hence bigint.
create table epochs (
  device_id text not null references devices,
  id bigint not null,
  origin timestamptz not null,
  transcript bytea not null,
  keys bytea not null,
  closed_at timestamptz,
  created_at timestamptz not null default now(),
  primary key (device_id, id)
);

create table stream_positions (
  device_id text not null,
  epoch bigint not null,
  run bigint not null,
  sequence bigint not null,
  second bigint not null,
  hash bytea not null,
  salt bytea not null,
  updated_at timestamptz not null default now(),
  primary key (device_id, epoch, run),
  foreign key (device_id, epoch) references epochs
);

create table device_status (
  device_id text primary key references devices,
  transport text,
  connected_at timestamptz,
  disconnected_at timestamptz,
  reported_at timestamptz,
  clock_state text,
  clock_offset_us bigint,
  clock_bound_us bigint,
  round_trip_us bigint,
  backlog_frames bigint,
  meters integer,
  faults jsonb not null default '{}'
);

-- One row per hour, device ('' when nobody authenticated) and code: bounded by construction.
create table refusals (
  hour timestamptz not null,
  device_id text not null,
  code text not null,
  count bigint not null,
  last_at timestamptz not null,
  primary key (hour, device_id, code)
);

-- Counted in the transaction of what they count, so that nobody ever counts rows. 'roster' grows with
-- every change of devices or tokens by an operator: a master notices by one cheap read. (A sequence
-- would not do: its next value is seen before the change is.)
create table counters (
  name text primary key,
  count bigint not null
);
insert into counters values
  ('readings', 0), ('refused', 0), ('bills', 0), ('notices', 0), ('roster', 0);
