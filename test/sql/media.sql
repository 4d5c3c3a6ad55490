-- Pictures: what is taken for one, keeping each once, who may show which, and
-- letting go of those that nobody shows.
SET timezone = 'UTC';
SELECT test.new_user('media-root') AS root, test.new_user('media-ann') AS ann, test.new_user('media-bob') AS bob \gset
UPDATE timetrackr.users SET role = 'admin' WHERE id = :root;

-- Everything of a PNG but what no reader of the header looks at.
CREATE FUNCTION test.png(width integer, height integer, tail text DEFAULT '')
RETURNS bytea
LANGUAGE sql
AS $$
    SELECT '\x89504e470d0a1a0a0000000d49484452'::bytea || int4send(width) || int4send(height)
        || '\x0800000000'::bytea || '\x00000000'::bytea || convert_to(tail, 'UTF8')
$$;
CREATE FUNCTION test.avatar_refusal(user_id bigint, image bytea, content_type text DEFAULT NULL)
RETURNS text
LANGUAGE sql
AS $$
    SELECT test.refusal(format('SELECT timetrackr.set_avatar(%s, %L, %L)', user_id, image, content_type))
$$;

-- Whoever writes the table: the bytes alone tell type, digest, width and height.
BEGIN;
INSERT INTO timetrackr.media (bytes, content_type, width, sha256)
VALUES
    (test.png(31, 17), 'text/html', 5, '\x00'),
    ('\x4749463839611f0011000000002c', '', NULL, ''),
    ('\xffd8ffe00004abcdffc0000b080011001f01011100', '', NULL, ''),
    ('\xffd8ffffffc2000b080011001f01011100', '', NULL, ''),
    ('\x52494646160000005745425056503820' || '\x0a0000001000009d012a1f001100'::bytea, '', NULL, ''),
    ('\x5249464611000000574542505650384c' || '\x050000002f1e000400'::bytea, '', NULL, ''),
    ('\x52494646160000005745425056503858' || '\x0a000000000000001e0000100000'::bytea, '', NULL, '')
RETURNING content_type, width, height, sha256 = sha256(bytes) AS digest;
SELECT test.refusal($$UPDATE timetrackr.media SET bytes = '<svg/>'$$) AS svg;
UPDATE timetrackr.media SET content_type = 'image/svg+xml';
SELECT DISTINCT content_type FROM timetrackr.media ORDER BY 1;
SELECT timetrackr.remove_unused_media() AS removed, (SELECT count(*) FROM timetrackr.media) AS seen_before;
ROLLBACK;

-- Cut off anywhere, no header is one, and whatever is no picture is told so.
SELECT name, count(*) FILTER (WHERE refused = 'TT415 not_an_image image') AS none,
    count(*) FILTER (WHERE refused = 'TT422 broken_image image') AS broken, octet_length(image) AS bytes
