-- Types that appear in function signatures. No table column ever has one of
-- them: tables belong to the user and outlive the extension.

CREATE TYPE timetrackr.period AS ENUM ('day', 'week', 'month', 'all');

CREATE TYPE timetrackr.metric AS ENUM ('time', 'badges');

CREATE TYPE timetrackr.visibility AS ENUM ('private', 'public');

CREATE TYPE timetrackr.member_role AS ENUM ('owner', 'manager', 'contributor', 'viewer');

CREATE TYPE timetrackr.scope AS ENUM ('mine', 'public');

CREATE TYPE timetrackr.tier AS ENUM ('bronze', 'silver', 'gold', 'platinum');

CREATE TYPE timetrackr.report_group AS ENUM ('project', 'day', 'week', 'month', 'tag');

CREATE TYPE timetrackr.upload_purpose AS ENUM ('avatar', 'badge');

CREATE TYPE timetrackr.date_order AS ENUM ('mdy', 'dmy');

CREATE TYPE timetrackr.webhook_topic AS ENUM (
    'badge_awarded', 'entries_imported', 'notification_created', 'notifications_changed', 'profile_changed',
    'project_changed', 'project_created', 'score_changed', 'time_entry_completed'
);

CREATE TYPE timetrackr.email_notifications AS ENUM ('none', 'important', 'all');

CREATE TYPE timetrackr.import_error AS (
    line integer,
    code text,
    detail text
);

CREATE TYPE timetrackr.badge_ref AS (
    badge_id bigint,
    name text
);

CREATE TYPE timetrackr.badge_earned AS (
    badge_id bigint,
    name text,
    image_url text,
    awarded_at timestamptz
);

CREATE TYPE timetrackr.contribution AS (
    project_id bigint,
    name text,
    total_seconds bigint
);

CREATE TYPE timetrackr.user_ref AS (
    user_id bigint,
    username text
);

CREATE TYPE timetrackr.member AS (
    user_id bigint,
    username text,
    role text
);

CREATE TYPE timetrackr.project_time AS (
    project_id bigint,
    name text,
    total_time_spent bigint
);

CREATE TYPE timetrackr.recent_entry AS (
    entry_id bigint,
    project_id bigint,
    start_time timestamptz,
    end_time timestamptz,
    duration_seconds bigint
);
