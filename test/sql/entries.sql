-- Rules of a time entry: start, stop, edit, delete, overlap, days.
SET timezone = 'UTC';
SELECT date_trunc('second', now()) AS now \gset
SELECT test.new_user('entry-ann', 'Europe/Berlin') AS ann, test.new_user('entry-bob') AS bob \gset
SELECT test.new_project(:ann, 'Entries', 'public') AS project, test.new_project(:ann, 'Secret') AS secret \gset

-- A timer starts now, another one ends it at its own start.
SELECT entry_id AS first, stopped_entry_id FROM timetrackr.start_entry(:ann, :project, :'now'::timestamptz - interval '2 hours') \gset
SELECT stopped_entry_id = :first AS switched, duration_seconds, (SELECT array_agg(b.name ORDER BY b.name) FROM unnest(badges_awarded) b) AS badges
FROM timetrackr.start_entry(:ann, :project, :'now'::timestamptz - interval '1 hour');
SELECT duration_seconds, flagged FROM timetrackr.entry(:ann, :first);
SELECT entry_id AS second FROM timetrackr.current_entry(:ann) \gset

-- Its start must be later than that of the running one.
SELECT replace(test.refusal(format('SELECT timetrackr.start_entry(%s, %s, now() - interval ''90 minutes'')', :ann, :project)), ': ' || :'second', ': SECOND');

-- Stopping gives duration, badges and streak; stopping again gives the same answer.
SELECT duration_seconds, flagged, (SELECT array_agg(b.name ORDER BY b.name) FROM unnest(badges_awarded) b) AS badges, current_streak_days >= 1 AS streak
FROM timetrackr.stop_entry(:ann, :second, :'now'::timestamptz - interval '10 minutes');
SELECT duration_seconds, flagged, (SELECT array_agg(b.name ORDER BY b.name) FROM unnest(badges_awarded) b) AS badges, current_streak_days >= 1 AS streak
FROM timetrackr.stop_entry(:ann, :second);
SELECT (test.refusal(format('SELECT timetrackr.stop_entry(%s, %s, now())', :ann, :second))) ~ '^TT409 entry_already_ended end_time {"entry_id": \d+, "end_time": "[0-9T:-]+Z"}$' AS refused;

-- Back-to-back entries do not overlap; a second less does.
SELECT entry_id AS manual, duration_seconds FROM timetrackr.start_entry(:ann, :project,
    '2026-03-02 09:00+00', '2026-03-02 10:00+00', 'morning', '{deep,work}') \gset
SELECT duration_seconds FROM timetrackr.start_entry(:ann, :project, '2026-03-02 10:00+00', '2026-03-02 11:00+00');
SELECT duration_seconds FROM timetrackr.start_entry(:ann, :project, '2026-03-02 08:00+00', '2026-03-02 09:00+00');
SELECT replace(test.refusal(format('SELECT timetrackr.start_entry(%s, %s, ''2026-03-02 09:59:59+00'', ''2026-03-02 10:00+00'')', :ann, :project)), ': ' || :'manual', ': MANUAL');
SELECT replace(test.refusal(format('SELECT timetrackr.start_entry(%s, %s, ''2026-03-02 09:10+00'', ''2026-03-02 09:20+00'')', :ann, :project)), ': ' || :'manual', ': MANUAL');
SELECT test.refusal(format('SELECT timetrackr.start_entry(%s, %s, ''2026-03-02 07:00+00'', ''2026-03-02 12:00+00'')', :ann, :project)) LIKE 'TT409 entry_overlaps start_time {"entry_id": %}' AS refused;
-- So does an entry under a timer that runs, and a timer over an entry.
SELECT entry_id AS running FROM timetrackr.start_entry(:ann, :project, now() - interval '5 minutes') \gset
SELECT replace(test.refusal(format('SELECT timetrackr.start_entry(%s, %s, now() - interval ''4 minutes'', now() - interval ''3 minutes'')', :ann, :project)), ': ' || :'running', ': RUNNING');
SELECT timetrackr.delete_entry(:ann, :running);
SELECT test.refusal(format('SELECT timetrackr.start_entry(%s, %s, ''2026-03-01 00:00+00'')', :ann, :project)) LIKE 'TT409 entry_overlaps%' AS refused;
-- A wide entry is found from far inside it.
INSERT INTO timetrackr.time_entries (user_id, project_id, start_time, end_time)
VALUES (:ann, :project, '2026-01-01 00:00+00', '2026-01-20 00:00+00');
SELECT test.refusal(format('SELECT timetrackr.start_entry(%s, %s, ''2026-01-19 00:00+00'', ''2026-01-19 01:00+00'')', :ann, :project)) LIKE 'TT409 entry_overlaps%' AS refused;
-- Rows of one statement may not overlap each other either, and nothing of it stays.
SELECT test.refusal(format('INSERT INTO timetrackr.time_entries (user_id, project_id, start_time, end_time) VALUES (%1$s, %2$s, ''2026-02-01 00:00Z'', ''2026-02-01 02:00Z''), (%1$s, %2$s, ''2026-02-01 01:00Z'', ''2026-02-01 03:00Z'')', :ann, :project)) LIKE 'TT409 entry_overlaps%' AS refused;
SELECT count(*) FROM timetrackr.list_entries(:ann, "from" => '2026-02-01Z', "to" => '2026-02-02Z');

