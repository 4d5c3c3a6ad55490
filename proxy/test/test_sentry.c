/*
 * test_sentry.c - the parts of reporting that are pure: the DSN, what is taken out of texts, and how
 * often reports may go out.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../sentry_dsn.h"
#include "../sentry_limit.h"
#include "../sentry_scrub.h"
#include "check.h"

/* ---- the DSN ---- */

static void
test_good_dsns(void)
{
	static const char *const cases[][3] = {
		{"https://abc123@o1.ingest.sentry.io/42", "abc123", "https://o1.ingest.sentry.io/api/42/envelope/"},
		{"http://k@localhost:9000/1", "k", "http://localhost:9000/api/1/envelope/"},
		{"http://k:old-secret@10.0.0.5/1", "k", "http://10.0.0.5/api/1/envelope/"},
		{"https://k@[::1]:9000/1", "k", "https://[::1]:9000/api/1/envelope/"},
		{"https://k@[::1]/1", "k", "https://[::1]/api/1/envelope/"},
		{"https://k@host/sentry/under/7", "k", "https://host/sentry/under/api/7/envelope/"},
		{"https://k@host/my-project", "k", "https://host/api/my-project/envelope/"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
	{
		struct sentry_dsn dsn = {0};
		char		why[200] = "";

		CHECK_CASE(sentry_dsn_parse(cases[i][0], &dsn, why, sizeof why), cases[i][0]);
		CHECK_CASE(dsn.key != NULL && strcmp(dsn.key, cases[i][1]) == 0, cases[i][0]);
		CHECK_CASE(dsn.url != NULL && strcmp(dsn.url, cases[i][2]) == 0, cases[i][0]);
		sentry_dsn_free(&dsn);
		CHECK(dsn.key == NULL && dsn.url == NULL);
	}
}

static void
test_bad_dsns(void)
{
	static const char *const cases[] = {
		"", "sesame", "sesame@host/1", "ftp://sesame@host/1", "https://", "https://host/1", "https://@host/1",
		"https://sesame@/1", "https://sesame@host", "https://sesame@host/", "https://sesame@host:x/1",
		"https://sesame@host:/1", "https://sesame@host:0/1", "https://sesame@host:65536/1", "https://sesame@host:123456/1",
		"https://sesame@host/1/", "https://sesame@host/1?a=b", "https://sesame@host/1#x", "https://sesame@ho st/1",
		"https://ses ame@host/1", "https://sesame\r\nX: y@host/1", "https://sesame@host/a b/1", "https://sesame@[::1/1",
		"https://sesame@[]/1", "https://sesame@[::1]x/1", "https://sesame:a:b@host/1", "https://sesame@other@host/1",
	};
	char		longest[1100];
	struct sentry_dsn dsn = {0};
	char		why[200] = "";

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
	{
		CHECK_CASE(!sentry_dsn_parse(cases[i], &dsn, why, sizeof why), cases[i]);
		CHECK_CASE(why[0] != '\0' && strstr(why, "sesame") == NULL, cases[i]);
		sentry_dsn_free(&dsn);
	}
	snprintf(longest, sizeof longest, "https://%0*d@host/1", 1050, 7);
	CHECK(!sentry_dsn_parse(longest, &dsn, why, sizeof why));
	sentry_dsn_free(&dsn);
}

/* ---- what is taken out ---- */

static void
test_scrubbing(void)
{
	static const char *const cases[][2] = {
		{"nothing to hide", "nothing to hide"},
		{"", ""},
		{"from ada@example.com to bob", "from [Filtered] to bob"},
		{"<ada@example.com>", "<[Filtered]>"},
		{"password=hunter2 host=db", "password=[Filtered] host=db"},
		{"PGPASSWORD=hunter2", "PGPASSWORD=[Filtered]"},
		{"{\"refresh_token\":\"abc\",\"n\":1}", "{\"refresh_token\":\"[Filtered]\",\"n\":1}"},
		{"token = abc", "token = [Filtered]"},
		{"password authentication failed", "password authentication failed"},
		{"refresh_token: abc def", "refresh_token: [Filtered] def"},
		{"Authorization: Bearer abc, x", "Authorization: [Filtered] [Filtered], x"},
		{"Bearer abc", "Bearer [Filtered]"},
		{"Cookie: sid=1", "Cookie: [Filtered]"},
		{"?api_key=1&limit=2", "?api_key=[Filtered]&limit=2"},
		{"postgresql://ada:hunter2@db:5432/app", "postgresql://[Filtered]@db:5432/app"},
		{"redis://:p@ss@h", "redis://[Filtered]@h"},
		{"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc", "[Filtered]"},
		{"id 0123456789abcdef0123456789abcdef end", "id [Filtered] end"},
		{"/users/7/days", "/users/7/days"},
		{"/media/0123456789abcdef0123456789abcdef", "[Filtered]"},
		{"function timetrackr.recompute_everything_of_a_user(bigint) does not exist",
		"function timetrackr.recompute_everything_of_a_user(bigint) does not exist"},
		{"Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0",
		"Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
	{
		char		out[200];

		sentry_scrub(out, sizeof out, cases[i][0]);
		CHECK_CASE(strcmp(out, cases[i][1]) == 0, out);
	}
}

/* However small the room is, nothing is written behind it, and nothing of a secret into it. */
static void
test_room(void)
{
	static const char text[] = "a password=hunter2 b ada@example.com c";
	char		whole[100];

	sentry_scrub(whole, sizeof whole, text);
	for (size_t size = 1; size < sizeof whole; size++)
	{
		char	   *out = malloc(size);

		sentry_scrub(out, size, text);
		CHECK(strlen(out) < size && strncmp(out, whole, strlen(out)) == 0);
		CHECK(strlen(out) == (strlen(whole) < size - 1 ? strlen(whole) : size - 1));
		free(out);
	}
	sentry_scrub(whole, sizeof whole, NULL);
	CHECK(whole[0] == '\0');
}

static void
test_errors(void)
{
	static const char *const named[] = {"42883", "42P01", "53300", "57014", "08006", "55P03", "0A000"};
	static const char *const silent[] = {"22P02", "23505", "P0001", "XX000", "TT500", "38000", "", "4", "99999"};
	char		out[200];

	for (size_t i = 0; i < sizeof named / sizeof named[0]; i++)
	{
		CHECK_CASE(sentry_scrub_error(out, sizeof out, named[i], "relation \"t\" of ada@example.com"), named[i]);
		CHECK_CASE(strcmp(out, "relation \"t\" of [Filtered]") == 0, out);
	}
	for (size_t i = 0; i < sizeof silent / sizeof silent[0]; i++)
	{
		CHECK_CASE(!sentry_scrub_error(out, sizeof out, silent[i], "the note is \"my diary\""), silent[i]);
		CHECK_CASE(out[0] == '\0', silent[i]);
	}
}

/* ---- how often ---- */

static void
test_bucket(void)
{
	struct sentry_limit limit = {0};
	uint64_t	now = 1000000;
	int			taken = 0;

	while (taken < 1000 && sentry_limit_take(&limit, now))
		taken++;
	CHECK(taken == SENTRY_BURST);
	CHECK(!sentry_limit_take(&limit, now + SENTRY_TOKEN_INTERVAL - 1));
	CHECK(sentry_limit_take(&limit, now + SENTRY_TOKEN_INTERVAL));
	CHECK(!sentry_limit_take(&limit, now + SENTRY_TOKEN_INTERVAL));
	/* a bucket is never fuller than full */
	now += 1000 * SENTRY_TOKEN_INTERVAL;
	for (taken = 0; taken < 1000 && sentry_limit_take(&limit, now);)
		taken++;
	CHECK(taken == SENTRY_BURST);
}

/* For how many seconds is it silent after this answer? */
static long
silence_after(int status, long retry_after, const char *limits)
{
	struct sentry_limit limit = {0};

	sentry_limit_note(&limit, 5000, status, retry_after, limits);
	CHECK(sentry_limit_is_silenced(&limit, 5000) == (limit.silent_until > 5000));
	return limit.silent_until == 0 ? 0 : (long) (limit.silent_until - 5000) / 1000;
}

static void
test_what_the_server_says(void)
{
	struct sentry_limit limit = {0};

	CHECK(silence_after(200, 0, NULL) == 0);
	CHECK(silence_after(500, 30, NULL) == 0);
	CHECK(silence_after(429, 0, NULL) == 60);
	CHECK(silence_after(429, 7, NULL) == 7);
	CHECK(silence_after(429, 1000000, NULL) == 86400);
	CHECK(silence_after(200, 0, "60:error:key") == 60);
	CHECK(silence_after(429, 5, "60:error:key") == 60);
	CHECK(silence_after(429, 5, "60:transaction:organization") == 0);
	CHECK(silence_after(200, 0, "60::organization") == 60);
	CHECK(silence_after(200, 0, "60") == 60);
	CHECK(silence_after(200, 0, "60:") == 60);
	CHECK(silence_after(200, 0, "50:transaction;error;span:organization:quota") == 50);
	CHECK(silence_after(200, 0, "50:transaction:key, 2700:default:organization") == 2700);
	CHECK(silence_after(200, 0, "50:errors;span;:key") == 0);
	CHECK(silence_after(200, 0, "x:error:key, -5:error:key, :error, ,,,") == 0);
	CHECK(silence_after(200, 0, "99999999999999999999:error:key") == 86400);

	/* a shorter silence does not end a longer one */
	sentry_limit_note(&limit, 1000, 429, 100, NULL);
	sentry_limit_note(&limit, 2000, 429, 1, NULL);
	CHECK(sentry_limit_is_silenced(&limit, 100999));
	CHECK(!sentry_limit_is_silenced(&limit, 101000));
}

int
main(void)
{
	test_good_dsns();
	test_bad_dsns();
	test_scrubbing();
	test_room();
	test_errors();
	test_bucket();
	test_what_the_server_says();
	return check_summary("sentry");
}
