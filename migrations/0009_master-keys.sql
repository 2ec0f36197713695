-- Under which of the master's static keys a device called last, and which one a token's fingerprint
-- names: the first 4 bytes of SHA-256 of the public key (wire.md 4). Null: not known.

alter table devices add column master_key bytea check (octet_length(master_key) = 4);
alter table enrolment_tokens add column master_key bytea check (octet_length(master_key) = 4);