-- Settings change the rules.
SET timetrackr.overlap = 'allow';
BEGIN;
SELECT duration_seconds FROM timetrackr.start_entry(:ann, :project, '2026-03-02 09:10+00', '2026-03-02 09:20+00');
SELECT count(*) AS differences FROM timetrackr.verify();
ROLLBACK;
RESET timetrackr.overlap;
SET timetrackr.running_timer = 'reject';
SELECT entry_id AS running FROM timetrackr.start_entry(:ann, :project, now() - interval '5 minutes') \gset
SELECT replace(test.refusal(format('SELECT timetrackr.start_entry(%s, %s)', :ann, :project)), ': ' || :'running', ': RUNNING');
RESET timetrackr.running_timer;
SELECT timetrackr.delete_entry(:ann, :running);

-- Times: whole seconds, in order, not in the future, not for ever.
SELECT start_time, end_time, duration_seconds FROM timetrackr.update_entry(:ann, :manual,
    start_time => '2026-03-02 09:00:00.999+00', end_time => '2026-03-02 09:59:59.999+00');
SELECT test.refusal(format('SELECT timetrackr.start_entry(%s, %s, now() + interval ''2 minutes'')', :ann, :project));
SELECT test.refusal(format('SELECT timetrackr.start_entry(%s, %s, now() - interval ''2 minutes'', now() + interval ''2 minutes'')', :ann, :project));
SELECT test.refusal(format('SELECT timetrackr.start_entry(%s, %s, ''2026-05-01'', ''2026-05-01'')', :ann, :project));
SELECT test.refusal(format('SELECT timetrackr.start_entry(%s, %s, ''2026-05-01'', ''2026-04-01'')', :ann, :project));
SELECT test.refusal(format('SELECT timetrackr.start_entry(%s, %s, ''infinity'')', :ann, :project));
SELECT test.refusal(format('SELECT timetrackr.start_entry(%s, %s, ''-infinity'', ''2026-05-01'')', :ann, :project));
SELECT test.refusal(format('SELECT timetrackr.start_entry(%s, %s, ''0044-03-15 BC'', ''2026-05-01'')', :ann, :project));
SELECT test.refusal(format('SELECT timetrackr.start_entry(%s, %s, ''2026-05-01'', ''294276-12-31'')', :ann, :project));
SELECT test.refusal(format('SELECT timetrackr.start_entry(%s, %s, end_time => ''2026-05-01'')', :ann, :project));
SELECT test.refusal(format('SELECT timetrackr.stop_entry(%s, %s, ''infinity'')', :ann, :manual)) LIKE 'TT409 entry_already_ended%' AS refused;

-- Stopping always succeeds, even within the second of the start; the next timer follows it.
SELECT entry_id AS quick FROM timetrackr.start_entry(:ann, :project) \gset
SELECT duration_seconds >= 1 AS stopped FROM timetrackr.stop_entry(:ann, :quick);
SELECT entry_id AS next FROM timetrackr.start_entry(:ann, :project) \gset
SELECT duration_seconds >= 1 AS stopped FROM timetrackr.stop_entry(:ann, :next);
SELECT entry_id AS third FROM timetrackr.start_entry(:ann, :project) \gset
SELECT duration_seconds >= 1 AS stopped FROM timetrackr.stop_entry(:ann, :third);
SELECT timetrackr.delete_entry(:ann, :quick), timetrackr.delete_entry(:ann, :next), timetrackr.delete_entry(:ann, :third);

