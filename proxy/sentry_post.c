/*
 * sentry_post.c - an envelope and the headers that go with it.
 */
#include "sentry_post.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define KEY_MOST 1000

void
sentry_origin_find(struct sentry_origin *origin, const struct sentry_dsn *dsn, const char *environment)
{
	*origin = (struct sentry_origin) {.dsn = dsn, .environment = environment};
	/* the last byte stays a NUL, also where the name is cut */
	if (gethostname(origin->server_name, sizeof origin->server_name - 1) != 0)
		origin->server_name[0] = '\0';
}

bool
sentry_post_begin(struct sentry_post *post, struct outbound *outbound, const struct sentry_origin *origin,
				  const struct sentry_event *event, unsigned timeout_ms,
				  void (*done) (void *arg, const struct outbound_answer *answer), void *arg)
{
	char		id[SENTRY_ID_SIZE];
	char		auth[KEY_MOST + 200];
	const char *const headers[] = {"Content-Type: application/x-sentry-envelope", auth, NULL};
	struct outbound_request request = {
		.url = origin->dsn->url, .headers = headers, .timeout_ms = timeout_ms,
		/* an operator has named the server, which may well be beside this one */
		.allow_private = true,
		.wanted_header = "X-Sentry-Rate-Limits", .done = done, .arg = arg,
	};
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(auth, sizeof auth, "X-Sentry-Auth: Sentry sentry_version=7, sentry_client=" SENTRY_CLIENT "/"
			 TIMETRACKR_VERSION ", sentry_key=%s", origin->dsn->key);
	text_reset(&post->envelope);
	if (!sentry_make_id(id))
		return false;
	sentry_envelope_write(&post->envelope, origin, event, id,
						  (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000);
	request.body = post->envelope.data;
	request.length = post->envelope.length;
	return !post->envelope.failed && outbound_send(outbound, &request);
}

void
sentry_post_end(struct sentry_post *post)
{
	text_free(&post->envelope);
}
