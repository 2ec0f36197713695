-- The list of all meters and the page of one: where a meter hangs and hung, the order in which meters were seen,
-- and the exceptions that name one.
create index installations_meter on installations (meter_id, from_ts);
create index meters_seen on meters (created_at, id);
create index exceptions_meter on exceptions (meter, id) where meter is not null;
