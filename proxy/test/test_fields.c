/*
 * test_fields.c - values of If-None-Match and Idempotency-Key, right, wrong and
 * senseless, each in memory of its own size, so that the sanitizer sees who reads on.
 */
#include "../etag.h"
#include "../idempotency.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"

#define RANDOM_CASES 200000
#define RANDOM_LENGTH 24

static const char own[ETAG_SIZE] = "W/\"0123456789abcdef\"";

/* Is the own tag named? */
static bool
names(const char *value)
{
	char	   *copy = strdup(value);
	bool		named = copy != NULL && etag_is_named(copy, own);

	free(copy);
	return named;
}

/* The key is read as `expected`, NULL: as none. */
static bool
reads_as(const char *value, const char *expected)
{
	struct arena arena = {0};
	bool		out_of_memory;
	char	   *copy = strdup(value);
	const char *key = copy != NULL ? idempotency_read_key(copy, &arena, &out_of_memory) : NULL;
	bool		same = expected == NULL || key == NULL ? key == expected : strcmp(key, expected) == 0;

	free(copy);
	arena_free(&arena);
	return same;
}

static void
test_tags(void)
{
	static const char *const yes[] = {
		"*", " *\t", "W/\"0123456789abcdef\"", "\"0123456789abcdef\"", ",\"\",W/\"0123456789abcdef\",",
	};
	static const char *const no[] = {
		"", ",", "W", "W/", "W/\"", "\"", "\"\"", "**", "*,", "0123456789abcdef", "\"0123456789abcdef", "\"0123456789abcdeF\"",
		"w/\"0123456789abcdef\"", "\"x\"\"0123456789abcdef\"", "\"x\" \"0123456789abcdef\"",
	};
	char		tag[ETAG_SIZE];
	char		again[ETAG_SIZE];

	for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
		CHECK_CASE(names(yes[i]), yes[i]);
	for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
		CHECK_CASE(!names(no[i]), no[i]);
	etag_make(tag, "[]", 2);
	etag_make(again, "[]x", 2);
	CHECK(strlen(tag) == ETAG_SIZE - 1 && strcmp(tag, again) == 0);
	etag_make(again, "[ ]", 3);
	CHECK(strcmp(tag, again) != 0);
	/* the values of the hash are fixed: clients keep tags longer than a proxy lives */
	etag_make(tag, NULL, 0);
	CHECK_CASE(strcmp(tag, "W/\"2d06800538d394c2\"") == 0, tag);
}

static void
test_keys(void)
{
	CHECK(reads_as("abc", "abc"));
	CHECK(reads_as("\"abc\"", "abc"));
	CHECK(reads_as("\"a b,c;d\" \t", "a b,c;d"));
	CHECK(reads_as("\"\\\"\\\\\"", "\"\\"));
	CHECK(reads_as("", NULL));
	CHECK(reads_as("\"", NULL));
	CHECK(reads_as("\"\"", NULL));
	CHECK(reads_as("\"\\", NULL));
	CHECK(reads_as("\"\\\"", NULL));
	CHECK(reads_as("\"a\\b\"", NULL));
	CHECK(reads_as("\"a\";p", NULL));
	CHECK(reads_as("\"a\" b", NULL));
	CHECK(reads_as("a b", NULL));
	CHECK(reads_as("\x7f", NULL));
	CHECK(reads_as("\xc3\xbc", NULL));
	CHECK(reads_as("\"\xc3\xbc\"", NULL));
}

/* Senseless ones, made of what means something: nobody reads on behind their end. */
static void
test_senseless(void)
{
	static const char alphabet[] = "W/\"\"\\*,, \tab0;";
	unsigned	read = 0;

	srand(1);
	for (int i = 0; i < RANDOM_CASES; i++)
	{
		size_t		length = (size_t) rand() % RANDOM_LENGTH;
		char		value[RANDOM_LENGTH + 1];

		for (size_t at = 0; at < length; at++)
			value[at] = alphabet[(size_t) rand() % (sizeof alphabet - 1)];
		value[length] = '\0';
		read += names(value) + reads_as(value, NULL);
	}
	CHECK(read > 0);
}

static void
test_fingerprints(void)
{
	struct arena arena = {0};
	const char *first = idempotency_fingerprint("/projects", "{}", 2, &arena);

	CHECK(strlen(first) == 48);
	CHECK(strcmp(first, idempotency_fingerprint("/projects", "{}x", 2, &arena)) == 0);
	CHECK(strcmp(first, idempotency_fingerprint("/projects", "{ }", 3, &arena)) != 0);
	CHECK(strcmp(first, idempotency_fingerprint("/projects?", "{}", 2, &arena)) != 0);
	CHECK(strcmp(first, idempotency_fingerprint("/projects", NULL, 0, &arena)) != 0);
	arena_free(&arena);
}

int
main(void)
{
	test_tags();
	test_keys();
	test_senseless();
	test_fingerprints();
	return check_summary("fields");
}
