-- When a meter counts as silent: each register says by when news of it is due, from how long it usually takes.

-- Longest usual wait between two news of the register, seconds; a longer one counts at once and is forgotten
-- slowly. Null: there was no second one yet.
alter table last_values add column usual_s integer;
-- Without news until then it is silent (readings/core/silence.ts).
alter table last_values add column due_at timestamptz not null default now() + interval '26 hours';
update last_values set due_at = stored_at + interval '26 hours';
create index last_values_due on last_values (due_at, meter_id);

create or replace view standing_values as
  select * from last_values r where not exists (select from set_aside s
    where s.device_no = r.device_no and s.lifted_at is null
      and (s.meter_id is null or s.meter_id = r.meter_id)
      and (s.from_at is null or r.sealed_at >= s.from_at)
      and (s.to_at is null or r.sealed_at < s.to_at));
