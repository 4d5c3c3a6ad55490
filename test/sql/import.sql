-- Importing files: three formats, faults line by line, duplicates, overlaps,
-- local times around changes of the clock.
SET timezone = 'UTC';
SET datestyle = iso;
SELECT test.new_user('import-ann', 'Europe/Berlin') AS ann, test.new_user('import-bob') AS bob, test.new_user('import-cem') AS cem \gset
SELECT test.new_project(:ann, 'Garden') AS garden \gset

CREATE FUNCTION test.entries(of bigint)
RETURNS TABLE (project text, start_time timestamptz, end_time timestamptz, timezone text, note text, tags text[], source text)
LANGUAGE sql
AS $$
    SELECT p.name, e.start_time, e.end_time, e.timezone, e.note, e.tags, e.source
    FROM timetrackr.time_entries e
    JOIN timetrackr.projects p ON p.id = e.project_id
    WHERE e.user_id = of
    ORDER BY e.start_time, e.id
$$;

-- Our own format: order and case of columns do not matter, most are optional.
SELECT imported, skipped, failed, errors FROM timetrackr.import_entries(:ann,
E'\uFEFFEnd_Time,PROJECT,start_time,note,tags,timezone,whatever\r\n'
'2025-03-01T10:00:00Z,Garden,2025-03-01T09:00:00Z,"weeds, and ""roots""\n twice","a,""b, c""",Asia/Tokyo,x\r\n'
'\r\n'
'2025-03-01T12:00:00.9+01:00,New one,2025-03-01T11:00:00+01:00,,,,\r\n');
SELECT * FROM test.entries(:ann);
-- A project that is made is private and his own.
SELECT name, visibility, owner_id = :ann AS anns FROM timetrackr.projects WHERE owner_id = :ann ORDER BY id;

