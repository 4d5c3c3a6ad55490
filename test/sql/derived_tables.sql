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

-- Entries and projects are written by key, too. Constraints and triggers that
-- their owner adds hold in sessions that have written before.
\set VERBOSITY terse
BEGIN;
ALTER TABLE timetrackr.time_entries ADD CONSTRAINT no_essays CHECK (length(note) < 5);
SELECT test.refusal(format('SELECT timetrackr.start_entry(%s, %s, note => ''an essay'')', :dee, :one));
CREATE FUNCTION test.is_polite(note text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT note <> 'rude' $$;
ALTER TABLE timetrackr.time_entries DROP CONSTRAINT no_essays, ADD CONSTRAINT polite CHECK (test.is_polite(note));
SELECT test.refusal(format('SELECT timetrackr.start_entry(%s, %s, note => ''rude'')', :dee, :one));
CREATE OR REPLACE FUNCTION test.is_polite(note text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT note <> 'an essay' $$;
SELECT test.refusal(format('SELECT timetrackr.start_entry(%s, %s, note => ''an essay'')', :dee, :one));
ROLLBACK;
BEGIN;
CREATE TABLE test.told (n integer GENERATED ALWAYS AS IDENTITY, what text);
CREATE FUNCTION test.tell()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO test.told (what) VALUES (format('%s %s %s of %s', TG_ARGV[0], TG_WHEN, TG_OP, TG_TABLE_NAME));
    RETURN NEW;
END
$$;
CREATE TRIGGER tell_before BEFORE INSERT OR UPDATE ON timetrackr.time_entries FOR EACH STATEMENT EXECUTE FUNCTION test.tell('statement');
CREATE TRIGGER tell_after AFTER INSERT OR UPDATE ON timetrackr.time_entries FOR EACH STATEMENT EXECUTE FUNCTION test.tell('statement');
CREATE TRIGGER tell_end AFTER UPDATE OF end_time ON timetrackr.time_entries FOR EACH ROW EXECUTE FUNCTION test.tell('end');
CREATE TRIGGER tell_note AFTER UPDATE OF note ON timetrackr.time_entries FOR EACH ROW EXECUTE FUNCTION test.tell('note');
CREATE TRIGGER tell_visibility BEFORE UPDATE OF visibility ON timetrackr.projects FOR EACH ROW EXECUTE FUNCTION test.tell('visibility');
ALTER TABLE timetrackr.projects ADD COLUMN seen text GENERATED ALWAYS AS (upper(visibility)) STORED;
SELECT entry_id AS entry FROM timetrackr.start_entry(:dee, :one) \gset
SELECT flagged FROM timetrackr.stop_entry(:dee, :entry);
SELECT timetrackr.set_visibility(:dee, :one, 'public');
SELECT visibility, seen FROM timetrackr.projects WHERE id = :one;
SELECT what FROM test.told ORDER BY n;
SELECT * FROM timetrackr.verify(:dee);
ROLLBACK;
-- Nothing is written where nothing may be.
BEGIN READ ONLY;
SELECT timetrackr.start_entry(:dee, :one);
ROLLBACK;
BEGIN READ ONLY;
SELECT timetrackr.create_project(:dee, 'Read only', '', 'private');
ROLLBACK;
\set VERBOSITY default