FROM (VALUES
    ('gif', '\x4749463839611f0011000000002c'::bytea),
    ('jpeg', '\xffd8ffe00004abcdffc0000b080011001f01011100'::bytea),
    ('png', test.png(31, 17)),
    ('webp', '\x5249464611000000574542505650384c050000002f1e000400'::bytea)
) f (name, image)
CROSS JOIN LATERAL generate_series(0, octet_length(f.image) - 1) n
CROSS JOIN LATERAL test.avatar_refusal(:ann, substring(f.image FROM 1 FOR n)) refused
GROUP BY name, image
ORDER BY name;
SELECT name, test.avatar_refusal(:ann, image, type) AS refused
FROM (VALUES
    ('empty', ''::bytea, NULL),
    ('html', '<!doctype html><script>alert(1)</script>', 'image/png'),
    ('svg', '<svg xmlns="http://www.w3.org/2000/svg"/>', 'image/png'),
    ('pdf', '%PDF-1.7', NULL),
    ('bmp', '\x424d3a0000000000000036000000', NULL),
    ('avif', '\x0000001c667479706176696600000000', NULL),
    ('mismatch', test.png(1, 1), 'image/jpeg'),
    ('other type', test.png(1, 1), 'image/svg+xml'),
    ('no width', test.png(0, 1), NULL),
    ('no height', test.png(1, 0), NULL),
    ('negative', test.png(-1, 1), NULL),
    ('wide', test.png(4097, 1), NULL),
    ('high', test.png(1, 2147483647), NULL),
    ('odd depth', overlay(test.png(1, 1) PLACING '\x03' FROM 25), NULL),
    ('odd colour', overlay(test.png(1, 1) PLACING '\x05' FROM 26), NULL),
    ('lossless jpeg', '\xffd8ffc3000b080011001f01011100', NULL),
    ('height at the end', '\xffd8ffc0000b080000001f01011100', NULL),
    ('scan before frame', '\xffd8ffda0004abcdffc0000b080011001f01011100', NULL),
    ('components', '\xffd8ffc0000b080011001f02011100', NULL),
    ('gif of nothing', '\x4749463839611f0011000000003b', NULL),
    ('gif colours cut', '\x4749463839611f001100870000000000', NULL),
    ('webp version', '\x5249464611000000574542505650384c050000002f1e000480', NULL),
    ('webp inter frame', '\x524946461600000057454250565038200a0000001100009d012a1f001100', NULL),
    ('webp of sound', '\x5249464611000000574542505650384d050000002f1e000400', NULL)
) f (name, image, type);
SELECT octet_length(test.png(4096, 4096, repeat('x', 1048576 - 33))) AS mebibyte,
    test.avatar_refusal(:ann, test.png(1, 1, repeat('x', 1048576 - 32))) AS one_more;

-- An avatar: its address is in the profile, and the picture at it.
SELECT timetrackr.set_avatar(:ann, test.png(4096, 4096, repeat('x', 1048576 - 33)), 'image/png') AS large \gset
SELECT timetrackr.set_avatar(:ann, test.png(1, 1), 'image/png') AS first \gset
SELECT avatar_url = :'first' AS shown, :'first' ~ '^/media/\d+$' AS path FROM timetrackr.profile(NULL, :ann);
SELECT content_type, bytes = test.png(1, 1) AS same FROM timetrackr.picture(substring(:'first' FROM '\d+')::bigint);
SELECT count(*) AS large_is_gone FROM timetrackr.picture(substring(:'large' FROM '\d+')::bigint);
SELECT count(*) AS none FROM timetrackr.picture(0);
SELECT count(*) AS told FROM timetrackr.outbox WHERE topic = 'profile_changed' AND payload @> jsonb_build_object('user_id', :ann);

-- The same bytes are kept once, as long as somebody shows them.
SELECT timetrackr.set_avatar(:ann, test.png(1, 1)) = :'first' AS again, timetrackr.set_avatar(:bob, test.png(1, 1)) = :'first' AS of_bob;
SELECT timetrackr.set_avatar(:ann, test.png(2, 2)) <> :'first' AS other;
SELECT count(*) AS bobs_is_there FROM timetrackr.picture(substring(:'first' FROM '\d+')::bigint);
SELECT timetrackr.remove_avatar(:bob), timetrackr.remove_avatar(:bob);
SELECT count(*) AS gone FROM timetrackr.picture(substring(:'first' FROM '\d+')::bigint);
SELECT count(*) AS kept, (SELECT avatar FROM timetrackr.users WHERE id = :bob) AS of_bob FROM timetrackr.media;

-- A user who sets one by hand lets go of it, too; and an export tells of it.
SELECT item ->> 'url' = (SELECT avatar FROM timetrackr.users WHERE id = :ann) AS url, item ->> 'content_type' AS type,
    item ->> 'width' AS width, item ->> 'bytes' AS bytes
FROM timetrackr.export_account(:ann) WHERE section = 'media' AND item IS NOT NULL;
UPDATE timetrackr.users SET avatar = 'https://example.org/a.png' WHERE id = :ann;
SELECT count(*) AS kept FROM timetrackr.media;

