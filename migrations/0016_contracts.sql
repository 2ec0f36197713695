-- Who is supplied where, by which meters and under which terms: contracts instead of bare occupancies and
-- tariff assignments. Everything by period; what is a fact of today (a name, an address) is changed in place and
-- its history is in `changes`. docs/billing.md.

-- Who changed what, and why: a row as it was and as it is. Only added to.
create table changes (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  who text not null check (who <> ''),
  why text not null check (why <> ''),
  -- 'customer', 'service point', 'meter', 'contract', 'term', 'installation', ...; row_id within it.
  what text not null,
  row_id integer not null,
  -- The import that brought it, if one did.
  import_id integer,
  -- Null before: it was made; null after: it was taken back.
  before jsonb,
  after jsonb,
  check (before is not null or after is not null)
);
create index changes_row on changes (what, row_id, id);
create index changes_import on changes (import_id) where import_id is not null;
create function refuse_rewriting() returns trigger language plpgsql as $$
begin
  raise exception 'the record of changes is only added to';
end $$;
create trigger changes_stay before update or delete on changes
  for each row execute function refuse_rewriting();

-- Two people editing one row: the second is told. The version grows with every change.
alter table customers add column version integer not null default 1;
alter table service_points add column version integer not null default 1;

-- medium: what it measures. billed_by: the OBIS codes whose sum is billed, in the order they are printed; null: the
-- total import register where the meter has one, otherwise the sum of its tariff registers (T1 + T2 ...).
alter table meters add column make text not null default '';
alter table meters add column medium text not null default 'electricity'
  check (medium in ('electricity', 'water', 'heat', 'gas'));
alter table meters add column billed_by text[] check (cardinality(billed_by) between 1 and 8);
alter table meters add column version integer not null default 1;

-- A meter is at one place at a time; a place may have several meters. main_meter_id: it stands behind that meter.
alter table installations add column main_meter_id integer references meters;
alter table installations add check (main_meter_id <> meter_id);
alter table installations add exclude using gist
  (int4range(meter_id, meter_id, '[]') with &&, tstzrange(from_ts, to_ts) with &&);
create index installations_point on installations (service_point_id, from_ts);

-- The supply of one service point to one customer, from a local date to another; to_date null: still so.
-- billed_from: the first day that is billed here; what was before, somebody else has billed.
create table contracts (
  id integer generated always as identity primary key,
  number text not null unique,
  customer_id integer not null references customers,
  service_point_id integer not null references service_points,
  from_date date not null,
  to_date date,
  billed_from date not null,
  version integer not null default 1,
  created_at timestamptz not null default now(),
  check (to_date > from_date),
  check (billed_from >= from_date),
  exclude using gist (int4range(service_point_id, service_point_id, '[]') with &&,
    daterange(from_date, to_date) with &&)
);
create function number_contract() returns trigger language plpgsql as $$
begin
  if new.number is null then
    new.number := 'K' || lpad(new.id::text, 6, '0');
    while exists (select from contracts where number = new.number) loop
      new.number := new.number || 'A';
    end loop;
  end if;
  return new;
end $$;
create trigger contracts_numbered before insert on contracts
  for each row execute function number_contract();
create index contracts_customer on contracts (customer_id);
create index contracts_point on contracts (service_point_id, from_date);

-- What was agreed, from a date until the next row's. tariff_id null: none yet, and then there is no bill.
-- missing: when a reading at the edge of a period is missing, wait for it or estimate it.
create table contract_terms (
  id integer generated always as identity primary key,
  contract_id integer not null references contracts on delete cascade,
  from_date date not null,
  tariff_id integer references tariffs,
  cycle text not null default 'month' check (cycle in ('month')),
  missing text not null default 'wait' check (missing in ('wait', 'estimate')),
  unique (contract_id, from_date)
);
create index contract_terms_tariff on contract_terms (tariff_id);

