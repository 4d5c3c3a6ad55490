-- What an API's description says of a field beyond its type, and what nothing
-- in the catalog tells: bounds, whether a result may be null, an example. The
-- functions themselves enforce the bounds; a test holds these rows against them.

CREATE FUNCTION timetrackr.api_fields()
RETURNS TABLE (
    scope text,
    field text,
    nullable boolean,
    keywords json,
    example json
)
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
AS $$
SELECT f.scope, f.field, f.nullable, f.keywords::json, f.example::json
FROM (VALUES
    -- Ids
    (NULL, 'user_id', false, '{"minimum":1}', '7'),
    (NULL, 'owner_id', false, '{"minimum":1}', '7'),
    (NULL, 'project_id', false, '{"minimum":1}', '3'),
    (NULL, 'move_entries_to', false, '{"minimum":1,"description":"A project that takes the entries."}', '4'),
    (NULL, 'entry_id', false, '{"minimum":1}', '12'),
    (NULL, 'stopped_entry_id', true, '{"minimum":1,"description":"The timer that this one ended."}', '11'),
    (NULL, 'badge_id', false, '{"minimum":1}', '2'),
    (NULL, 'event_id', false, '{"minimum":1}', '40'),
    (NULL, 'notification_id', false, '{"minimum":1}', '9'),
    (NULL, 'id', false, '{"minimum":1}', '1795378446921153'),
    (NULL, 'ids[]', false, '{}', '9'),
    ('report_summary', 'project_id', true, '{"minimum":1}', '3'),

    -- Accounts
    (NULL, 'email', false, '{"format":"email","maxLength":254}', '"ada@example.com"'),
    ('profile', 'email', true, '{"format":"email","maxLength":254,"description":"Null but for oneself and admins."}', 'null'),
    (NULL, 'password', false, '{"format":"password","minLength":8,"maxLength":72,"description":"At most 72 bytes."}', '"correct horse battery"'),
    ('login', 'password', false, '{"format":"password","maxLength":72}', '"correct horse battery"'),
    ('login', 'email', false, '{"maxLength":254}', '"ada@example.com"'),
    (NULL, 'username', false, '{"minLength":1,"maxLength":50}', '"ada"'),
    (NULL, 'timezone', false, '{"maxLength":63,"description":"IANA name."}', '"Europe/Berlin"'),
    (NULL, 'bio', false, '{"maxLength":2000}', '"Programs the Analytical Engine."'),
    (NULL, 'avatar_url', true, '{"maxLength":2000}', '"https://example.com/ada.png"'),
    (NULL, 'listed', false, '{"description":"Shown on public boards?"}', 'true'),
    (NULL, 'refresh_token', false, '{"maxLength":200}', '"q0mU4n1mG9Jz3b6zO0yqS8dXc5h2t7vKwLrEpYfNaTs"'),
    ('signup', 'role', false, '{"enum":["user","admin"]}', '"user"'),
    ('login', 'role', false, '{"enum":["user","admin"]}', '"user"'),
    ('refresh', 'role', false, '{"enum":["user","admin"]}', '"user"'),
    ('me', 'role', false, '{"enum":["user","admin"]}', '"user"'),
    ('update_me', 'role', false, '{"enum":["user","admin"]}', '"user"'),

    -- Projects
    (NULL, 'name', false, '{"minLength":1,"maxLength":200}', '"Analytical Engine"'),
    (NULL, 'description', false, '{"maxLength":5000}', '"Notes and programs."'),
    (NULL, 'visibility', false, '{"enum":["private","public"]}', '"private"'),
    (NULL, 'scope', false, '{}', '"mine"'),
    (NULL, 'q', false, '{"maxLength":200,"description":"Part of the name."}', '"engine"'),
    (NULL, 'archived', false, '{}', 'false'),
    (NULL, 'role', false, '{"enum":["owner","manager","contributor","viewer"]}', '"contributor"'),
    ('list_projects', 'role', true, '{"enum":["owner","manager","contributor","viewer"]}', '"owner"'),
    (NULL, 'success', false, '{}', 'true'),

    -- Time entries
    (NULL, 'start_time', false, '{}', '"2026-03-02T08:30:00Z"'),
    (NULL, 'end_time', true, '{}', '"2026-03-02T10:00:00Z"'),
    (NULL, 'duration_seconds', true, '{"minimum":0,"description":"Null while it runs."}', '5400'),
    (NULL, 'note', false, '{"maxLength":2000}', '"Note G"'),
    (NULL, 'tags', false, '{"maxItems":20}', '["writing"]'),
    (NULL, 'tags[]', false, '{"minLength":1,"maxLength":50}', '"writing"'),
    (NULL, 'tag', false, '{"minLength":1,"maxLength":50}', '"writing"'),
    ('report_summary', 'tag', true, '{"maxLength":50}', 'null'),
    (NULL, 'source', false, '{"enum":["timer","manual","import"]}', '"timer"'),
    (NULL, 'flagged', false, '{"description":"Too long: counts nothing until edited."}', 'false'),
    (NULL, 'created_at', false, '{}', '"2026-03-01T17:00:00Z"'),
    (NULL, 'updated_at', false, '{}', '"2026-03-02T10:00:00Z"'),
    (NULL, 'from', false, '{}', '"2026-03-01T00:00:00Z"'),
    (NULL, 'to', false, '{}', '"2026-04-01T00:00:00Z"'),
    ('days', 'from', false, '{}', '"2026-03-01"'),
    ('days', 'to', false, '{}', '"2026-03-31"'),
    ('report_summary', 'from', false, '{}', '"2026-03-01"'),
    ('report_summary', 'to', false, '{}', '"2026-03-31"'),
    ('import_entries', 'csv', false, '{"maxLength":67108864}',
        '"project,start_time,end_time,note\nAnalytical Engine,2026-03-02T08:30:00Z,2026-03-02T10:00:00Z,Note G\n"'),
    ('export_entries', 'csv', false, '{}',
        '"entry_id,project_id,project,start_time,end_time,duration_seconds,timezone,note,tags,source,flagged\n12,3,Analytical Engine,2026-03-02T08:30:00Z,2026-03-02T10:00:00Z,5400,Europe/Berlin,Note G,writing,timer,false\n"'),
    ('report_summary', 'csv', false, '{}',
        '"project_id,project,day,week,month,tag,seconds,entries\n3,Analytical Engine,,,2026-03-01,,5400,1\n"'),
    (NULL, 'atomic', false, '{"description":"All lines or none."}', 'true'),
    (NULL, 'imported', false, '{"minimum":0}', '1'),
    (NULL, 'skipped', false, '{"minimum":0}', '0'),
    (NULL, 'failed', false, '{"minimum":0}', '0'),
    (NULL, 'errors', false, '{"maxItems":1000}', '[]'),
    (NULL, 'line', false, '{"minimum":1}', '3'),
    (NULL, 'code', false, '{"maxLength":100}', '"invalid_time"'),
    (NULL, 'detail', false, '{}', '"This is no time."'),

    -- Profiles, totals, reports
    (NULL, 'total_seconds', false, '{"minimum":0}', '360000'),
    (NULL, 'total_time_spent', false, '{"minimum":0,"description":"Seconds."}', '36000'),
    (NULL, 'seconds', false, '{"minimum":0}', '5400'),
    (NULL, 'entries', false, '{"minimum":0}', '1'),
    (NULL, 'entry_count', false, '{"minimum":0}', '80'),
    (NULL, 'current_streak_days', false, '{"minimum":0}', '4'),
    (NULL, 'longest_streak_days', false, '{"minimum":0}', '12'),
    (NULL, 'rank', false, '{"minimum":1}', '5'),
    ('profile', 'rank', true, '{"minimum":1}', '5'),
    ('me', 'rank', true, '{"minimum":1}', '5'),
    ('update_me', 'rank', true, '{"minimum":1}', '5'),
    (NULL, 'badges', false, '{}', NULL),
    (NULL, 'contributions', false, '{}', NULL),
    (NULL, 'members', false, '{}', NULL),
    (NULL, 'projects', false, '{}', NULL),
    (NULL, 'recent_entries', false, '{"maxItems":10}', NULL),
    (NULL, 'day', false, '{}', '"2026-03-02"'),
    ('report_summary', 'day', true, '{}', 'null'),
    (NULL, 'week', true, '{}', 'null'),
    (NULL, 'month', true, '{}', '"2026-03-01"'),
    (NULL, 'project', true, '{"maxLength":200}', '"Analytical Engine"'),
    (NULL, 'group_by', false, '{"minItems":1,"maxItems":2,"uniqueItems":true}', '["project","month"]'),
    (NULL, 'score', false, '{"minimum":0,"description":"Seconds, or badges."}', '360000'),
    (NULL, 'period_start', false, '{"description":"Any day of the period."}', '"2026-03-02"'),

    -- Badges
    ('create_badge', 'name', false, '{"minLength":1,"maxLength":100}', '"Night Owl"'),
    ('update_badge', 'name', false, '{"minLength":1,"maxLength":100}', '"Night Owl"'),
    ('list_badges', 'name', false, '{"minLength":1,"maxLength":100}', '"Founder"'),
    ('list_user_badges', 'name', false, '{"minLength":1,"maxLength":100}', '"Founder"'),
    ('badge_progress', 'name', false, '{"minLength":1,"maxLength":100}', '"Founder"'),
    ('badge_ref', 'name', false, '{"minLength":1,"maxLength":100}', '"Founder"'),
    ('badge_earned', 'name', false, '{"minLength":1,"maxLength":100}', '"Founder"'),
    ('create_badge', 'description', false, '{"maxLength":2000}', '"Track ten hours."'),
    ('update_badge', 'description', false, '{"maxLength":2000}', '"Track ten hours."'),
    ('list_badges', 'description', false, '{"maxLength":2000}', '"Create a project."'),
    (NULL, 'criteria', false, '{"$ref":"#/components/schemas/Criteria"}', '{"metric":"total_seconds","gte":36000}'),
    (NULL, 'tier', false, '{"enum":["bronze","silver","gold","platinum"]}', '"bronze"'),
    (NULL, 'image_url', true, '{"maxLength":2000}', '"/badges/founder.svg"'),
    (NULL, 'enabled', false, '{"description":"Listed and awarded?"}', 'true'),
    (NULL, 'revocable', false, '{"description":"Taken back when it holds no longer?"}', 'false'),
    (NULL, 'earned_by', false, '{"minimum":0,"description":"Users who have it."}', '31'),
    (NULL, 'awarded_at', false, '{}', '"2026-03-02T10:00:00Z"'),
    (NULL, 'badges_awarded', false, '{}', NULL),
    (NULL, 'fraction', false, '{"minimum":0,"maximum":1}', '0.5'),
    (NULL, 'remaining', false,
        '{"type":"array","maxItems":64,"items":{"type":"object","required":["metric","have","need","compare"],"properties":{"metric":{"$ref":"#/components/schemas/Metric"},"have":{"type":"number"},"need":{"type":"number"},"compare":{"type":"string","enum":["gte","gt","lte","lt","eq","ne"]},"project_id":{"type":"integer","format":"int64","minimum":1,"maximum":9223372036854775807},"last_days":{"type":"integer","format":"int32","minimum":1,"maximum":3660}}}}',
        '[{"metric":"total_seconds","have":18000,"need":36000,"compare":"gte"}]'),
    (NULL, 'users', false, '{"minimum":0}', '2'),
    (NULL, 'sample', false, '{"maxItems":10}', NULL),
    (NULL, 'awarded', false, '{"minimum":0}', '2'),

    -- What has happened
    (NULL, 'event_type', false, '{"maxLength":100}', '"time_entry_completed"'),
    (NULL, 'event_data', false, '{"type":"object"}',
        '{"entry_id":12,"duration_seconds":5400,"project_id":3,"project_name":"Analytical Engine"}'),
    (NULL, 'timestamp', false, '{}', '"2026-03-02T10:00:00Z"'),
    (NULL, 'kind', false, '{"maxLength":100}', '"badge_awarded"'),
    (NULL, 'payload', false, '{"type":"object"}', '{"badge_id":2,"name":"Founder"}'),
    (NULL, 'read_at', true, '{}', 'null'),
    (NULL, 'unread', false, '{"description":"Only those not read, or only those read."}', 'true'),
    ('unread_notifications', 'unread', false, '{"minimum":0,"maximum":500}', '1'),
    (NULL, 'topic', false, '{"maxLength":100}', '"badge_awarded"'),
    (NULL, 'data', false, '{"type":"object"}', '{"user_id":7,"badge_id":2}'),
    (NULL, 'after', false, '{"minimum":0,"description":"The id of an event."}', '1795378446921153'),
    (NULL, 'wait', false, '{"minimum":0,"maximum":30,"description":"Seconds."}', '20'),

    -- What these fields refer to
    ('#/components/schemas', 'Metric', false,
        '{"type":"string","enum":["total_seconds","project_seconds","entry_count","longest_entry_seconds","best_day_seconds","best_week_seconds","current_streak_days","longest_streak_days","active_days","projects_created","projects_contributed","badges_earned","account_age_days"]}',
        NULL),
    ('#/components/schemas', 'Criteria', false,
        '{"description":"What a badge is for: a condition, or several joined by all, any and not. At most 8 levels and 64 conditions.","oneOf":[{"title":"All of","type":"object","additionalProperties":false,"required":["all"],"properties":{"all":{"type":"array","minItems":1,"maxItems":64,"items":{"$ref":"#/components/schemas/Criteria"}}}},{"title":"Any of","type":"object","additionalProperties":false,"required":["any"],"properties":{"any":{"type":"array","minItems":1,"maxItems":64,"items":{"$ref":"#/components/schemas/Criteria"}}}},{"title":"Not","type":"object","additionalProperties":false,"required":["not"],"properties":{"not":{"$ref":"#/components/schemas/Criteria"}}},{"title":"Condition","description":"A metric, and one of gte, gt, lte, lt and eq with a number.","type":"object","additionalProperties":false,"required":["metric"],"minProperties":2,"maxProperties":4,"properties":{"metric":{"$ref":"#/components/schemas/Metric"},"gte":{"type":"number"},"gt":{"type":"number"},"lte":{"type":"number"},"lt":{"type":"number"},"eq":{"type":"number"},"project_id":{"type":"integer","format":"int64","minimum":1,"maximum":9223372036854775807,"description":"For metric project_seconds."},"last_days":{"type":"integer","format":"int32","minimum":1,"maximum":3660,"description":"For metrics total_seconds, entry_count, active_days, project_seconds."}}}]}',
        NULL)
) f (scope, field, nullable, keywords, example)
$$;
COMMENT ON FUNCTION timetrackr.api_fields() IS
'What the description of the API says of fields beyond the types of functions'' arguments and results. scope is the function or composite type whose field is meant, null any; a row with a scope goes before one without. Of arrays, field "x[]" is an element of x. nullable: a result may be null; a field without a row may. keywords are JSON Schema, added to what the type says; example is a value of the field. Rows of scope #/components/schemas are schemas of their own, which keywords may refer to.';
