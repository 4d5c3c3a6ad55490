-- Whom Redis and SQL must agree about: those for whom no event waits.
SELECT test.new_user('audit-ann') AS ann, test.new_user('audit-bob') AS bob \gset
TRUNCATE timetrackr.outbox;
SELECT timetrackr.settled_users(ARRAY[:ann, :bob]) = ARRAY[:ann, :bob]::bigint[] AS both;
INSERT INTO timetrackr.outbox (topic, payload, run_at) VALUES
    ('audit', format('{"user_id": %s}', :ann)::jsonb, now() + interval '1 hour'),
    ('audit', '[1]', now()),
    ('audit', '{}', now());
SELECT timetrackr.settled_users(ARRAY[:ann, :bob]) = ARRAY[:bob]::bigint[] AS not_ann;
SELECT timetrackr.settled_users('{}') AS nobody, timetrackr.settled_users('{0}') AS no_user;

-- While a long outbox waits nobody is settled.
INSERT INTO timetrackr.outbox (topic)
SELECT 'audit' FROM generate_series(4, 10000);
SELECT timetrackr.settled_users(ARRAY[:bob]) = ARRAY[:bob]::bigint[] AS still;
INSERT INTO timetrackr.outbox (topic) VALUES ('audit');
SELECT timetrackr.settled_users(ARRAY[:bob]) AS nobody_now;
TRUNCATE timetrackr.outbox;

-- The relay may ask; nobody else.
SELECT p.prosecdef AS definer, has_function_privilege('public', p.oid, 'EXECUTE') AS everybody
FROM pg_proc p
WHERE p.oid = 'timetrackr.settled_users(bigint[])'::regprocedure;