-- Badges: admins only.
INSERT INTO timetrackr.badges (name, criteria) VALUES ('Media badge', '{"metric": "entry_count", "gte": 1000000}') RETURNING id AS badge \gset
SELECT test.refusal(format('SELECT timetrackr.set_badge_image(%s, %s, %L)', :ann, :badge, test.png(3, 3))) AS user,
    test.refusal(format('SELECT timetrackr.set_badge_image(%s, 0, %L)', :root, test.png(3, 3))) AS absent,
    test.refusal(format('SELECT timetrackr.set_badge_image(%s, NULL, %L)', :root, test.png(3, 3))) AS none,
    test.refusal(format('SELECT timetrackr.set_badge_image(%s, %s)', :root, :badge)) AS nothing,
    test.refusal(format('SELECT timetrackr.set_badge_image(%s, %s, %L)', :root, :badge, '<svg/>'::bytea)) AS svg;
SELECT timetrackr.set_badge_image(:root, :badge, test.png(3, 3)) AS image \gset
SELECT image_url = :'image' AS set FROM timetrackr.badges WHERE id = :badge;
-- An avatar of the same bytes is the same picture.
SELECT timetrackr.set_avatar(:bob, test.png(3, 3)) = :'image' AS shared;
SELECT image_url FROM timetrackr.update_badge(:root, :badge, given => '{image_url}');
SELECT count(*) AS kept FROM timetrackr.media;
DELETE FROM timetrackr.users WHERE id = :bob;
SELECT count(*) AS kept FROM timetrackr.media;
SELECT timetrackr.set_badge_image(:root, :badge, test.png(3, 3)) IS NOT NULL AS again;
DELETE FROM timetrackr.badges WHERE id = :badge;
SELECT count(*) AS kept FROM timetrackr.media;

-- At Cloudinary: one place for each user's avatar, and new ones for badges.
SELECT timetrackr.sign_upload(:ann, 'avatar') = 'timetrackr/avatars/' || :ann AS own,
    timetrackr.sign_upload(:root, 'badge') ~ '^timetrackr/badges/[0-9a-f-]{36}$' AS badge,
    timetrackr.sign_upload(:root, 'badge') = timetrackr.sign_upload(:root, 'badge') AS same;
SELECT test.refusal(format('SELECT timetrackr.sign_upload(%s, ''badge'')', :ann)) AS user,
    test.refusal('SELECT timetrackr.sign_upload(0, ''avatar'')') AS gone,
    test.refusal(format('SELECT timetrackr.sign_upload(%s, NULL)', :ann)) AS none;
SELECT replace(timetrackr.set_avatar(:ann, public_id => 'timetrackr/avatars/' || :ann, version => 1700000001, cloud_name => 'demo'), 'avatars/' || :ann, 'avatars/ANN') AS address;
SELECT arguments, test.refusal(format('SELECT timetrackr.set_avatar(%s, %s)', :ann, replace(arguments, 'ANN', :'ann'))) AS refused
FROM unnest(ARRAY[
    $$public_id => 'timetrackr/avatars/ANN', version => 1700000001$$,
    $$public_id => 'timetrackr/avatars/ANN', cloud_name => 'demo'$$,
    $$version => 1700000001, cloud_name => 'demo'$$,
    $$public_id => 'timetrackr/avatars/ANN0', version => 1700000001, cloud_name => 'demo'$$,
    $$public_id => 'timetrackr/avatars/0ANN', version => 1700000001, cloud_name => 'demo'$$,
    $$public_id => 'sample', version => 1700000001, cloud_name => 'demo'$$,
    $$public_id => 'timetrackr/avatars/ANN', version => 0, cloud_name => 'demo'$$,
    $$public_id => 'timetrackr/avatars/ANN', version => 1, cloud_name => 'de/mo'$$,
    $$public_id => 'timetrackr/avatars/ANN', version => 1, cloud_name => ''$$
]) arguments;
INSERT INTO timetrackr.badges (name, criteria) VALUES ('Media badge', '{"metric": "entry_count", "gte": 1000000}') RETURNING id AS badge \gset
SELECT timetrackr.set_badge_image(:root, :badge, public_id => 'timetrackr/badges/00000000-0000-4000-8000-000000000000', version => 7, cloud_name => 'demo') AS address;
SELECT id, test.refusal(format('SELECT timetrackr.set_badge_image(%s, %s, public_id => %L, version => 7, cloud_name => ''demo'')', :root, :badge, id)) AS refused
FROM unnest(ARRAY['timetrackr/badges/7', 'timetrackr/badges/00000000-0000-4000-8000-00000000000/', 'timetrackr/badges/00000000-0000-4000-8000-0000000000000']) id;
DELETE FROM timetrackr.badges WHERE id = :badge;

