-- The list of newest values goes on behind a time, a meter and a register together: thousands are stored at once.
create index last_values_heard on last_values (stored_at, meter_id, register_id);
drop index last_values_stored_at;
