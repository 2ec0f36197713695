-- Plaintext of a run's first frame: the heads that its later frames name by a number. Written once, with
-- the position's row; without it a frame that comes after a restart of the master could not be read.
alter table stream_positions add column opener bytea;
