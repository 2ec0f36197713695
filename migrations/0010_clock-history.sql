-- The clocks of a utility and how they went: the head-end's own, each slave's, each meter's.
-- docs/clock.md, "What operators see".

-- One row per clock, as it was last told. device_id '' is the head-end, meter '' the device's own clock.
-- state: U I S R of a head-end or slave; of a meter V (readings valid) or X (invalid, B0).
-- offset_us, frequency_ppb: the clock minus UTC, and how much faster it runs. bound_us: null when nobody knows it. point_*: what the history ends with.
create table clocks (
  id integer generated always as identity primary key,
  device_id text not null,
  meter text not null,
  at timestamptz not null,
  state "char" not null check (state in ('U', 'I', 'S', 'R', 'V', 'X')),
  offset_us bigint not null,
  bound_us bigint,
  frequency_ppb integer,
  skew_ppb bigint not null,
  holdover_ms bigint not null,
  steps bigint not null,
  last_step_us bigint not null,
  -- Of a meter; null for the others.
  resolution_us bigint,
  monthly_drift_ms bigint,
  outcome text,
  event smallint,
  -- Of the head-end: its whole report, with the sources.
  report jsonb,
  -- At most ten points at once: each uses up a minute from here on.
  point_until timestamptz not null,
  point_at timestamptz not null,
  point_state "char" not null,
  point_offset_us bigint not null,
  point_bound_us bigint,
  unique (device_id, meter)
-- Room on each page for the next version of a row: no index names what changes.
) with (fillfactor = 60);

-- A point when a clock went elsewhere, ten at once and one a minute in the long run; else one in 15 minutes of a
-- head-end or slave, one in an hour of a meter. After 48 hours one an hour stays (of a meter one in six
-- hours: `keep`), for 90 days. So 10,000 slaves with 20 meters each add 67 points a second and hold 103
-- million (13 GB), where their readings of the same 90 days are 1,728 million; a clock
-- that never rests holds 5,050 at most. No foreign key: it would lock a row of `clocks` with every point.
create table clock_history (
  at timestamptz not null,
  offset_us bigint not null,
  bound_us bigint,
  clock_id integer not null,
  frequency_ppb integer,
  state "char" not null,
  keep boolean not null,
  primary key (clock_id, at)
);

-- What happened to a clock: at most one of a kind a minute, 1,000 of each clock, 90 days.
create table clock_events (
  id bigint generated always as identity primary key,
  clock_id integer not null,
  at timestamptz not null,
  code text not null,
  amount_us bigint,
  detail text not null check (length(detail) <= 200)
);
create index clock_events_of on clock_events (clock_id, at);
