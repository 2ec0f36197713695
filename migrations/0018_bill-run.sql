-- The bill run that loses nobody: periods are made and looked at again when something that they rest on changes; what
-- a ready one would come to is kept beside it. docs/billing.md, "The bill run".

-- Of a ready period: what its bill would say, as it was last looked at. energy in kWh, amount in the currency.
alter table bill_periods add column looked_at timestamptz;
alter table bill_periods add column energy numeric;
alter table bill_periods add column amount numeric;
alter table bill_periods add column currency text;
alter table bill_periods add column tariff_version_id integer references tariff_versions;

-- Who issued a bill: an operator, or 'the bill clerk'. Null: before this was kept.
alter table bills add column issued_by text;

-- The board and its lists ask for what is not billed; how many are billed, the number series knows.
drop index bill_periods_board;
create index bill_periods_open on bill_periods (period_from, state, code, contract_id) where state <> 'billed';
create index bill_periods_ready on bill_periods (period_from, contract_id) where state = 'ready';
create index bill_periods_fresh on bill_periods (due_at)
  where looked_at is null and state not in ('billed', 'exempt');

-- No day of a contract is billed twice, however its periods were cut meanwhile.
alter table bills add constraint bills_once exclude using gist
  (int4range(contract_id, contract_id, '[]') with &&, daterange(period_from, period_to) with &&);

-- Up to which month (its first day is not included) the contracts of a zone have their periods.
create table bill_tilings (
  zone text primary key,
  tiled_to date not null
);

-- All ready bills of a month are to be issued, by somebody's word: those that were ready then.
create table bill_orders (
  month date primary key check (extract(day from month) = 1),
  ordered_at timestamptz not null,
  ordered_by text not null check (ordered_by <> '')
);

-- Contracts whose periods have to be cut or looked at again: something changed that they rest on. Only added to and
-- taken away, so that whoever enters something waits for nobody.
create table bill_marks (
  id bigint generated always as identity primary key,
  contract_id integer not null
);

create function mark_contracts() returns trigger language plpgsql as $$
begin
  insert into bill_marks (contract_id) select id from changed;
  return null;
end $$;
create function mark_terms() returns trigger language plpgsql as $$
begin
  insert into bill_marks (contract_id) select distinct contract_id from changed;
  return null;
end $$;
create function mark_places() returns trigger language plpgsql as $$
begin
  insert into bill_marks (contract_id) select c.id from contracts c
    where c.service_point_id in (select service_point_id from changed);
  return null;
end $$;
create function mark_points() returns trigger language plpgsql as $$
begin
  insert into bill_marks (contract_id) select c.id from contracts c where c.service_point_id in (select id from changed);
  return null;
end $$;
create function mark_meters() returns trigger language plpgsql as $$
begin
  insert into bill_marks (contract_id) select distinct c.id from contracts c
    join installations i on i.service_point_id = c.service_point_id
    where i.meter_id in (select id from changed);
  return null;
end $$;
create function mark_readings() returns trigger language plpgsql as $$
begin
  insert into bill_marks (contract_id) select distinct c.id from contracts c
    join installations i on i.service_point_id = c.service_point_id
    where i.meter_id in (select meter_id from changed);
  return null;
end $$;
create function mark_tariffs() returns trigger language plpgsql as $$
begin
  insert into bill_marks (contract_id) select distinct contract_id from contract_terms
    where tariff_id in (select tariff_id from changed);
  return null;
end $$;

create trigger contracts_made after insert on contracts
  referencing new table as changed for each statement execute function mark_contracts();
create trigger contracts_changed after update on contracts
  referencing new table as changed for each statement execute function mark_contracts();
create trigger terms_made after insert on contract_terms
  referencing new table as changed for each statement execute function mark_terms();
create trigger terms_changed after update on contract_terms
  referencing new table as changed for each statement execute function mark_terms();
create trigger terms_removed after delete on contract_terms
  referencing old table as changed for each statement execute function mark_terms();
create trigger installations_made after insert on installations
  referencing new table as changed for each statement execute function mark_places();
create trigger installations_changed after update on installations
  referencing new table as changed for each statement execute function mark_places();
create trigger installations_removed after delete on installations
  referencing old table as changed for each statement execute function mark_places();
create trigger points_changed after update on service_points
  referencing new table as changed for each statement execute function mark_points();
create trigger meters_changed after update on meters
  referencing new table as changed for each statement execute function mark_meters();
create trigger manual_readings_made after insert on manual_readings
  referencing new table as changed for each statement execute function mark_readings();
create trigger manual_readings_changed after update on manual_readings
  referencing new table as changed for each statement execute function mark_readings();
create trigger tariffs_published after insert on tariff_versions
  referencing new table as changed for each statement execute function mark_tariffs();

-- A contract keeps what was billed of it.
create function keep_billed() returns trigger language plpgsql as $$
declare
  kept bills%rowtype;
begin
  select * into kept from bills b where b.contract_id = new.id
    and (b.period_from < greatest(new.from_date, new.billed_from) or b.period_to > new.to_date)
    order by b.period_to desc limit 1;
  if found then
    raise exception 'BIL-26: contract % is billed from % to % (bill %)',
      new.number, kept.period_from, kept.period_to, kept.number
      using errcode = 'check_violation', constraint = 'contracts_keep_billed';
  end if;
  return new;
end $$;
create trigger contracts_keep_billed before update on contracts for each row
  when ((old.from_date, old.to_date, old.billed_from) is distinct from (new.from_date, new.to_date, new.billed_from))
  execute function keep_billed();
