-- Who lives where, which meter hangs there, which tariff applies: always by period, never overwritten.

create table customers (
  id integer generated always as identity primary key,
  number text not null unique,
  name text not null,
  address text not null,
  email text,
  phone text,
  language text not null default 'en',
  created_at timestamptz not null default now()
);

create table service_points (
  id integer generated always as identity primary key,
  code text not null unique,
  address text not null,
  zone text not null
);

create table tariffs (
  id integer generated always as identity primary key,
  code text not null unique,
  name text not null
);

-- content: the tariff document (billing/core/tariff); a version never changes once published.
create table tariff_versions (
  id integer generated always as identity primary key,
  tariff_id integer not null references tariffs,
  valid_from date not null,
  content jsonb not null,
  hash text not null,
  published_at timestamptz not null default now(),
  unique (tariff_id, valid_from)
);

-- Assignments by period, [from, to) in instants or local dates; to null: still so.
create table installations (
  id integer generated always as identity primary key,
  meter_id integer not null references meters,
  service_point_id integer not null references service_points,
  from_ts timestamptz not null,
  to_ts timestamptz,
  check (to_ts is null or to_ts > from_ts)
);
create unique index installations_open on installations (meter_id) where to_ts is null;

create table occupancies (
  id integer generated always as identity primary key,
  customer_id integer not null references customers,
  service_point_id integer not null references service_points,
  from_date date not null,
  to_date date,
  check (to_date is null or to_date > from_date)
);
create unique index occupancies_open on occupancies (service_point_id) where to_date is null;

create table tariff_assignments (
  id integer generated always as identity primary key,
  service_point_id integer not null references service_points,
  tariff_id integer not null references tariffs,
  from_date date not null,
  to_date date,
  check (to_date is null or to_date > from_date)
);
create unique index tariff_assignments_open on tariff_assignments (service_point_id)
  where to_date is null;
