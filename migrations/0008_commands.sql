-- Commands to devices, who gave them, and what became of them: the list is its own audit trail.
-- A row is filled in twice (sent, receipt) and never changed otherwise: a trigger sees to it.

-- number grows per device and is never used twice, also after a restored backup: it is at least the
-- time it was given, in milliseconds. what: the order as docs/wire.md 5.1 names it.
create table commands (
  device_id text not null references devices,
  number bigint not null check (number between 1 and 281474976710655),
  what jsonb not null,
  asked_by text not null check (asked_by <> ''),
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  sent_at timestamptz,
  outcome text check (outcome in ('done', 'refused', 'unknown')),
  detail text not null default '',
  receipt_at timestamptz,
  primary key (device_id, number),
  check ((outcome is null) = (receipt_at is null))
);
create index commands_open on commands (device_id, number) where outcome is null;

create function keep_command() returns trigger language plpgsql as $$
begin
  if tg_op <> 'UPDATE' then
    raise exception 'a command is never deleted';
  end if;
  if old.outcome is not null
    or (old.sent_at is not null and new.sent_at is distinct from old.sent_at)
    or (new.device_id, new.number, new.what, new.asked_by, new.created_at, new.expires_at)
      is distinct from
      (old.device_id, old.number, old.what, old.asked_by, old.created_at, old.expires_at) then
    raise exception 'a command is filled in once and never changed';
  end if;
  return new;
end $$;
create trigger commands_are_final before update or delete on commands
  for each row execute function keep_command();
create trigger commands_stay before truncate on commands
  for each statement execute function keep_command();

-- Grows with every command given and every receipt: a master notices by one cheap read.
insert into counters values ('commands', 0);
