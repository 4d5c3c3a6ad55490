-- Derived tables are their owner's to alter: the extension writes their rows
-- by key and minds what was added, and refuses what it could not read.
SET timezone = 'UTC';
SELECT test.new_user('derived-dee') AS dee \gset
SELECT test.new_project(:dee, 'Derived') AS one \gset
-- This session knows the tables as they were.
SELECT duration_seconds FROM timetrackr.start_entry(:dee, :one, '2024-05-01 08:00Z', '2024-05-01 09:00Z');

-- New columns get their defaults, and keep what is in them.
BEGIN;
ALTER TABLE timetrackr.scores ADD COLUMN tenant integer NOT NULL DEFAULT 7;
ALTER TABLE timetrackr.timeline_events ADD COLUMN tenant text NOT NULL DEFAULT 'none' || '!';
UPDATE timetrackr.scores SET tenant = 8 WHERE user_id = :dee AND period = 'all';
SELECT duration_seconds FROM timetrackr.start_entry(:dee, :one, '2024-06-01 08:00Z', '2024-06-01 09:00Z');
SELECT period, period_start, seconds, tenant FROM timetrackr.scores WHERE user_id = :dee ORDER BY 1, 2;
SELECT tenant, count(*) FROM timetrackr.timeline_events WHERE user_id = :dee GROUP BY 1;
SELECT * FROM timetrackr.verify(:dee);
ROLLBACK;

-- Columns may have gone, and come in another order.
BEGIN;
SELECT timetrackr.rebuild(:dee);
ALTER TABLE timetrackr.standing_moves DROP COLUMN from_bucket;
ALTER TABLE timetrackr.standing_moves ADD COLUMN from_bucket bigint;
SELECT duration_seconds FROM timetrackr.start_entry(:dee, :one, '2024-05-01 10:00Z', '2024-05-01 11:00Z');
SELECT * FROM timetrackr.verify();
ROLLBACK;

-- Row triggers see each row before and after.
BEGIN;
CREATE TABLE test.seen (operation text, seconds_before bigint, seconds_after bigint);
CREATE FUNCTION test.see()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO test.seen VALUES (TG_OP, CASE WHEN TG_OP <> 'INSERT' THEN OLD.seconds END, CASE WHEN TG_OP <> 'DELETE' THEN NEW.seconds END);
    RETURN NULL;
END
$$;
CREATE TRIGGER see AFTER INSERT OR UPDATE OR DELETE ON timetrackr.project_totals FOR EACH ROW EXECUTE FUNCTION test.see();
CREATE TRIGGER see AFTER INSERT OR UPDATE OR DELETE ON timetrackr.scores FOR EACH ROW WHEN (pg_trigger_depth() > 0) EXECUTE FUNCTION test.see();
SELECT entry_id AS entry FROM timetrackr.start_entry(:dee, :one, '2024-07-01 08:00Z', '2024-07-01 08:30Z') \gset
SELECT timetrackr.delete_entry(:dee, :entry);
SELECT operation, seconds_before, seconds_after, count(*) FROM test.seen GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
ROLLBACK;

-- What can't be read or written safely is an error that says so.
\set VERBOSITY terse
BEGIN;
ALTER TABLE timetrackr.standing_moves ALTER to_bucket TYPE integer;
SELECT timetrackr.start_entry(:dee, :one, '2024-08-01 08:00Z', '2024-08-01 08:30Z');
ROLLBACK;
BEGIN;
ALTER TABLE timetrackr.scores DROP CONSTRAINT scores_pkey;
SELECT timetrackr.start_entry(:dee, :one, '2024-08-01 08:00Z', '2024-08-01 08:30Z');
ROLLBACK;
BEGIN;
DROP INDEX timetrackr.time_entries_start;
SELECT timetrackr.start_entry(:dee, :one, '2024-08-01 08:00Z', '2024-08-01 08:30Z');
ROLLBACK;
BEGIN;
ALTER TABLE timetrackr.outbox RENAME TO outbox_of_old;
CREATE VIEW timetrackr.outbox AS SELECT * FROM timetrackr.outbox_of_old;
SELECT timetrackr.start_entry(:dee, :one, '2024-08-01 08:00Z', '2024-08-01 08:30Z');
ROLLBACK;

-- A row that should be there and is not: somebody wrote past the triggers.
BEGIN;
DELETE FROM timetrackr.scores WHERE user_id = :dee AND period = 'month';
SELECT test.refusal('DELETE FROM timetrackr.time_entries WHERE user_id = ' || :dee);
ROLLBACK;
\set VERBOSITY default

-- Older tables hang on users by a foreign key; install() takes it away.
ALTER TABLE timetrackr.user_totals ADD CONSTRAINT user_totals_user_id_fkey FOREIGN KEY (user_id) REFERENCES timetrackr.users ON DELETE CASCADE;
SELECT timetrackr.install();
SELECT count(*) AS foreign_keys FROM pg_constraint WHERE conrelid = 'timetrackr.user_totals'::regclass AND contype = 'f';
BEGIN;
DELETE FROM timetrackr.users WHERE id = :dee;
SELECT count(*) AS totals_left FROM timetrackr.user_totals WHERE user_id = :dee;
SELECT * FROM timetrackr.verify();
ROLLBACK;
BEGIN;
SET LOCAL client_min_messages = warning;
TRUNCATE timetrackr.users CASCADE;
SELECT count(*) AS totals_left FROM timetrackr.user_totals;
ROLLBACK;
SELECT * FROM timetrackr.verify();
