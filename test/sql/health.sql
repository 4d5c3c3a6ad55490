-- The view health: what it finds, and that a monitoring role sees that and nothing else.
SET timezone = 'UTC';
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_tt_monitor;
RESET client_min_messages;
CREATE ROLE regress_tt_monitor;
SELECT test.new_user('health-ann') AS ann \gset
SELECT test.new_project(:ann, 'Health') AS project \gset
BEGIN;
TRUNCATE timetrackr.outbox, timetrackr.dead_events;

-- All is well but for the relay, which the tests have none of.
SELECT name, status, value, unit FROM timetrackr.health WHERE name NOT IN ('forgotten_timers', 'dead_rows', 'never_analyzed');
SELECT name, status IN ('ok', 'warning') AS judged, value >= 0 AS found, unit
FROM timetrackr.health WHERE name IN ('forgotten_timers', 'dead_rows', 'never_analyzed');

-- Events that wait, that fail, and that have failed for good.
INSERT INTO timetrackr.outbox (topic, created_at) VALUES ('health', now() - interval '40 s');
SELECT name, status, value >= 40 AS old, detail FROM timetrackr.health WHERE name = 'outbox_age';
UPDATE timetrackr.outbox SET created_at = now() - interval '1 hour', attempts = 2;
INSERT INTO timetrackr.dead_events (id, topic, payload, created_at, attempts) VALUES (1, 'health', '{}', now(), 12);
SELECT name, status, detail FROM timetrackr.health
WHERE name IN ('outbox_age', 'retrying_events', 'dead_events', 'relay_leader');
SELECT timetrackr.try_to_lead(false) AS leads;
SELECT name, status, value, detail FROM timetrackr.health WHERE name = 'relay_leader';
SELECT pg_advisory_unlock(8391171951110545260) AS leads_no_more;

-- What is to be sent, and is not.
TRUNCATE timetrackr.webhooks, timetrackr.webhook_deliveries, timetrackr.mails;
INSERT INTO timetrackr.mails (user_id, kind, run_at) VALUES (:ann, 'password_changed', now() - interval '2 hours');
SELECT name, status, value, unit, detail FROM timetrackr.health WHERE name ~ '_(deliveries|webhooks|mails)$';
UPDATE timetrackr.mails SET attempts = 1;
INSERT INTO timetrackr.webhooks (user_id, url, secret, enabled, disabled_reason, failing_since)
VALUES (:ann, 'https://a.example/', '', true, NULL, now()), (:ann, 'https://b.example/', '', false, 'failing', now()), (:ann, 'https://c.example/', '', false, NULL, NULL);
INSERT INTO timetrackr.webhook_deliveries (user_id, webhook_id, message_id, topic, payload, status, created_at)
SELECT w.user_id, w.id, 'evt_1', 'ping', '{}', s, now() - interval '5 minutes' FROM timetrackr.webhooks w, unnest('{pending,delivered,failed}'::text[]) s;
SELECT name, status, floor(value / 60) AS of_sixty, detail FROM timetrackr.health WHERE name ~ '^late_';
SELECT name, status, value, detail FROM timetrackr.health WHERE name ~ '_(deliveries|webhooks|mails)$' AND name !~ '^late_';
-- New ones count from when they were written down, others from when they are due.
UPDATE timetrackr.webhook_deliveries SET status = 'new' WHERE status = 'pending';
SELECT status, floor(value / 60) AS minutes FROM timetrackr.health WHERE name = 'late_deliveries';
UPDATE timetrackr.webhook_deliveries SET status = 'pending' WHERE status = 'new';
UPDATE timetrackr.webhooks SET due_at = now() - interval '20 minutes';
SELECT status, floor(value / 60) AS minutes, detail FROM timetrackr.health WHERE name = 'late_deliveries';

-- A timer that is forgotten.
SELECT value AS forgotten FROM timetrackr.health WHERE name = 'forgotten_timers' \gset
SELECT count(*) FROM timetrackr.start_entry(:ann, :project, now() - interval '23 hours');
SELECT value - :forgotten AS forgotten FROM timetrackr.health WHERE name = 'forgotten_timers';
SET LOCAL timetrackr.max_entry = '22h';
SELECT value > :forgotten AS forgotten FROM timetrackr.health WHERE name = 'forgotten_timers';

-- What is switched off, or not valid.
ALTER TABLE timetrackr.time_entries DISABLE TRIGGER timetrackr_entry_inserted;
DROP TRIGGER timetrackr_badge_before ON timetrackr.badges;
ALTER TABLE timetrackr.media ADD CONSTRAINT media_small CHECK (length(bytes) < 10) NOT VALID;
SELECT name, status, value, detail FROM timetrackr.health WHERE name IN ('triggers_off', 'not_valid');
ROLLBACK;

-- A monitoring role sees the checks, and nothing else; before it is granted not even those.
GRANT USAGE ON SCHEMA test TO regress_tt_monitor;
GRANT EXECUTE ON FUNCTION test.refusal(text) TO regress_tt_monitor;
SET ROLE regress_tt_monitor;
SELECT test.refusal('SELECT * FROM timetrackr.health') AS health;
RESET ROLE;
SELECT timetrackr.grant_monitor('regress_tt_monitor');
SELECT timetrackr.grant_monitor('regress_tt_monitor');
SET ROLE regress_tt_monitor;
SELECT count(*) > 5 AS checks, bool_and(status IN ('ok', 'warning', 'critical')) AS judged FROM timetrackr.health;
SELECT v.name, test.refusal('SELECT * FROM timetrackr.' || v.name)
FROM unnest(ARRAY['users', 'time_entries', 'outbox', 'dead_events', 'meta', 'relay_status()', 'health_of_relay()', 'report_days']) v (name);
RESET ROLE;
DROP OWNED BY regress_tt_monitor;
DROP ROLE regress_tt_monitor;
