-- Bills and the notices about them. An issued bill never changes: a trigger sees to it.

create table bill_series (
  series text primary key,
  next integer not null
);

-- period: local dates [from, to) of the service point. total: minor units of the currency.
-- content: the whole bill (billing/core/bill): readings, lines, tax, tariff hash, rounding rules.
create table bills (
  id bigint generated always as identity primary key,
  number text not null unique,
  customer_id integer not null references customers,
  service_point_id integer not null references service_points,
  period_from date not null,
  period_to date not null,
  tariff_version_id integer not null references tariff_versions,
  currency text not null,
  total bigint not null,
  content jsonb not null,
  hash text not null,
  issued_at timestamptz not null,
  due_on date not null,
  unique (customer_id, service_point_id, period_from)
);

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'an issued bill never changes';
end $$;
create trigger bills_are_final before update or delete on bills
  for each row execute function refuse_change();
create trigger bills_stay before truncate on bills
  for each statement execute function refuse_change();

-- One notice per bill and channel; written in the bill's own transaction.
create table notices (
  id bigint generated always as identity primary key,
  bill_id bigint not null references bills,
  channel text not null check (channel in ('email', 'sms')),
  address text not null,
  subject text,
  body text not null,
  state text not null default 'queued' check (state in ('queued', 'sent', 'failed')),
  attempts integer not null default 0,
  next_attempt_at timestamptz not null default now(),
  last_fault text,
  provider_id text,
  sent_at timestamptz,
  created_at timestamptz not null default now(),
  unique (bill_id, channel)
);
create index notices_due on notices (next_attempt_at) where state = 'queued';
