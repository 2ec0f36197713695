-- Readings entered by hand are listed, the newest first, and looked up by meter to see what is beside one.
create index manual_readings_entered on manual_readings (entered_at, id);
create index manual_readings_meter on manual_readings (meter_id, obis, ts);
create index manual_readings_by on manual_readings (entered_by, entered_at);
