-- Imports of files: what was in which file, and what became of it. The lines themselves are staged in temporary
-- tables of one transaction (customers/db/imports), so nothing of a file is ever stored by half.

-- state: uploaded (columns are being mapped), checking, checked (a dry run is shown), applying, applied, undoing,
-- undone, refused (the file as a whole, with its code), interrupted (the program ended while it worked).
create table imports (
  id integer generated always as identity primary key,
  kind text not null,
  file_name text not null,
  bytes bigint not null,
  sha256 text not null,
  -- The headers, plain: what a mapping is remembered under.
  header_key text not null default '',
  headers text[] not null default '{}',
  -- Encoding, delimiter, decimal mark, order of dates, zone, and the mapping of columns.
  options jsonb not null default '{}',
  state text not null default 'uploaded' check (state in ('uploaded', 'checking', 'checked', 'applying',
    'applied', 'undoing', 'undone', 'refused', 'interrupted')),
  phase text not null default '',
  done integer not null default 0,
  total integer not null default 0,
  -- Lines, refused lines, and rows that are new, changed and equal, by what they are.
  counts jsonb,
  -- Of what the dry run showed: an import that would do anything else is not applied.
  digest text,
  code text,
  detail text not null default '',
  uploaded_at timestamptz not null default now(),
  uploaded_by text not null check (uploaded_by <> ''),
  applied_at timestamptz,
  applied_by text,
  undone_at timestamptz,
  undone_by text
);
create index imports_headers on imports (kind, header_key, id);

-- The file, in parts of at most a megabyte. Dropped after a month; the rest of the import stays.
create table import_parts (
  import_id integer not null references imports on delete cascade,
  no integer not null,
  content bytea not null,
  primary key (import_id, no)
);

create table import_refusals (
  import_id integer not null references imports on delete cascade,
  line integer not null,
  no integer not null,
  -- Where the column belongs; null: the line itself.
  target text,
  reason text not null,
  remedy text not null,
  primary key (import_id, line, no)
);

-- The first of what would be new and changed, field by field.
create table import_previews (
  import_id integer not null references imports on delete cascade,
  no integer not null,
  what text not null,
  state text not null check (state in ('new', 'changed')),
  key text not null,
  line integer not null,
  -- [{ "field", "before", "after" }]
  fields jsonb not null,
  primary key (import_id, no)
);

-- The lines of a file while they are compared: temporary tables that go with the transaction. The working role may
-- create none, so these two functions do it with their owner's rights, and nothing else.
create function make_import_stage() returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  create temporary table pg_temp.s_line (
    line integer, customer text, name text, address text, email text, phone text, language text,
    point text, point_address text, zone text, meter text, make text, medium text,
    digits smallint, multiplier integer, billed_by text, installed timestamp, removed timestamp,
    main_meter text, contract text, from_date date, to_date date, billed_from date, tariff text,
    tariff_from date, missing text) on commit drop;
  create temporary table pg_temp.s_reading (
    line integer, target text, meter text, obis text, unit smallint, value bigint,
    exponent smallint, kind text, at timestamp, photo text, note text) on commit drop;
  create temporary table pg_temp.s_refusal (
    no integer generated always as identity, line integer, target text, reason text, remedy text)
    on commit drop;
  create temporary table pg_temp.s_customer (
    number text, line integer, name text, address text, email text, phone text, language text,
    id integer, version integer, state text, before jsonb) on commit drop;
  create temporary table pg_temp.s_point (
    code text, line integer, address text, zone text,
    id integer, version integer, state text, before jsonb) on commit drop;
  create temporary table pg_temp.s_meter (
    number text, line integer, make text, medium text, digits smallint, multiplier integer,
    billed_by text[], id integer, version integer, state text, before jsonb) on commit drop;
  create temporary table pg_temp.s_installation (
    meter text, point text, line integer, from_ts timestamptz, to_ts timestamptz, main_meter text,
    meter_id integer, point_id integer, id integer, state text, before jsonb) on commit drop;
  create temporary table pg_temp.s_contract (
    no integer generated always as identity, line integer, number text, customer text, point text,
    from_date date, to_date date, billed_from date, tariff text, tariff_from date, missing text,
    point_id integer, id integer, version integer, state text, before jsonb,
    tariff_id integer, term_id integer, term_state text, term_before jsonb) on commit drop;
  create temporary table pg_temp.s_manual (
    line integer, target text, meter text, meter_id integer, obis text, unit smallint, ts timestamptz,
    value bigint, exponent smallint, kind text, photo text, note text, state text,
    amount numeric, held numeric, held_unit smallint) on commit drop;
  create temporary table pg_temp.s_undo (
    change_id bigint, what text, row_id integer, made boolean, before jsonb, after jsonb) on commit drop;

  create index on s_line (line);
  create index on s_reading (line);
  create index on s_customer (number);
  create index on s_point (code);
  create index on s_meter (number);
  create index on s_installation (meter);
  create index on s_contract (point);
  execute format('grant all on s_line, s_reading, s_refusal, s_customer, s_point,
    s_meter, s_installation, s_contract, s_manual, s_undo to %I', session_user);
end $$;
-- Only what statements are planned by: the columns that rows are joined on.
create function analyse_import_stage(part text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if part = 'lines' then
    analyze s_line (line, customer, point, meter), s_reading (line, meter), s_refusal (line);
  elsif part = 'parties' then
    analyze s_customer (number, id), s_point (code, id), s_meter (number, id);
  elsif part = 'periods' then
    analyze s_installation (meter, id), s_contract (point, id, no), s_manual (meter, meter_id);
  end if;
end $$;
