/*
 * sentry_limit.c - the bucket, and X-Sentry-Rate-Limits: seconds:category;category:scope:…, …
 */
#include "sentry_limit.h"

#include <stdlib.h>
#include <string.h>

/* 429 without a word of how long, in s; and the longest that is believed. */
#define SILENCE_DEFAULT 60
#define SILENCE_MOST 86400

bool
sentry_limit_is_silenced(const struct sentry_limit *limit, uint64_t now)
{
	return now < limit->silent_until;
}

bool
sentry_limit_take(struct sentry_limit *limit, uint64_t now)
{
	uint64_t	fresh = (now - limit->filled) / SENTRY_TOKEN_INTERVAL;

	if (fresh >= limit->used)
	{
		limit->used = 0;
		limit->filled = now;
	}
	else
	{
		limit->used -= (unsigned) fresh;
		limit->filled += fresh * SENTRY_TOKEN_INTERVAL;
	}
	if (limit->used == SENTRY_BURST)
		return false;
	limit->used++;
	return true;
}

static void
silence(struct sentry_limit *limit, uint64_t now, long seconds)
{
	uint64_t	until = now + (uint64_t) (seconds > SILENCE_MOST ? SILENCE_MOST : seconds) * 1000;

	if (until > limit->silent_until)
		limit->silent_until = until;
}

/* Is this list of categories about errors? An empty one is about everything. */
static bool
concerns_errors(const char *list, size_t length)
{
	while (length > 0)
	{
		size_t		word = 0;

		while (word < length && list[word] != ';')
			word++;
		if ((word == 5 && memcmp(list, "error", 5) == 0) || (word == 7 && memcmp(list, "default", 7) == 0))
			return true;
		if (word == length)
			return false;
		list += word + 1;
		length -= word + 1;
		if (length == 0)
			return false;
	}
	return true;
}

/* Note one limit of the list. */
static void
note_limit(struct sentry_limit *limit, uint64_t now, const char *text, size_t length)
{
	const char *colon = memchr(text, ':', length);
	char	   *end;
	long		seconds = strtol(text, &end, 10);
	const char *categories = colon != NULL ? colon + 1 : text + length;
	size_t		left = length - (size_t) (categories - text);
	const char *scope = memchr(categories, ':', left);

	if (end == text || seconds <= 0 || (colon != NULL && end > colon))
		return;
	if (concerns_errors(categories, scope != NULL ? (size_t) (scope - categories) : left))
		silence(limit, now, seconds);
}

void
sentry_limit_note(struct sentry_limit *limit, uint64_t now, int status, long retry_after, const char *limits)
{
	if (limits == NULL && status == 429)
		silence(limit, now, retry_after > 0 ? retry_after : SILENCE_DEFAULT);
	while (limits != NULL && *limits != '\0')
	{
		size_t		length = strcspn(limits, ",");

		note_limit(limit, now, limits, length);
		limits += length + (limits[length] == ',');
		limits += strspn(limits, " ");
	}
}
