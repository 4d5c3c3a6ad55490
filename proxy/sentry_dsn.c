/*
 * sentry_dsn.c - a DSN taken apart, from left to right.
 *
 * The secret that old servers gave beside the key is dropped: nothing asks for it any more.
 */
#include "sentry_dsn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DSN_MAX 1000
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define WORD LETTERS "0123456789-_"

static bool
refuse(char *why, size_t why_size, const char *reason)
{
	snprintf(why, why_size, "%s", reason);
	return false;
}

/* Is this host, host:port, [address] or [address]:port? */
static bool
is_place(const char *text, size_t length)
{
	bool		bracket = length > 0 && text[0] == '[';
	size_t		host = bracket ? strspn(text + 1, "0123456789abcdefABCDEF:.") : strspn(text, WORD ".");
	size_t		end = bracket ? host + 2 : host;
	size_t		digits;
	long		port;

	if (host == 0 || end > length || (bracket && text[end - 1] != ']'))
		return false;
	if (end == length)
		return true;
	digits = strspn(text + end + 1, "0123456789");
	port = strtol(text + end + 1, NULL, 10);
	return text[end] == ':' && digits > 0 && digits <= 5 && end + 1 + digits == length && port > 0 && port <= 65535;
}

bool
sentry_dsn_parse(const char *value, struct sentry_dsn *dsn, char *why, size_t why_size)
{
	size_t		scheme = strncmp(value, "https://", 8) == 0 ? 8 : strncmp(value, "http://", 7) == 0 ? 7 : 0;
	const char *login = value + scheme;
	const char *at = strchr(login, '@');
	size_t		key = strspn(login, WORD);
	const char *place;
	const char *project = strrchr(login, '/');
	size_t		place_length;

	if (scheme == 0)
		return refuse(why, why_size, "must start with https:// or http://");
	if (strlen(value) > DSN_MAX)
		return refuse(why, why_size, "is too long");
	if (at == NULL || key == 0 || (login + key != at && login[key] != ':') ||
		(login[key] == ':' && login + key + 1 + strspn(login + key + 1, WORD) != at))
		return refuse(why, why_size, "must have the public key in front of the host, as in https://KEY@host/PROJECT");
	place = at + 1;
	place_length = strcspn(place, "/");
	if (!is_place(place, place_length))
		return refuse(why, why_size, "names no host, or a bad port");
	if (project == NULL || project < place || project[1] == '\0' || strspn(project + 1, WORD) != strlen(project + 1))
		return refuse(why, why_size, "must end in the number of the project, as in https://KEY@host/PROJECT");
	if (strspn(place + place_length, WORD "./~%") != strlen(place + place_length))
		return refuse(why, why_size, "has something in its path that does not belong there");
	dsn->key = strndup(login, key);
	if (dsn->key == NULL ||
		asprintf(&dsn->url, "%.*s%.*s/api/%s/envelope/", (int) scheme, value, (int) (project - place), place, project + 1) < 0)
	{
		dsn->url = NULL;
		return refuse(why, why_size, "out of memory");
	}
	return true;
}

void
sentry_dsn_free(struct sentry_dsn *dsn)
{
	free(dsn->key);
	free(dsn->url);
	*dsn = (struct sentry_dsn) {0};
}