-- A register as somebody read it: at an installation's beginning or end, or by a technician or customer
-- in between. It counts once it is approved, and then never changes.
create table manual_readings (
  id integer generated always as identity primary key,
  meter_id integer not null references meters,
  obis text not null,
  unit smallint not null,
  ts timestamptz not null,
  value bigint not null,
  exponent smallint not null,
  kind text not null check (kind in ('opening', 'closing', 'technician', 'customer')),
  -- Where its photo is kept, in the operator's own words.
  photo text not null default '',
  note text not null default '',
  state text not null default 'waiting' check (state in ('waiting', 'approved', 'refused')),
  entered_at timestamptz not null default now(),
  entered_by text not null check (entered_by <> ''),
  decided_at timestamptz,
  decided_by text,
  decided_why text,
  check ((state = 'waiting') = (decided_at is null))
);
create unique index manual_readings_key on manual_readings (meter_id, obis, ts) where state = 'approved';
create index manual_readings_waiting on manual_readings (entered_at) where state = 'waiting';

-- Occupancies become contracts, the assignments of their service point become their terms. Billed from where the
-- first whole period could begin: not before a meter hung there.
insert into contracts (customer_id, service_point_id, from_date, to_date, billed_from)
select o.customer_id, o.service_point_id, o.from_date, o.to_date,
  least(greatest(o.from_date, coalesce((
    select case when (i.from_ts at time zone p.zone)::time = '00:00' then (i.from_ts at time zone p.zone)::date
      else (i.from_ts at time zone p.zone)::date + 1 end
    from installations i where i.service_point_id = o.service_point_id order by i.from_ts limit 1
  ), o.from_date)), coalesce(o.to_date - 1, 'infinity'))
from occupancies o join service_points p on p.id = o.service_point_id
where exists (select from pg_timezone_names where name = p.zone) or p.zone = 'UTC'
order by o.id;
insert into contracts (customer_id, service_point_id, from_date, to_date, billed_from)
select o.customer_id, o.service_point_id, o.from_date, o.to_date, o.from_date
from occupancies o where not exists (select from contracts c
  where c.service_point_id = o.service_point_id and c.from_date = o.from_date)
order by o.id;
insert into contract_terms (contract_id, from_date, tariff_id)
select c.id, greatest(a.from_date, c.from_date), a.tariff_id
from contracts c join tariff_assignments a on a.service_point_id = c.service_point_id
  and daterange(a.from_date, a.to_date) && daterange(c.from_date, c.to_date)
on conflict do nothing;
insert into contract_terms (contract_id, from_date, tariff_id)
select c.id, a.to_date, null
from contracts c join tariff_assignments a on a.service_point_id = c.service_point_id
  and a.to_date > c.from_date and (c.to_date is null or a.to_date < c.to_date)
on conflict do nothing;
insert into contract_terms (contract_id, from_date, tariff_id)
select id, from_date, null from contracts on conflict do nothing;

alter table bills add column contract_id integer references contracts;
alter table bills disable trigger bills_are_final;
update bills b set contract_id = c.id from contracts c
  where c.customer_id = b.customer_id and c.service_point_id = b.service_point_id
    and daterange(c.from_date, c.to_date) @> b.period_from;
alter table bills enable trigger bills_are_final;
alter table bills alter column contract_id set not null;
create unique index bills_contract on bills (contract_id, period_from);
create index bills_customer on bills (customer_id, id);

drop table occupancies;
drop table tariff_assignments;

-- The periods that have to be billed, one row for each contract and period that is over. Whatever keeps a bill from
-- being made is a state here, with its code, what it says and since when; none is ever dropped.
--   unseen   not looked at yet
--   waiting  for something that may still come by itself (a reading)
--   blocked  until somebody mends what the code names
--   ready    could be issued
--   billed   bill_id says by which bill
--   exempt   not to be billed, by somebody's word
create table bill_periods (
  contract_id integer not null references contracts on delete cascade,
  period_from date not null,
  period_to date not null,
  state text not null default 'unseen'
    check (state in ('unseen', 'waiting', 'blocked', 'ready', 'billed', 'exempt')),
  code text,
  detail text not null default '',
  since timestamptz not null default now(),
  due_at timestamptz not null default now(),
  bill_id bigint references bills,
  primary key (contract_id, period_from),
  check (period_to > period_from),
  check ((state = 'billed') = (bill_id is not null))
);
create index bill_periods_board on bill_periods (period_from, state, code);
create index bill_periods_due on bill_periods (due_at) where state not in ('billed', 'exempt');
insert into bill_periods (contract_id, period_from, period_to, state, bill_id, since)
select contract_id, period_from, period_to, 'billed', id, issued_at from bills;
