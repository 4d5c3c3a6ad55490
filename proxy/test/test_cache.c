/*
 * test_cache.c - what the kept answers rest on: generations, the cache's bounds,
 * Accept-Encoding, compression.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../accept.h"
#include "../cache.h"
#include "../freshness.h"
#include "../gzip.h"
#include "check.h"

static struct cache_counters counters;

static void
test_generations(void)
{
	struct writes *writes = writes_create();
	struct generations *here = generations_create(writes);
	struct generations *there = generations_create(writes);
	unsigned	user = generation_of_user(7);
	struct stamp before = generations_stamp(here, 10);

	CHECK(generations_hold(here, &before, user));
	writes_note(writes, user);
	CHECK(!generations_hold(here, &before, user));
	CHECK(!generations_hold(there, &before, user));	/* a write counts for all threads */
	CHECK(generations_hold(here, &before, GENERATION_BADGES));
	before = generations_stamp(here, 10);
	CHECK(generations_hold(here, &before, user));
	generations_event(here, user, 10);
	CHECK(generations_hold(here, &before, user));	/* it had been heard of */
	generations_event(here, user, 11);
	CHECK(!generations_hold(here, &before, user));
	CHECK(generations_hold(there, &before, user));	/* an event for who has heard it */
	before = generations_stamp(here, 11);
	generations_reset(here, 5);
	CHECK(!generations_hold(here, &before, user));
	CHECK(!generations_admit(here, 4, GENERATION_BADGES));	/* from before what is known */
	CHECK(generations_admit(here, 5, GENERATION_BADGES));
	CHECK(!generations_admit(here, 5, user));	/* written by us a moment ago */
	generations_event(here, GENERATION_BADGES, 6);
	CHECK(!generations_admit(here, 5, GENERATION_BADGES));
	CHECK(generations_admit(here, 6, GENERATION_BADGES));
	CHECK(generation_of_project(7) != user && generation_of_user(8) != user);
	generations_free(there);
	generations_free(here);
	writes_free(writes);
}

/* Store a body of `size` bytes under a number. */
static void
put(struct cache *cache, int number, size_t size)
{
	char		key[16];
	char	   *body = malloc(size);
	struct basis basis = {.max_age = 1};
	struct rendered *rendered;

	memset(body, 'a' + number % 26, size);
	rendered = rendered_create(body, size, NULL);
	snprintf(key, sizeof key, "%d", number);
	cache_store(cache, key, strlen(key), rendered, &basis);
	rendered_release(rendered);
	free(body);
}

static struct rendered *
get(struct cache *cache, int number)
{
	const struct basis *basis;
	char		key[16];

	snprintf(key, sizeof key, "%d", number);
	return cache_find(cache, key, strlen(key), &basis);
}

static void
test_bounds(void)
{
	enum
	{
		ROOM = 64 * 1024
	};
	struct cache *cache = cache_create(ROOM, &counters);
	struct rendered *held;
	size_t		length;

	for (int i = 0; i < 1000; i++)
	{
		put(cache, i, 2000);
		(void) get(cache, 0);
	}
	CHECK(counters.bytes <= ROOM && counters.bytes > ROOM / 2);
	CHECK(counters.evictions == 1000 - counters.entries);
	CHECK(get(cache, 0) != NULL);	/* used all the time */
	CHECK(get(cache, 1) == NULL);
	CHECK(get(cache, 999) != NULL && get(cache, 999)->body[0] == 'a' + 999 % 26);
	put(cache, 5000, ROOM / 4);
	CHECK(get(cache, 5000) == NULL);	/* too large */
	/* what is compressed takes more room, and that counts */
	for (int i = 990; i < 1000; i++)
		if (get(cache, i) != NULL)
			(void) rendered_gzip(get(cache, i), &length);
	for (int i = 990; i < 1000; i++)
		(void) get(cache, i);
	CHECK(counters.bytes <= ROOM);
	held = rendered_hold(get(cache, 999));
	put(cache, 999, 3000);
	CHECK(held->length == 2000 && get(cache, 999)->length == 3000);
	cache_clear(cache);
	CHECK(counters.entries == 0 && counters.bytes == 0 && held->body[0] == 'a' + 999 % 26);
	rendered_release(held);
	cache_free(cache);
}

