-- Webhooks: what is written down for whom, signatures, retries, disabling; and mails likewise.
SET timezone = 'UTC';
SELECT test.new_user('hook-ann') AS ann, test.new_user('hook-bob') AS bob \gset
SELECT test.new_project(:ann, 'Hook open', 'public') AS open, test.new_project(:ann, 'Hook secret') AS secret \gset

-- The signature of Standard Webhooks' own example.
SELECT timetrackr.webhook_signature(decode('MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'base64'), NULL, 'msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}');
SELECT timetrackr.webhook_signature('\x01', '\x02', 'a.1.{}') = timetrackr.webhook_signature('\x01', NULL, 'a.1.{}') || ' ' || timetrackr.webhook_signature('\x02', NULL, 'a.1.{}') AS both,
    timetrackr.webhook_signature(NULL, '\x02', 'a') IS NULL AS none, length(timetrackr.random_token()) AS token,
    timetrackr.webhook_body('ping', '2026-03-02 10:00:00.25Z', '{"a": "\"\u00fc"}') AS body;

-- What the relay does with the outbox, in one transaction.
CREATE FUNCTION test.relay()
RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    place text := (SELECT position FROM timetrackr.relay);
BEGIN
    PERFORM timetrackr.finish_events(ARRAY(SELECT event_id FROM timetrackr.claim_events(500, 0)), place, place || '.');
END
$$;
CREATE FUNCTION test.deliveries(reader bigint)
RETURNS TABLE (hook text, topic text, status text, attempts integer)
LANGUAGE sql
AS $$
    SELECT w.description, d.topic, d.status, d.attempts
    FROM timetrackr.webhook_deliveries d
    JOIN timetrackr.webhooks w ON w.user_id = d.user_id AND w.id = d.webhook_id
    WHERE d.user_id = reader
    ORDER BY d.id
$$;
SELECT test.relay();

-- Nothing is written down while nobody has a webhook, nor for one that is disabled.
SELECT webhook_id AS off FROM timetrackr.create_webhook(:ann, 'https://a.example/off', description => 'off', enabled => false) \gset
SELECT count(timetrackr.start_entry(:ann, :open, '2025-05-05 08:00Z', '2025-05-05 09:00Z'));
SELECT test.relay();
SELECT * FROM test.deliveries(:ann);

-- Topics; one's own, and those of projects one may see.
SELECT count(timetrackr.start_entry(:ann, :open, '2025-05-05 10:00Z', '2025-05-05 11:00Z'));
SELECT webhook_id AS all_of_ann FROM timetrackr.create_webhook(:ann, 'https://a.example/all', description => 'all') \gset
SELECT webhook_id AS entries FROM timetrackr.create_webhook(:ann, 'https://a.example/entries', '{time_entry_completed}', description => 'entries') \gset
SELECT webhook_id AS of_project FROM timetrackr.create_webhook(:bob, 'https://b.example/', '{time_entry_completed}', ARRAY[:open], 'project') \gset
-- Not what happened before they were there, though it is relayed later.
SELECT test.relay();
SELECT * FROM test.deliveries(:ann) UNION ALL SELECT * FROM test.deliveries(:bob);
SELECT count(timetrackr.start_entry(:ann, :open, '2025-05-06 08:00Z', '2025-05-06 09:00Z'));
SELECT count(timetrackr.start_entry(:ann, :secret, '2025-05-07 08:00Z', '2025-05-07 09:00Z'));
SELECT test.relay();
SELECT DISTINCT hook, topic FROM test.deliveries(:ann) WHERE topic = 'time_entry_completed' ORDER BY 1;
SELECT * FROM test.deliveries(:bob);
SELECT test.refusal(format('SELECT timetrackr.create_webhook(%s, ''https://b.example/'', project_ids => ARRAY[%s])', :bob, :secret));
SELECT test.refusal(format('SELECT timetrackr.create_webhook(%s, %L)', :bob, u)) FROM unnest('{http://x.example/,ftp://x.example/,https://,https://a@b.example/}'::text[]) u;
SELECT url FROM timetrackr.create_webhook(:bob, 'http://127.0.0.1:8080/x', enabled => false, allow_private => true);

-- Claimed one a webhook, the oldest first, and not again while it is under way.
SELECT count(*) AS claimed, count(DISTINCT url) AS urls, bool_and(signature LIKE 'v1,%' AND body LIKE '{"type": "%' AND message_id LIKE 'evt_%') AS signed FROM timetrackr.claim_deliveries(10);
SELECT count(*) AS none FROM timetrackr.claim_deliveries(10);
SELECT timetrackr.outbound_wait(false) BETWEEN 50000 AND 60000 AS for_the_lease;
-- A new sender takes over what the one before had under way.
SELECT timetrackr.begin_outbound();
SELECT count(*) AS claimed FROM timetrackr.claim_deliveries(1);
SELECT timetrackr.begin_outbound();
UPDATE timetrackr.webhook_deliveries SET attempts = 0;

-- Bob's: it fails, and is tried again later, no matter what is added.
SELECT user_id, delivery_id FROM timetrackr.claim_deliveries(10) WHERE user_id = :bob \gset
SELECT timetrackr.finish_delivery(:user_id, :delivery_id, 0, 'no route', 0);
SELECT status, attempts, last_status, last_error, run_at - now() BETWEEN interval '4 s' AND interval '6 s' AS soon FROM timetrackr.webhook_deliveries WHERE id = :delivery_id;
SELECT failures, failing_since = now() OR failing_since > now() - interval '1 minute' AS failing, due_at >= paused_until AS paused FROM timetrackr.webhooks WHERE id = :of_project;
SELECT timetrackr.finish_delivery(:user_id, :delivery_id, 503, NULL, 7200);
SELECT last_status, last_error, run_at > now() + interval '110 minutes' AS as_asked FROM timetrackr.webhook_deliveries WHERE id = :delivery_id;
SELECT paused_until > now() + interval '110 minutes' AS whole_address FROM timetrackr.webhooks WHERE id = :of_project;
-- The owner need not wait.
SELECT timetrackr.retry_webhook_delivery(:bob, :of_project, :delivery_id);
SELECT timetrackr.begin_outbound();
-- Who may not see the project any more is not told what waits.
UPDATE timetrackr.projects SET visibility = 'private' WHERE id = :open;
SELECT count(*) AS none FROM timetrackr.claim_deliveries(10) WHERE user_id = :bob;
SELECT status, last_error FROM timetrackr.webhook_deliveries WHERE id = :delivery_id;
UPDATE timetrackr.projects SET visibility = 'public' WHERE id = :open;
-- Ten attempts, growing further apart.
SELECT attempts, timetrackr.webhook_retry_delay(attempts::integer) BETWEEN nominal * 0.9 AND nominal * 1.1 AS waits
FROM unnest('{5 s,5 min,30 min,2 h,5 h,10 h,14 h,20 h,24 h}'::interval[]) WITH ORDINALITY n (nominal, attempts);
SELECT timetrackr.webhook_retry_delay(10) IS NULL AS the_last;
UPDATE timetrackr.webhook_deliveries SET status = 'pending', attempts = 10, project_id = NULL WHERE id = :delivery_id;
SELECT timetrackr.finish_delivery(:bob, :delivery_id, 500, NULL, 0);
SELECT status, attempts, last_error FROM timetrackr.webhook_deliveries WHERE id = :delivery_id;
SELECT timetrackr.finish_delivery(:bob, -1, 200, NULL, 0) IS NULL AS gone_meanwhile;

-- 2xx forgives; 410 and five days disable and tell.
SELECT timetrackr.finish_delivery(:bob, :delivery_id, 204, NULL, 0);
SELECT failures, failing_since, paused_until, enabled FROM timetrackr.webhooks WHERE id = :of_project;
SELECT timetrackr.finish_delivery(:bob, :delivery_id, 410, NULL, 0);
SELECT enabled, disabled_reason, due_at FROM timetrackr.webhooks WHERE id = :of_project;
SELECT kind, payload - 'webhook_id' AS payload FROM timetrackr.list_notifications(:bob);
SELECT test.refusal(format('SELECT timetrackr.test_webhook(%s, %s)', :bob, :of_project));
SELECT enabled, disabled_reason FROM timetrackr.update_webhook(:bob, :of_project, enabled => true);
UPDATE timetrackr.webhooks SET failing_since = now() - interval '121 hours' WHERE id = :of_project;
SELECT timetrackr.finish_delivery(:bob, :delivery_id, 500, NULL, 0);
SELECT timetrackr.delete_webhook(:bob, :of_project);
SELECT count(*) AS left FROM timetrackr.webhook_deliveries WHERE webhook_id = :of_project;

-- Secrets are nobody's but the signer's.
CREATE ROLE test_hooks;
SELECT timetrackr.grant_api('test_hooks'), timetrackr.grant_analyst('test_hooks');
GRANT USAGE ON SCHEMA test TO test_hooks;
GRANT EXECUTE ON FUNCTION test.refusal(text) TO test_hooks;
SET ROLE test_hooks;
SELECT test.refusal('SELECT secret FROM timetrackr.webhooks') AS secret, test.refusal('SELECT previous_secret FROM timetrackr.webhooks') AS previous,
    test.refusal('SELECT w FROM timetrackr.webhooks w') AS whole_row, test.refusal('UPDATE timetrackr.webhooks SET url = ''x''') AS change,
    test.refusal('SELECT * FROM timetrackr.password_resets') AS resets, test.refusal('SELECT * FROM timetrackr.mails') AS mails,
    test.refusal('SELECT * FROM timetrackr.mail_key') AS key, test.refusal('SELECT timetrackr.new_password_reset(1)') AS token,
    test.refusal('SELECT timetrackr.unsubscribe_token(1)') AS unsubscribe, test.refusal('SELECT timetrackr.random_token()') AS random;
SELECT count(*) > 0 AS own FROM timetrackr.list_webhooks(:ann);
RESET ROLE;
DROP OWNED BY test_hooks;
DROP ROLE test_hooks;

-- Mails: of notifications for who wants them, each once.
SELECT test.relay();
SELECT email_notifications FROM timetrackr.update_me(:ann, email_notifications => 'important');
INSERT INTO timetrackr.notifications (user_id, kind, payload) VALUES (:ann, 'badge_awarded', '{"name": "x"}'), (:ann, 'project_deleted', '{"project_name": "Gone"}'), (:bob, 'project_deleted', '{"project_name": "Gone"}');
SELECT test.relay();
SELECT kind, urgent, status FROM timetrackr.mails WHERE user_id IN (:ann, :bob);
SELECT mail_id, address, name, subject, body, reset_token IS NULL AS no_token, unsubscribe_token FROM timetrackr.claim_mails(10) \gset
SELECT :'address' AS address, :'name' AS name, :'subject' AS subject, :'body' AS body, :'no_token' AS no_token;
SELECT count(*) AS under_way FROM timetrackr.claim_mails(10);
SELECT timetrackr.finish_mail(:ann, :mail_id, 451, 'later');
SELECT status, attempts, last_error FROM timetrackr.mails WHERE id = :mail_id;
UPDATE timetrackr.mails SET run_at = now() WHERE id = :mail_id;
SELECT mail_id = :mail_id AS again FROM timetrackr.claim_mails(10);
SELECT timetrackr.finish_mail(:ann, :mail_id, 250, NULL);
SELECT status, last_error FROM timetrackr.mails WHERE id = :mail_id;
SELECT test.refusal('SELECT timetrackr.unsubscribe(''1-00'')') AS forged, test.refusal(format('SELECT timetrackr.unsubscribe(%L)', 1 || :'unsubscribe_token')) AS for_another;
SELECT timetrackr.unsubscribe(:'unsubscribe_token');
SELECT email_notifications FROM timetrackr.me(:ann);
-- Single kinds; whatever is named twice counts once, and never goes first.
SELECT email_notifications, email_also, email_never FROM timetrackr.update_me(:ann, email_also => '{streak_reached,badge_awarded,badge_awarded}', email_never => '{role_changed}');
SELECT email_also, email_never FROM timetrackr.update_me(:ann, email_never => '{streak_reached}', given => '{email_also,email_never}');
SELECT test.refusal(format('SELECT timetrackr.update_me(%s, email_also => %L)', :ann, k)) FROM unnest(ARRAY['{Badge}', '{""}', '{a-b}', '{9}', format('{%s}', repeat('k', 51)), (SELECT array_agg('k' || n)::text FROM generate_series(1, 51) n)]) k;
SELECT level, kind, timetrackr.is_mailed(kind, level, '{badge_awarded}', '{role_changed}')
FROM unnest('{none,important,all}'::text[]) level, unnest('{badge_awarded,streak_reached,member_added,role_changed,own_kind}'::text[]) kind;
-- A token is for one user, and for all kinds or one.
SELECT user_id = :ann AS hers, kind FROM unnest('{NULL,badge_awarded,x9_}'::text[]) k, timetrackr.subscriber(timetrackr.unsubscribe_token(:ann, k));
SELECT test.refusal(format('SELECT timetrackr.unsubscribe(%L)', f)) FROM timetrackr.unsubscribe_token(:ann, 'badge_awarded') t,
    unnest(ARRAY[replace(t, 'badge_awarded', 'badge_taken_back'), replace(t, '-badge_awarded', ''), '1' || t, upper(t), t || '0', '', '-' || t]) f;
SELECT timetrackr.update_me(:ann, email_notifications => 'important', email_also => '{badge_awarded}') IS NULL AS nothing;
SELECT regexp_replace(html, '[0-9]+-[0-9a-f]{64}', 'all', 'g') AS html FROM timetrackr.unsubscribe_page(timetrackr.unsubscribe_token(:ann, 'badge_awarded'));
SELECT timetrackr.unsubscribe(timetrackr.unsubscribe_token(:ann, 'badge_awarded')), timetrackr.unsubscribe(timetrackr.unsubscribe_token(:ann, 'badge_awarded'));
SELECT email_notifications, email_also, email_never FROM timetrackr.me(:ann);
SELECT regexp_replace(html, '[0-9]+-[0-9a-f]{64}', 'all', 'g') AS html FROM timetrackr.unsubscribe_page(timetrackr.unsubscribe_token(:ann, 'badge_awarded'));
SELECT timetrackr.unsubscribe(timetrackr.unsubscribe_token(:ann));
SELECT email_notifications, email_also, email_never FROM timetrackr.me(:ann);
SELECT html LIKE '%No notifications are mailed to you%' AND html NOT LIKE '%<form%' AS nothing_to_end FROM timetrackr.unsubscribe_page(timetrackr.unsubscribe_token(:ann));
-- What each kind says.
SELECT timetrackr.notification_sentence(kind, '{"name": "N", "days": 7, "project_name": "P", "username": "u", "role": "viewer", "from": "viewer", "to": "manager", "duration_seconds": 104400, "url": "https://a.example/", "reason": "gone"}')
FROM unnest('{badge_awarded,badge_taken_back,streak_reached,entry_flagged,member_joined,member_left,member_added,member_removed,role_changed,ownership_received,project_deleted,webhook_disabled,own_kind}'::text[]) kind;

SELECT timetrackr.notification_sentence(kind, payload) FROM unnest('{entry_flagged,webhook_disabled}'::text[]) kind, unnest('{"{\"duration_seconds\": \"x\"}","[1]","null"}'::jsonb[]) payload;

-- A reset: for whoever has a password, told nowhere but in the mail.
SET timetrackr.bcrypt_cost = 4;
SELECT user_id AS cem FROM timetrackr.signup('hook-cem@example.org', 'correct horse', 'hook-cem') \gset
SELECT timetrackr.forgot_password(e) FROM unnest('{HOOK-cem@example.org,hook-ann@example.org,hook-nobody@example.org}'::text[]) e;
SELECT count(*) AS asked FROM timetrackr.password_reset_requests;
SELECT kind, address, reset_token AS token FROM (SELECT split_part(message_id, '.', 1) AS kind, * FROM timetrackr.claim_mails(10)) c \gset
SELECT :'kind' AS kind, :'address' AS address, length(:'token') AS token, (SELECT token_sha256 = sha256(convert_to(:'token', 'UTF8')) FROM timetrackr.password_resets WHERE user_id = :cem) AS only_the_digest;
SELECT count(*) AS asked FROM timetrackr.password_reset_requests;
SELECT test.refusal('SELECT timetrackr.forgot_password(''x'')') AS email, test.refusal('SELECT timetrackr.forgot_password(''a@b.example'', false)') AS no_mail,
    test.refusal(format('SELECT timetrackr.reset_password(%L, ''short'')', :'token')) AS weak, test.refusal('SELECT timetrackr.reset_password(''x'', ''another correct horse'')') AS unknown;
SELECT timetrackr.reset_password(:'token', 'another correct horse');
SELECT test.refusal(format('SELECT timetrackr.reset_password(%L, ''another correct horse'')', :'token')) AS used;
SELECT username FROM timetrackr.login('hook-cem@example.org', 'another correct horse');
SELECT count(*) AS open_sessions FROM timetrackr.refresh_tokens WHERE user_id = :cem AND revoked_at IS NULL AND used_at IS NULL;
SELECT kind, status FROM timetrackr.mails WHERE user_id = :cem ORDER BY id;

-- It goes with the account, and with time.
UPDATE timetrackr.mails SET created_at = now() - interval '15 days' WHERE user_id = :cem;
SELECT timetrackr.tidy_outbound();
SELECT count(*) AS mails FROM timetrackr.mails WHERE user_id = :cem;
DELETE FROM timetrackr.users WHERE id IN (:ann, :bob, :cem);
SELECT count(*) AS webhooks FROM timetrackr.webhooks;
SELECT count(*) AS deliveries FROM timetrackr.webhook_deliveries;
SELECT * FROM timetrackr.verify();

-- A database of before gets all of it from install().
DROP TABLE timetrackr.webhook_deliveries, timetrackr.webhooks, timetrackr.mails, timetrackr.password_resets, timetrackr.password_reset_requests, timetrackr.mail_key;
ALTER TABLE timetrackr.users DROP COLUMN email_notifications, DROP COLUMN email_also, DROP COLUMN email_never;
SELECT timetrackr.install();
SELECT test.new_user('hook-dan') AS dan \gset
SELECT email_notifications, email_also, email_never FROM timetrackr.me(:dan);
SELECT count(*) AS keys FROM timetrackr.mail_key;
