-- What somebody has to look at: one row for each thing that is wrong or waits, gathered from what the other tables
-- hold, and what operators said of it. A row goes when its cause is gone.

create table attention (
  id integer generated always as identity primary key,
  -- The same thing has the same key at every look.
  key text not null unique,
  code text not null,
  -- By the severity of the code: 0 info, 1 warn, 2 error, 3 alarm.
  harm smallint not null,
  subject text not null,
  -- Where it is seen or mended.
  href text not null,
  count bigint not null,
  since timestamptz not null,
  last_at timestamptz not null,
  looked_at timestamptz not null,
  -- Seen: still here, somebody knows of it. Muted: hidden until a day. Closed: hidden until it happens again.
  seen_at timestamptz,
  seen_by text,
  muted_until timestamptz,
  muted_by text,
  closed_at timestamptz,
  closed_by text,
  closed_count bigint,
  -- Why it was muted or closed.
  reason text,
  -- The worst first, of those the oldest: (3 - harm) * 10^14 + milliseconds of since.
  rank bigint not null,
  check ((closed_at is null) = (closed_count is null))
);
create index attention_rank on attention (rank, id);

-- Up to which row of a table that is only added to its rows have been gathered.
create table attention_cursors (
  name text primary key,
  id bigint not null
);
insert into attention_cursors values ('exceptions', 0);
