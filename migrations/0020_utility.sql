-- Whose system this is, as entered on pages: one row each for the profile, the mail server and the SMS gateway. What
-- the environment sets stands above them. docs/operating.md.

-- A logo is kept for ever under its hash: bills that show it never change.
create table utility_logos (
  hash bytea primary key check (octet_length(hash) = 32),
  type text not null check (type in ('image/png', 'image/jpeg')),
  width integer not null check (width > 0),
  height integer not null check (height > 0),
  content bytea not null,
  added_at timestamptz not null default now()
);

-- name null: no bill is issued. zone, currency, billed_from null: not said.
-- billed_from: the first day that is billed, where a contract does not say otherwise.
-- skipped: steps of the first-run checklist that do not apply here.
create table utility (
  id integer primary key default 1 check (id = 1),
  name text check (name <> ''),
  address text not null default '',
  contact text not null default '',
  payment text[] not null default '{}',
  legal text not null default '',
  currency text,
  zone text,
  billed_from date,
  issuing text not null default 'by hand' check (issuing in ('by hand', 'automatic')),
  public_url text,
  logo bytea references utility_logos,
  skipped text[] not null default '{}',
  version integer not null default 1
);
-- Where bills go out already, they go on doing so by themselves.
insert into utility (issuing)
  select case when exists (select from bills) then 'automatic' else 'by hand' end;

-- secret: wrapped, and bound to where it is sent (server, port, security and login).
create table mail_service (
  id integer primary key default 1 check (id = 1),
  host text not null,
  port integer not null check (port between 1 and 65535),
  tls text not null check (tls in ('none', 'starttls', 'implicit')),
  login text not null,
  sender text not null,
  secret bytea,
  version integer not null default 1
);
create table sms_service (
  id integer primary key default 1 check (id = 1),
  kind text not null check (kind in ('twilio', 'kannel')),
  base text not null,
  login text not null,
  sender text not null,
  secret bytea,
  version integer not null default 1
);
