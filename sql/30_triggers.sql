-- Trigger functions, all in C. SECURITY DEFINER, so that a role that may write
-- entries needs no right on the derived tables and can't forge them.
-- Sequential scans are off where each statement reads by user: a plan made when
-- a table was empty, and known to be, would read all of what a load adds to it.

CREATE FUNCTION timetrackr.entry_before()
RETURNS trigger
LANGUAGE C
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'tt_entry_before';
COMMENT ON FUNCTION timetrackr.entry_before() IS
'Trigger: locks the user, checks and normalises a time entry, sets duration and flagged.';

CREATE FUNCTION timetrackr.entry_after()
RETURNS trigger
LANGUAGE C
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS 'MODULE_PATHNAME', 'tt_entry_after';
COMMENT ON FUNCTION timetrackr.entry_after() IS
'Trigger: refuses overlaps and brings totals, scores, streaks, timeline, badges and outbox in line with what a statement changed.';

CREATE FUNCTION timetrackr.entry_truncated()
RETURNS trigger
LANGUAGE C
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'tt_entry_truncated';
COMMENT ON FUNCTION timetrackr.entry_truncated() IS
'Trigger: rebuilds what is derived from entries after TRUNCATE of entries, totals, users or projects.';

CREATE FUNCTION timetrackr.user_before()
RETURNS trigger
LANGUAGE C
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'tt_user_before';
COMMENT ON FUNCTION timetrackr.user_before() IS
'Trigger: checks and normalises email, username, time zone and bio of a user. When an account is deleted, hands its projects that others manage or have time on over to one of them.';

CREATE FUNCTION timetrackr.user_after()
RETURNS trigger
LANGUAGE C
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'tt_user_after';
COMMENT ON FUNCTION timetrackr.user_after() IS
'Trigger: gives a new user totals and a timeline, and carries listed over to the boards.';

CREATE FUNCTION timetrackr.totals_after()
RETURNS trigger
LANGUAGE C
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'tt_totals_after';
COMMENT ON FUNCTION timetrackr.totals_after() IS
'Trigger: deletes scores, day and project totals, and the timeline, with the totals of a user who goes.';

CREATE FUNCTION timetrackr.project_before()
RETURNS trigger
LANGUAGE C
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'tt_project_before';
COMMENT ON FUNCTION timetrackr.project_before() IS
'Trigger: tells the members that their project is deleted.';

CREATE FUNCTION timetrackr.project_after()
RETURNS trigger
LANGUAGE C
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'tt_project_after';
COMMENT ON FUNCTION timetrackr.project_after() IS
'Trigger: makes the owner a member, counts projects created, writes timeline and outbox.';

CREATE FUNCTION timetrackr.member_after()
RETURNS trigger
LANGUAGE C
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'tt_member_after';
COMMENT ON FUNCTION timetrackr.member_after() IS
'Trigger: writes timeline, notifications and outbox when a member joins, changes or leaves.';

CREATE FUNCTION timetrackr.badge_before()
RETURNS trigger
LANGUAGE C
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'tt_badge_before';
COMMENT ON FUNCTION timetrackr.badge_before() IS
'Trigger: refuses badge criteria that do not parse, naming the path of the fault.';

CREATE FUNCTION timetrackr.badge_after()
RETURNS trigger
LANGUAGE C
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'tt_badge_after';
COMMENT ON FUNCTION timetrackr.badge_after() IS
'Trigger: has every session compile the badge criteria anew.';

CREATE FUNCTION timetrackr.badge_image_after()
RETURNS trigger
LANGUAGE C
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'tt_badge_image_after';
COMMENT ON FUNCTION timetrackr.badge_image_after() IS
'Trigger: deletes the picture in the database that a badge had, if nobody else shows it.';

CREATE FUNCTION timetrackr.media_before()
RETURNS trigger
LANGUAGE C
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'tt_media_before';
COMMENT ON FUNCTION timetrackr.media_before() IS
'Trigger: checks the bytes of a picture, and fills in its type, digest, width and height.';

CREATE FUNCTION timetrackr.user_badge_after()
RETURNS trigger
LANGUAGE C
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'tt_user_badge_after';
COMMENT ON FUNCTION timetrackr.user_badge_after() IS
'Trigger: counts badges, and tells of them in timeline, notifications and outbox.';

CREATE FUNCTION timetrackr.user_badge_truncated()
RETURNS trigger
LANGUAGE C
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'tt_user_badge_truncated';
COMMENT ON FUNCTION timetrackr.user_badge_truncated() IS
'Trigger: after TRUNCATE of user_badges takes what told of badges out of counts, timeline and notifications.';

CREATE FUNCTION timetrackr.notification_inserted()
RETURNS trigger
LANGUAGE C
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'tt_notification_inserted';
COMMENT ON FUNCTION timetrackr.notification_inserted() IS
'Trigger: writes the outbox for a new notification, unless it is dated more than two days ago, and deletes what is older than the user''s newest 500.';

CREATE FUNCTION timetrackr.notification_after()
RETURNS trigger
LANGUAGE C
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'tt_notification_after';
COMMENT ON FUNCTION timetrackr.notification_after() IS
'Trigger: writes the outbox when unread notifications were marked or deleted, or read ones marked unread.';
