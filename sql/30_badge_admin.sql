-- What admins do with badges, and how near a user is to them. The viewer's
-- role is read from the table at every call.

CREATE FUNCTION timetrackr.check_admin(viewer_id bigint)
RETURNS boolean
LANGUAGE C
STABLE
AS 'MODULE_PATHNAME', 'tt_check_admin';
COMMENT ON FUNCTION timetrackr.check_admin(bigint) IS
'True when the viewer is an admin. Errors: 401 invalid_token; 403 not_admin.';

CREATE FUNCTION timetrackr.list_all_badges(viewer_id bigint)
RETURNS TABLE (
    badge_id bigint,
    name text,
    description text,
    criteria jsonb,
    tier text,
    image_url text,
    enabled boolean,
    revocable boolean,
    earned_by bigint
)
LANGUAGE sql
STABLE
AS $$
    SELECT
        b.id, b.name, b.description, b.criteria, b.tier, b.image_url, b.enabled, b.revocable, COALESCE(h.users, 0)
    FROM timetrackr.badges b
    LEFT JOIN timetrackr.badge_holders() h ON h.badge_id = b.id
    WHERE timetrackr.check_admin(list_all_badges.viewer_id)
    ORDER BY b.id
$$;
COMMENT ON FUNCTION timetrackr.list_all_badges(bigint) IS
'Every badge as list_badges() shows them, the disabled ones too, and whether it is enabled and revocable; admins only. Errors: 401 invalid_token; 403 not_admin.';

CREATE FUNCTION timetrackr.create_badge(
    viewer_id bigint,
    name text,
    description text DEFAULT NULL,
    criteria jsonb DEFAULT NULL,
    tier timetrackr.tier DEFAULT 'bronze',
    image_url text DEFAULT NULL,
    enabled boolean DEFAULT true,
    revocable boolean DEFAULT false,
    OUT badge_id bigint
)
LANGUAGE C
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'tt_create_badge';
COMMENT ON FUNCTION timetrackr.create_badge(bigint, text, text, jsonb, timetrackr.tier, text, boolean, boolean) IS
'Creates a badge; admins only. name has 1 to 100 characters, without the blanks around it, and no other badge has it; description at most 2000. criteria must be given and are those of check_criteria(). image_url starts with https://, http:// or a single /. Only an enabled badge is listed and awarded; a revocable one is taken back when its criteria hold no longer. It is awarded from now on, to each user with the next entry or project that meets the criteria: backfill_badge() is for what was earned before. Errors: 401 invalid_token; 403 not_admin; 409 badge_name_taken; 422 missing_field, too_long, invalid_criteria, invalid_url.';

CREATE FUNCTION timetrackr.update_badge(
    viewer_id bigint,
    badge_id bigint,
    name text DEFAULT NULL,
    description text DEFAULT NULL,
    criteria jsonb DEFAULT NULL,
    tier timetrackr.tier DEFAULT NULL,
    image_url text DEFAULT NULL,
    enabled boolean DEFAULT NULL,
    revocable boolean DEFAULT NULL,
    given text[] DEFAULT NULL,
    OUT badge_id bigint,
    OUT name text,
    OUT description text,
    OUT criteria jsonb,
    OUT tier text,
    OUT image_url text,
    OUT enabled boolean,
    OUT revocable boolean
)
LANGUAGE C
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'tt_update_badge';
COMMENT ON FUNCTION timetrackr.update_badge(bigint, bigint, text, text, jsonb, timetrackr.tier, text, boolean, boolean, text[]) IS
'Changes a badge and returns it; admins only. Fields are as in create_badge(). Without given, every argument that is not null is a change. given names the fields to change: a null description or image_url is then cleared. Who has the badge keeps it; new criteria count from each user''s next entry or project on, for a revocable badge also against those who have it. Errors: 401 invalid_token; 403 not_admin; 404 badge_not_found; 409 badge_name_taken; 422 missing_field, too_long, invalid_criteria, invalid_url.';

CREATE FUNCTION timetrackr.delete_badge(viewer_id bigint, badge_id bigint)
RETURNS void
LANGUAGE C
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'tt_delete_badge';
COMMENT ON FUNCTION timetrackr.delete_badge(bigint, bigint) IS
'Deletes a badge and takes it back from everybody who has it, with its rows of timelines and notifications; admins only. To keep it with those who have it, disable it instead. Errors: 401 invalid_token; 403 not_admin; 404 badge_not_found; 422 missing_field.';

CREATE FUNCTION timetrackr.preview_badge(
    viewer_id bigint,
    criteria jsonb,
    OUT users bigint,
    OUT sample timetrackr.user_ref[]
)
LANGUAGE C
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'tt_preview_badge';
COMMENT ON FUNCTION timetrackr.preview_badge(bigint, jsonb) IS
'How many users meet criteria (see check_criteria) at this moment, and up to ten of them, those who joined first; admins only. Nothing is awarded or written. backfill_badge() would award more: also to those who met them once. Errors: 401 invalid_token; 403 not_admin; 422 missing_field, invalid_criteria.';

CREATE FUNCTION timetrackr.backfill_badge(
    viewer_id bigint,
    badge_id bigint,
    OUT awarded bigint
)
LANGUAGE C
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'tt_backfill_badge';
COMMENT ON FUNCTION timetrackr.backfill_badge(bigint, bigint) IS
'Awards a badge to every user who has earned it but does not have it, and returns to how many; admins only. Each user''s history, as stored now, is played back in order: his entries by end, the creation of the projects he owns, the badges he has by award. awarded_at is the first of these moments at which the criteria held, as things stood then; entry_id is the entry that ended then, or that earned the badge awarded then. Who met them once has earned the badge, though he may meet them no longer; a revocable badge only goes to those who meet them now too. Criteria that hold now by the mere passing of time, such as account_age_days, are met now. Awards of more than two days ago are silent: a row of the timeline at awarded_at, but no notification and no live event. Only this badge is awarded; those that count badges follow with the user''s next entry, or their own backfill. Users are locked one by one, only those who get the badge, until the transaction ends. Again, it awards nothing new. Errors: 401 invalid_token; 403 not_admin; 404 badge_not_found; 409 badge_disabled.';

CREATE FUNCTION timetrackr.badge_progress(viewer_id bigint, user_id bigint)
RETURNS TABLE (
    badge_id bigint,
    name text,
    fraction double precision,
    remaining jsonb
)
LANGUAGE C
STABLE
ROWS 25
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'tt_badge_progress';
COMMENT ON FUNCTION timetrackr.badge_progress(bigint, bigint) IS
'How near user_id is to the badges he has not earned, nearest first; only the user himself may ask. fraction is from 0 to 1: have / need of a gte, gt or eq condition, 0 or 1 of any other; that of the furthest member of an "all", of the nearest of an "any", and 0 or 1 of a "not". remaining lists the conditions still to meet, of an "any" those of the nearest member alone: {"metric", "have", "need", "compare"}, and project_id and last_days where the condition has them; compare is what have must be to need: gte gt lte lt eq ne. At fraction 1 nothing remains: the badge comes with the next entry or project, or with a backfill. Errors: 401 invalid_token; 403 not_self; 404 user_not_found; 422 missing_field.';