-- Longer than max_entry: kept whole, flagged, and counting nothing until edited.
SELECT seconds AS before FROM timetrackr.user_totals WHERE user_id = :ann \gset
SELECT entry_id AS long, duration_seconds FROM timetrackr.start_entry(:ann, :project, '2026-04-01 00:00+00', '2026-04-02 00:00:01+00') \gset
SELECT duration_seconds, flagged FROM timetrackr.entry(:ann, :long);
SELECT seconds - :before AS counted FROM timetrackr.user_totals WHERE user_id = :ann;
SELECT duration_seconds, flagged FROM timetrackr.update_entry(:ann, :long, end_time => '2026-04-02 00:00+00');
SELECT seconds - :before AS counted FROM timetrackr.user_totals WHERE user_id = :ann;

-- Who may log: members only; viewers never; nobody on an archived project.
SELECT test.refusal(format('SELECT timetrackr.start_entry(%s, %s)', :bob, :project));
SELECT test.refusal(format('SELECT timetrackr.start_entry(%s, %s)', :bob, :secret));
SELECT test.refusal(format('SELECT timetrackr.start_entry(%s, 999999)', :bob));
INSERT INTO timetrackr.project_members (project_id, user_id, role) VALUES (:project, :bob, 'viewer');
SELECT test.refusal(format('SELECT timetrackr.start_entry(%s, %s)', :bob, :project));
SELECT test.refusal(format('INSERT INTO timetrackr.time_entries (user_id, project_id, start_time) VALUES (%s, %s, now())', :bob, :project));
UPDATE timetrackr.projects SET archived_at = now() WHERE id = :project;
SELECT test.refusal(format('SELECT timetrackr.start_entry(%s, %s)', :ann, :project));
UPDATE timetrackr.projects SET archived_at = NULL WHERE id = :project;

-- Somebody else's entry is not there.
SELECT test.refusal(format('SELECT timetrackr.stop_entry(%s, %s)', :bob, :manual));
SELECT test.refusal(format('SELECT timetrackr.update_entry(%s, %s, note => ''mine'')', :bob, :manual));
SELECT test.refusal(format('SELECT timetrackr.delete_entry(%s, %s)', :bob, :manual));
SELECT count(*) FROM timetrackr.entry(:bob, :manual);
SELECT test.refusal('SELECT timetrackr.start_entry(NULL, 1)');
SELECT test.refusal('SELECT timetrackr.start_entry(999999, 1)');
SELECT test.refusal(format('SELECT timetrackr.start_entry(%s, NULL)', :ann));

-- Editing: only what is given; null clears what may be empty.
SELECT note, tags, project_id = :project AS same_project FROM timetrackr.update_entry(:ann, :manual, note => 'changed');
SELECT note, tags FROM timetrackr.update_entry(:ann, :manual, given => '{note,tags}');
SELECT project_id = :secret AS moved FROM timetrackr.update_entry(:ann, :manual, project_id => :secret);
SELECT test.refusal(format('SELECT timetrackr.update_entry(%s, %s, given => ''{start_time}'')', :ann, :manual));
SELECT test.refusal(format('SELECT timetrackr.update_entry(%s, %s, tags => ''{a,NULL}'')', :ann, :manual));
SELECT test.refusal(format('SELECT timetrackr.update_entry(%s, %s, tags => array_fill(''x''::text, ARRAY[21]))', :ann, :manual));
SELECT test.refusal(format('SELECT timetrackr.update_entry(%s, %s, tags => ARRAY[repeat(''x'', 51)])', :ann, :manual));
SELECT test.refusal(format('SELECT timetrackr.update_entry(%s, %s, note => repeat(''x'', 2001))', :ann, :manual));
-- Reopening makes it run again, unless another one does.
SELECT entry_id AS latest FROM timetrackr.list_entries(:ann, "limit" => 1) \gset
SELECT end_time, duration_seconds FROM timetrackr.update_entry(:ann, :latest, given => '{end_time}');
SELECT test.refusal(format('SELECT timetrackr.update_entry(%s, %s, given => ''{end_time}'')', :ann, :manual)) LIKE 'TT409 entry_running {"entry_id": %}' AS refused;
SELECT flagged FROM timetrackr.stop_entry(:ann, :latest);

