-- Who may look: operators with a password, customers by link. Only hashes of secrets are kept.

create table operators (
  id integer generated always as identity primary key,
  name text not null unique,
  password text not null,
  created_at timestamptz not null default now()
);

create table sessions (
  hash bytea primary key,
  operator_id integer references operators,
  customer_id integer references customers,
  expires_at timestamptz not null,
  created_at timestamptz not null default now(),
  check ((operator_id is null) <> (customer_id is null))
);

-- purpose 'setup' makes the first operator; 'customer' opens that customer's own pages.
create table links (
  hash bytea primary key,
  purpose text not null check (purpose in ('setup', 'customer')),
  customer_id integer references customers,
  expires_at timestamptz not null,
  used_at timestamptz,
  created_at timestamptz not null default now(),
  check ((purpose = 'customer') = (customer_id is not null))
);
