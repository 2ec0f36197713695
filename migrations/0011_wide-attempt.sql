-- The enrolment attempt is a u32 on the wire (wire.md 3); integer held half of them.
alter table devices alter column attempt type bigint;