-- What is there is skipped, and a line that comes twice.
SELECT imported, skipped, failed FROM timetrackr.import_entries(:ann,
'project,start_time,end_time
Garden,2025-03-01T09:00:00Z,2025-03-01T10:00:00Z
Garden,2025-03-02T09:00:00Z,2025-03-02T10:00:00Z
Garden,2025-03-02T09:00:00Z,2025-03-02T10:00:00Z
Fresh,2025-03-03T09:00:00Z,2025-03-03T10:00:00Z
Fresh,2025-03-03T09:00:00Z,2025-03-03T10:00:00Z');

-- Each fault of a line; the rest is stored.
SELECT imported, skipped, failed FROM timetrackr.import_entries(:bob,
'project,start_time,end_time,timezone,note,tags' || E'\n'
'A,2025-01-01T09:00:00Z,2025-01-01T10:00:00Z,,,' || E'\n'
'A,2025-01-01T09:30:00Z,2025-01-01T10:30:00Z,,overlaps a line,' || E'\n'
',2025-01-02T09:00:00Z,2025-01-02T10:00:00Z,,no project,');
SELECT e.line, e.code, regexp_replace(e.detail, 'entry \d+', 'entry N') AS detail FROM timetrackr.import_entries(:bob,
'project,start_time,end_time,timezone,note,tags' || E'\n'
'A,2025-01-01T09:59:59Z,2025-01-01T11:00:00Z,,reaches into an entry,' || E'\n'
'A,2025-01-01T10:00:00Z,2025-01-01T11:00:00Z,,follows it,' || E'\n'
'A,2025-01-03,2025-01-03T11:00:00Z,,,' || E'\n'
'A,2025-02-30T10:00:00Z,2025-03-03T11:00:00Z,,,' || E'\n'
'A,2025-01-03T24:00:00Z,2025-01-04T11:00:00Z,,,' || E'\n'
'A,2025-01-03T10:00:00,2025-01-03T11:00:00,,no offset,' || E'\n'
'A,1850-01-03T10:00:00Z,1850-01-03T11:00:00Z,,,' || E'\n'
'A,2999-01-03T10:00:00Z,2999-01-03T11:00:00Z,,,' || E'\n'
'A,2025-01-03T10:00:00Z,2025-01-03T10:00:00Z,,no length,' || E'\n'
'A,2025-01-03T10:00:00Z,,,runs,' || E'\n'
'A,2025-01-03T10:00:00Z,2025-01-03T11:00:00Z,Mars/Olympus,,' || E'\n'
'A,2025-01-03T10:00:00Z,2025-01-03T11:00:00Z,,' || repeat('x', 2001) || ',' || E'\n'
'A,2025-01-03T10:00:00Z,2025-01-03T11:00:00Z,,,' || repeat('x', 51) || E'\n'
'A,2025-01-03T10:00:00Z,2025-01-03T11:00:00Z,,,"' || repeat('x,', 21) || E'"\n'
|| repeat('x', 201) || ',2025-01-03T10:00:00Z,2025-01-03T11:00:00Z,,,' || E'\n'
'A,"2025"-01-03T10:00:00Z,2025-01-03T11:00:00Z,,,' || E'\n'
'A,2025-01-03T10:00:00Z,2025-01-03T11:00:00Z,,fine,' || E'\n'
'A,2025-01-04T10:00:00Z,2025-01-04T11:00:00Z,,"never closed,') r
CROSS JOIN LATERAL unnest(r.errors) e;
SELECT project, start_time, note FROM test.entries(:bob);

-- Atomic: one fault and nothing is stored, no project made.
SELECT imported, skipped, failed, errors FROM timetrackr.import_entries(:bob,
'project,start_time,end_time
Nowhere,2025-02-01T09:00:00Z,2025-02-01T10:00:00Z
Nowhere,2025-02-01T09:00:00Z,2025-02-01T08:00:00Z', atomic => true);
SELECT count(*) AS made FROM timetrackr.projects WHERE name = 'Nowhere';
SELECT imported, failed FROM timetrackr.import_entries(:bob,
'project,start_time,end_time
Nowhere,2025-02-01T09:00:00Z,2025-02-01T10:00:00Z', atomic => true);
-- Nor is one made for lines that fail.
SELECT imported, failed FROM timetrackr.import_entries(:bob,
'project,start_time,end_time
Nothing,2025-02-01T09:00:00Z,2025-02-01T10:00:00Z');
SELECT count(*) AS made FROM timetrackr.projects WHERE name = 'Nothing';

-- Toggl: local times of the user's zone, no project for some.
SELECT imported, skipped, failed, errors FROM timetrackr.import_entries(:cem,
'User,Email,Client,Project,Task,Description,Billable,Start date,Start time,End date,End time,Duration,Tags,Amount (USD)
Cem,cem@example.org,,Garden,,Beds,No,2025-05-05,09:00:00,2025-05-05,10:30:00,01:30:00,"deep, focus",
Cem,cem@example.org,,,,Nothing,No,2025-05-06,09:00:00,2025-05-06,10:30:00,01:30:00,,');
SELECT * FROM test.entries(:cem);
-- project_id takes the lines without a project; it must be one to log on.
SELECT test.new_project(:cem, 'Rest') AS rest \gset
SELECT imported, skipped, failed FROM timetrackr.import_entries(:cem,
'Project,Description,Start date,Start time,Stop date,Stop time,Duration
,Nothing,2025-05-06,09:00:00,2025-05-06,10:30:00,01:30:00', project_id => :rest);
SELECT project, start_time, note FROM test.entries(:cem);
SELECT test.refusal(format('SELECT timetrackr.import_entries(%s, %L, project_id => %s)', :cem, 'project,start_time,end_time', :garden)) AS of_another;

-- Clockify: the order of days and months shows in the file, or is said.
SELECT imported, failed FROM timetrackr.import_entries(:cem,
'"Project","Client","Description","Task","User","Group","Email","Tags","Billable","Start Date","Start Time","End Date","End Time","Duration (h)","Duration (decimal)"
"Clock","","telling","","Cem","","cem@example.org","x, y","No","06/13/2025","09:00:00 AM","06/13/2025","12:30:00 PM","03:30:00","3.50"
"Clock","","month first","","Cem","","cem@example.org","","No","06/07/2025","12:00:00 AM","06/07/2025","12:00:10 AM","00:00:10","0.00"');
SELECT imported, failed FROM timetrackr.import_entries(:cem,
'Project,Description,Start Date,Start Time,End Date,End Time,Duration (h)
Clock,day first,03/02/2025,09:00,03/02/2025,10:00,01:00:00
Clock,telling,13/02/2025,09:00,13/02/2025,10:00,01:00:00
Clock,dots,14.02.2025,09:00,14.02.2025,10:00,01:00:00');
SELECT imported, failed FROM timetrackr.import_entries(:cem,
'Project,Description,Start Date,Start Time,End Date,End Time,Duration (h)
Clock,said,01/04/2025,09:00,01/04/2025,10:00,01:00:00', date_order => 'dmy');
SELECT imported, failed, errors FROM timetrackr.import_entries(:cem,
'Project,Description,Start Date,Start Time,End Date,End Time,Duration (h)
Clock,impossible,13/13/2025,09:00,13/13/2025,10:00,01:00:00
Clock,no hour,01/13/2025,13:00 PM,01/13/2025,10:00,01:00:00
Clock,zero hour,01/13/2025,0:30 AM,01/13/2025,10:00,01:00:00');
SELECT project, start_time, end_time, note, tags FROM test.entries(:cem) WHERE project = 'Clock';

-- Clocks: 02:30 was skipped on 2025-03-30, and shown twice on 2025-10-26.
SELECT imported, failed FROM timetrackr.import_entries(:ann,
'Project,Description,Start date,Start time,End date,End time,Duration
Clock,skipped,2025-03-30,02:30:00,2025-03-30,04:00:00,00:30:00
Clock,first and first,2025-10-26,02:00:00,2025-10-26,02:10:00,00:10:00
Clock,first and second,2025-10-26,02:30:00,2025-10-26,02:10:00,00:40:00
Clock,second and after,2025-10-26,02:20:00,2025-10-26,03:00:00,00:40:00
Clock,no duration,2024-10-27,02:30:00,2024-10-27,02:40:00,');
SELECT note, start_time, end_time, timezone FROM test.entries(:ann) WHERE project = 'Clock';

-- Archived, and only to be viewed: faults, unless it is there already.
SELECT test.new_project(:bob, 'Shared', 'public') AS shared, test.new_project(:bob, 'Shut', 'public') AS shut \gset
INSERT INTO timetrackr.project_members (project_id, user_id, role) VALUES (:shared, :ann, 'viewer'), (:shut, :ann, 'contributor');
SELECT count(*) FROM timetrackr.start_entry(:ann, :shut, '2025-06-01 09:00Z', '2025-06-01 10:00Z');
UPDATE timetrackr.projects SET archived_at = now() WHERE id = :shut;
SELECT imported, skipped, failed, errors FROM timetrackr.import_entries(:ann,
'project,start_time,end_time
Shut,2025-06-01T09:00:00Z,2025-06-01T10:00:00Z
Shut,2025-06-02T09:00:00Z,2025-06-02T10:00:00Z
Shared,2025-06-03T09:00:00Z,2025-06-03T10:00:00Z');
-- Of two of one name the id decides, if it has that name; else one he may log on.
SELECT test.new_project(:ann, 'Twin') AS twin, test.new_project(:ann, 'Twin') AS other_twin \gset
SELECT imported, failed FROM timetrackr.import_entries(:ann, format(
'project_id,project,start_time,end_time
%s,Twin,2025-06-04T09:00:00Z,2025-06-04T10:00:00Z
,Twin,2025-06-05T09:00:00Z,2025-06-05T10:00:00Z
%s,Twin,2025-06-06T09:00:00Z,2025-06-06T10:00:00Z', :other_twin, :garden));
SELECT start_time::date AS day, project_id = :twin AS twin, project_id = :other_twin AS other
FROM timetrackr.time_entries WHERE user_id = :ann AND project_id IN (:twin, :other_twin) ORDER BY 1;

-- A running entry is in the way of what comes after its start.
SELECT count(*) FROM timetrackr.start_entry(:bob, :shared, now() - interval '1 hour');
SELECT failed, errors[1].code FROM timetrackr.import_entries(:bob, format(
'project,start_time,end_time
A,%s,%s', to_char(now() - interval '2 hours', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), to_char(now() - interval '30 minutes', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')));
-- Where entries may overlap, lines may.
BEGIN;
SET LOCAL timetrackr.overlap = 'allow';
SELECT imported, skipped, failed FROM timetrackr.import_entries(:bob,
'project,start_time,end_time
A,2025-01-01T09:00:00Z,2025-01-01T10:00:00Z
A,2025-01-01T09:30:00Z,2025-01-01T10:30:00Z
A,2025-01-01T09:30:00Z,2025-01-01T10:30:00Z
Over,2025-01-01T09:30:00Z,2025-01-01T10:30:00Z');
ROLLBACK;

-- Out and in again: nothing is lost, and a second time all is skipped.
SELECT test.new_user('import-dan', 'Asia/Tokyo') AS dan, test.new_user('import-eve') AS eve \gset
SELECT test.new_project(:dan, '''=Odd, "name"') AS odd \gset
INSERT INTO timetrackr.time_entries (user_id, project_id, start_time, end_time, timezone, note, tags, source)
VALUES
    (:dan, :odd, '2025-01-01 10:00Z', '2025-01-01 11:00Z', 'Asia/Tokyo', '=1+1', '{=x,"a,b"," c","q\"q",''-}', 'manual'),
    (:dan, :odd, '2025-01-02 10:00Z', '2025-01-02 11:00Z', 'Europe/Berlin', '''''-2', '{}', 'timer'),
    (:dan, :odd, '2025-01-03 10:00Z', '2025-01-05 11:00Z', 'UTC', E' two\nlines, "quoted"\r\n\t', '{@}', 'timer'),
    (:dan, :odd, '2025-01-06 10:00Z', '2025-01-06 11:00Z', 'UTC', '''tis', '{''}', 'timer');
SELECT string_agg(timetrackr.csv(r), E'\r\n' ORDER BY r.start_time) AS file
FROM timetrackr.export_entries(:dan) r \gset
SELECT 'entry_id,project_id,project,start_time,end_time,duration_seconds,timezone,note,tags,source,flagged' || E'\r\n' || :'file' AS file \gset
SELECT imported, skipped, failed FROM timetrackr.import_entries(:dan, :'file');
SELECT imported, skipped, failed FROM timetrackr.import_entries(:eve, :'file');
SELECT imported, skipped, failed FROM timetrackr.import_entries(:eve, :'file');
SELECT count(*) AS same
FROM test.entries(:dan) d
JOIN test.entries(:eve) e ON (e.project, e.start_time, e.end_time, e.timezone, e.note, e.tags) = (d.project, d.start_time, d.end_time, d.timezone, d.note, d.tags);

-- Files that are none.
CREATE FUNCTION test.import_refusal(file text)
RETURNS text
LANGUAGE sql
AS $$
    SELECT test.refusal(format('SELECT timetrackr.import_entries((SELECT id FROM timetrackr.users WHERE username = %L), %L)', 'import-eve', file))
$$;
SELECT test.import_refusal('') AS empty, test.import_refusal(E'\n\n') AS blank, test.import_refusal('project,start_time') AS no_end,
    test.import_refusal('"project",start_time,end_time"') AS header, test.import_refusal('start;end;project') AS other,
    test.import_refusal('Project,Start date,Start time,End time') AS no_end_date, test.import_refusal(NULL) AS null_file;
SELECT test.import_refusal('project,start_time,end_time' || repeat(E'\nx', 100001)) AS too_many_lines;
SELECT test.import_refusal('project,start_time,end_time' || string_agg(format(E'\nP%s,2025-01-01T10:00:00Z,2025-01-01T11:00:00Z', i), '')) AS too_many_projects
FROM generate_series(1, 1001) i;
SELECT test.refusal('SELECT timetrackr.import_entries(0, ''project,start_time,end_time'')') AS nobody;
SELECT imported, skipped, failed, errors FROM timetrackr.import_entries(:eve, 'project,start_time,end_time');
-- A thousand faults are listed, all are counted.
SELECT imported, failed, cardinality(errors) AS listed, errors[1].line AS first, errors[1000].line AS last
FROM timetrackr.import_entries(:eve, 'project,start_time,end_time' || repeat(E'\nx', 1500));

-- Many lines are one statement: one event, one timeline entry each, totals right.
SELECT COALESCE(max(id), 0) AS mark FROM timetrackr.outbox \gset
SELECT imported, skipped, failed FROM timetrackr.import_entries(:eve, (
    SELECT 'Project,Description,Start date,Start time,End date,End time,Duration'
        || string_agg(format(E'\nBulk %s,line %s,%s,%s', i % 7, i,
            to_char(t, 'YYYY-MM-DD,HH24:MI:SS'), to_char(t + interval '9 minutes', 'YYYY-MM-DD,HH24:MI:SS') || ',00:09:00'), '' ORDER BY i)
    FROM generate_series(1, 5000) i
    CROSS JOIN LATERAL (SELECT timestamp '2024-01-01' + i * interval '10 minutes') s (t)));
SELECT topic, payload ->> 'entries' AS entries, count(*) FROM timetrackr.outbox
WHERE id > :mark AND topic IN ('entries_imported', 'time_entry_completed') GROUP BY 1, 2;
SELECT * FROM timetrackr.verify();
