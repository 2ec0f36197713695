-- Closed epochs go only by the word of their slave, after days of grace, or by an operator's
-- (docs/wire.md 6.5). drained_at: set aside, its keys wrapped under the key of that day; nothing of it
-- is loaded until a CONFIRM names it. named_at: when CONFIRM named it last. let_go_at: given up by an
-- operator; keys and positions are gone, the row tells masters that hold it in memory.
alter table epochs
  add column drained_at timestamptz,
  add column named_at timestamptz,
  add column let_go_at timestamptz;

-- What masters load and wrap anew every hour: few rows among the many that wait out their grace.
create index epochs_in_use on epochs (device_id, id) where drained_at is null and let_go_at is null;
create index epochs_drained on epochs (drained_at) where drained_at is not null;
create index epochs_let_go on epochs (let_go_at) where let_go_at is not null;