-- What Cloudinary tells: only what is newer than what is known, and nothing that was taken away comes back.
CREATE FUNCTION test.notified(user_id bigint, version text, kind text DEFAULT 'upload', public_id text DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM timetrackr.note_upload(jsonb_build_object('notification_type', kind, 'version', version::jsonb,
        'public_id', COALESCE(public_id, 'timetrackr/avatars/' || user_id), 'resource_type', 'image'), 'demo');
    RETURN (SELECT substring(u.avatar FROM '/v(\d+)/') FROM timetrackr.users u WHERE u.id = user_id);
END
$$;
SELECT test.notified(:ann, '1700000001') AS same, test.notified(:ann, '1700000000') AS older, test.notified(:ann, '1700000005') AS newer,
    test.notified(:ann, '1700000009', 'delete') AS deleted, test.notified(:ann, '1700000009', public_id => 'timetrackr/avatars/0') AS foreign,
    test.notified(:ann, '"x"') AS no_number, test.notified(:ann, 'null') AS no_version;
SELECT timetrackr.remove_avatar(:ann);
SELECT test.notified(:ann, '1700000005') IS NULL AS replayed;
SELECT timetrackr.set_avatar(:ann, test.png(1, 1)) ~ '^/media/' AS kept_here, test.notified(:ann, '1700000005') IS NULL AS replayed;
SELECT test.notified(:ann, '1700000006') AS newer;
SELECT count(*) AS kept FROM timetrackr.media;
SELECT timetrackr.note_upload(notification::jsonb, 'demo') FROM unnest(ARRAY['[]', '{}', '"x"', 'null', '{"notification_type": "upload", "public_id": 7, "version": 8}']) notification;

-- Rows that no trigger saw go out of use.
INSERT INTO timetrackr.media (bytes) VALUES (test.png(8, 8)), (test.png(9, 9));
UPDATE timetrackr.users u SET avatar = '/media/' || m.id FROM timetrackr.media m WHERE u.id = :ann AND m.width = 9;
SELECT timetrackr.remove_unused_media() AS removed;
SELECT width FROM timetrackr.media;

-- Tables of before: the catalogue's badges get their pictures, once, where an admin has set none.
BEGIN;
DELETE FROM timetrackr.media;
DROP TRIGGER timetrackr_media_before ON timetrackr.media;
ALTER TABLE timetrackr.media DROP COLUMN width, DROP COLUMN height, ADD COLUMN owner_id bigint;
DROP INDEX timetrackr.media_sha256_key;
ALTER TABLE timetrackr.users DROP COLUMN avatar_version;
UPDATE timetrackr.badges SET image_url = CASE name WHEN 'Founder' THEN 'https://example.org/f.png' END;
SELECT timetrackr.install() > 0 AS installed;
SELECT name, image_url FROM timetrackr.badges WHERE name IN ('Founder', 'Hundred-Day Streak', 'Ten Hours In') ORDER BY name;
UPDATE timetrackr.badges SET image_url = NULL WHERE name = 'Founder';
SELECT timetrackr.install() > 0 AS again;
SELECT image_url IS NULL AS left_alone FROM timetrackr.badges WHERE name = 'Founder';
SELECT timetrackr.set_avatar(:ann, test.png(5, 5)) ~ '^/media/' AS works;
ROLLBACK;

DELETE FROM timetrackr.users WHERE id IN (:root, :ann);
SELECT count(*) AS kept FROM timetrackr.media;
SELECT * FROM timetrackr.verify();
DROP FUNCTION test.png, test.avatar_refusal, test.notified;
