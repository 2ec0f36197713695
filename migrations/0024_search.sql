-- Search as people type it: any part of a number, name, address, e-mail or phone, whatever the case and the accents.

-- Letters without their marks and in lower case. Letters that have no decomposition are spelt out.
do $$
declare
  -- The default collation of a server in C lowers ASCII alone.
  letters text := case when exists (select from pg_collation where collname = 'und-x-icu')
    then ' collate "und-x-icu"' else '' end;
begin
  execute format($body$
    create function search_fold(t text) returns text language sql immutable parallel safe
    return replace(replace(replace(translate(
      lower(regexp_replace(normalize(t, NFKD), %L, '', 'g')%s),
      'łøđħıŧ', 'lodhit'), 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe')
  $body$, '[' || chr(768) || '-' || chr(879) || ']', letters);
end $$;

alter table customers add column search text not null generated always as (
  search_fold(number || ' ' || name || ' ' || address || ' ' || coalesce(email, '') || ' ' ||
    coalesce(phone, ''))) stored;
alter table service_points add column search text not null generated always as (
  search_fold(code || ' ' || address)) stored;

-- Any part of a text by index, where the server has the extension and lets us have it. Without it the search
-- reads the whole column: slower, and the same answer.
do $$
begin
  create extension if not exists pg_trgm;
exception when others then
  raise notice 'pg_trgm is not there: searching reads whole columns';
end $$;
do $$
begin
  if exists (select from pg_extension where extname = 'pg_trgm') then
    create index customers_search on customers using gin (search gin_trgm_ops);
    create index service_points_search on service_points using gin (search gin_trgm_ops);
    create index contracts_search on contracts using gin (search_fold(number) gin_trgm_ops);
    create index meters_search on meters using gin (search_fold(number) gin_trgm_ops);
  end if;
exception when others then
  raise notice 'no index for searching: %', sqlerrm;
end $$;

-- The orders of the lists.
create index customers_by_name on customers (name, id);
create index contracts_by_from on contracts (from_date, id);
create index contracts_ended on contracts (to_date) where to_date is not null;
create index customers_mailless on customers (id) where email is null;
create index service_points_by_address on service_points (address, id);