static void
test_accept_encoding(void)
{
	static const struct
	{
		const char *header;
		bool		taken;
	}			cases[] = {
		{NULL, false}, {"", false}, {"gzip", true}, {"GZIP", true}, {"x-gzip", true},
		{"deflate, gzip, br", true}, {"deflate", false}, {"gzip;q=0", false}, {"gzip; q=0.000", false},
		{"gzip;q=0.001", true}, {"*", true}, {"*;q=0", false}, {"*, gzip;q=0", false},
		{"gzip;q=0, *", false}, {"br;q=1.0, gzip;q=0.8, *;q=0.1", true}, {"identity", false},
		{"identity, gzip;q=0.5", false}, {"identity;q=0.5, gzip", true}, {"gzipped", false},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		CHECK_CASE(accept_gzip(cases[i].header) == cases[i].taken,
				   cases[i].header != NULL ? cases[i].header : "no header");
}

static void
test_compression(void)
{
	static const size_t sizes[] = {1025, 4096, 40000, 300000};
	size_t		length;
	char	   *noise = malloc(5000);

	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
	{
		char	   *body = calloc(1, sizes[i]);
		char	   *out = gzip_compress(body, sizes[i], GZIP_ONCE, &length);

		CHECK(out != NULL && length < sizes[i] / 8 && (unsigned char) out[0] == 0x1F);
		free(out);
		free(body);
	}
	srandom(1);
	for (int i = 0; i < 5000; i++)
		noise[i] = (char) random();
	CHECK(gzip_compress(noise, 5000, GZIP_KEPT, &length) == NULL);	/* it would be longer */
	free(noise);
}

/* An event of this topic; does it change the slot? */
static bool
changes_slot(const char *topic, const char *data, unsigned slot)
{
	const struct feed_event event = {
		.topic = topic, .user_id = 7, .project_id = 9, .data = data, .data_length = strlen(data)
	};
	struct changes changes;

	freshness_of_event(&changes, &event);
	for (size_t i = 0; i < changes.slot_count; i++)
		if (changes.slots[i] == slot)
			return true;
	return false;
}

static void
test_events(void)
{
	CHECK(changes_slot("project_changed", "{}", GENERATION_ALL));
	CHECK(changes_slot("project_changed", "{\"change\": \"visibility\"}", GENERATION_ALL));
	CHECK(!changes_slot("project_changed", "{\"change\": \"member\"}", GENERATION_ALL));
	CHECK(changes_slot("project_changed", "{\"change\": \"member\"}", generation_of_project(9)));
	/* quoted text does not pass for the member of that name */
	CHECK(changes_slot("project_changed", "{\"name\": \"\\\"change\\\": \\\"member\\\"\"}", GENERATION_ALL));
	CHECK(changes_slot("profile_changed", "{}", generation_of_user(7)));
	CHECK(changes_slot("score_changed", "{}", GENERATION_EDITS));
	CHECK(changes_slot("badges_changed", "{}", GENERATION_ALL));
	CHECK(changes_slot("something new", "{}", generation_of_user(7)));
	CHECK(!changes_slot("notification_created", "{}", generation_of_user(7)));
}

static int freed;

static void
note_freed(void *ready)
{
	freed += *(int *) ready;
}

/* What is made to send a body is of one form of it, takes room, and ends with it. */
static void
test_ready(void)
{
	static char text[2048];
	int			weights[] = {1, 10, 100};
	struct rendered *rendered;
	const char *gzip;
	size_t		length;
	size_t		before;

	memset(text, 'x', sizeof text);
	rendered = rendered_create(text, sizeof text, NULL);
	gzip = rendered_gzip(rendered, &length);
	before = rendered_size(rendered);
	*rendered_ready(rendered, rendered->body, false, note_freed) = &weights[0];
	*rendered_ready(rendered, rendered->body, true, note_freed) = &weights[1];
	CHECK(*rendered_ready(rendered, gzip, false, note_freed) == NULL);
	*rendered_ready(rendered, gzip, false, note_freed) = &weights[2];
	CHECK(*rendered_ready(rendered, rendered->body, false, note_freed) == &weights[0]);
	CHECK(*rendered_ready(rendered, rendered->body, true, note_freed) == &weights[1]);
	CHECK(*rendered_ready(rendered, gzip, true, note_freed) == NULL);
	CHECK(rendered_size(rendered) > before);
	rendered_release(rendered_hold(rendered));
	CHECK(freed == 0);
	rendered_release(rendered);
	CHECK(freed == 111);
}

int
main(void)
{
	test_generations();
	test_bounds();
	test_accept_encoding();
	test_compression();
	test_ready();
	test_events();
	return check_summary("cache");
}