-- Plain SQL can't forge what the server sets.
UPDATE timetrackr.time_entries SET duration = 1000000, flagged = true, created_at = '2000-01-01' WHERE user_id = :ann AND id = :manual;
SELECT duration, flagged, created_at > '2026-01-01' AS created_kept FROM timetrackr.time_entries WHERE user_id = :ann AND id = :manual;
SELECT test.refusal(format('UPDATE timetrackr.time_entries SET user_id = %s WHERE id = %s', :bob, :manual));
SELECT test.refusal(format('UPDATE timetrackr.time_entries SET id = 123456 WHERE id = %s', :manual));
SELECT test.refusal(format('UPDATE timetrackr.time_entries SET timezone = ''Mars/Base'' WHERE id = %s', :manual));

-- Plain SQL gets the same names: for a second running entry, and for a user that is not there.
INSERT INTO timetrackr.time_entries (user_id, project_id, start_time) VALUES (:ann, :project, now()) RETURNING id AS running \gset
SELECT replace(test.refusal(format('INSERT INTO timetrackr.time_entries (user_id, project_id, start_time) VALUES (%s, %s, now())', :ann, :project)), ': ' || :'running', ': RUNNING');
SELECT replace(test.refusal(format('UPDATE timetrackr.time_entries SET end_time = NULL WHERE id = %s', :manual)), ': ' || :'running', ': RUNNING');
SELECT test.refusal(format('INSERT INTO timetrackr.time_entries (user_id, project_id, start_time) VALUES (0, %s, now())', :project));
SELECT timetrackr.delete_entry(:ann, :running);

-- The zone is frozen when the entry is made; across midnight it is cut in that zone.
SELECT test.new_user('entry-cut', 'America/New_York') AS cut \gset
SELECT test.new_project(:cut, 'Cut') AS cut_project \gset
INSERT INTO timetrackr.time_entries (user_id, project_id, start_time, end_time)
VALUES (:cut, :cut_project, '2026-03-08 03:30+00', '2026-03-09 03:30+00'),
    (:cut, :cut_project, '2026-03-09 03:30+00', '2026-03-09 04:30+00');
UPDATE timetrackr.users SET timezone = 'Asia/Tokyo' WHERE id = :cut;
SELECT timezone FROM timetrackr.time_entries WHERE user_id = :cut;
SELECT day, seconds FROM timetrackr.day_totals WHERE user_id = :cut ORDER BY day;

-- One statement over many rows, an upsert, and TRUNCATE keep everything true.
INSERT INTO timetrackr.time_entries (user_id, project_id, start_time, end_time)
SELECT :cut, :cut_project, t, t + interval '30 minutes'
FROM generate_series(timestamptz '2026-04-01Z', '2026-04-30Z', interval '7 hours') t;
UPDATE timetrackr.time_entries SET start_time = start_time + interval '10 minutes' WHERE user_id = :cut;
DELETE FROM timetrackr.time_entries WHERE user_id = :cut AND start_time > '2026-04-20Z';
INSERT INTO timetrackr.time_entries (user_id, id, project_id, start_time, end_time)
SELECT user_id, id, project_id, start_time, end_time FROM timetrackr.time_entries WHERE user_id = :cut
ON CONFLICT (user_id, id) DO UPDATE SET end_time = excluded.end_time + interval '1 minute';
SELECT entries, seconds FROM timetrackr.user_totals WHERE user_id = :cut;
SELECT * FROM timetrackr.verify();
BEGIN;
TRUNCATE timetrackr.time_entries;
SELECT sum(seconds) AS seconds FROM timetrackr.user_totals;
SELECT * FROM timetrackr.verify();
ROLLBACK;

-- A savepoint rolled back leaves nothing behind.
BEGIN;
SAVEPOINT before_start;
SELECT stopped_entry_id FROM timetrackr.start_entry(:cut, :cut_project);
ROLLBACK TO before_start;
SELECT count(*) FROM timetrackr.current_entry(:cut);
SELECT stopped_entry_id FROM timetrackr.start_entry(:cut, :cut_project);
COMMIT;
SELECT * FROM timetrackr.verify();

-- Deleting a user deletes all of it.
DELETE FROM timetrackr.users WHERE id = :cut;
SELECT count(*) FROM timetrackr.scores WHERE user_id = :cut;
SELECT * FROM timetrackr.verify();
