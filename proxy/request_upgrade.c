/*
 * request_upgrade.c - a request that becomes a live connection.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "live.h"
#include "log.h"
#include "request_state.h"
#include "tls.h"

static bool
refuse(struct request *request, int status, const char *code, const char *detail)
{
	problem_set(&request->problem, status, code, detail);
	return false;
}

/* Read ?after=; there is no other parameter. */
static bool
read_query(struct request *request)
{
	const struct target *target = &request->target;

	request->live_after = -1;
	for (size_t i = 0; i < target->query_count; i++)
	{
		const char *value = target->query[i].value;

		request->problem.field = NULL;
		if (strcmp(target->query[i].name, "after") != 0)
			return refuse(request, 422, "unknown_field", "There is no parameter but \"after\" here.");
		errno = 0;
		request->live_after = strtoll(value, NULL, 10);
		if (*value == '\0' || strspn(value, "0123456789") != strlen(value) || errno != 0)
			return refuse(request, 400, "invalid_parameter", "\"after\" must be the id of an event.");
	}
	return true;
}

/* May this origin's pages connect? A program that is no browser sends none. */
static bool
is_welcome(const struct request *request)
{
	const struct request_head *head = &request->head;

	return head->origin == NULL || request->admission.origin != NULL ||
		upgrade_same_host(head->origin, head->host);
}

bool
request_upgrade(struct request *request)
{
	struct request_head *head = &request->head;

	/* HTTP/1.0 has no upgrade, and HEAD cannot have one: as if none was asked for */
	if (!head->is_1_1 || strcmp(head->method, "GET") != 0)
		head->upgrade.websocket = false;
	if (head->announces_body)
		return refuse(request, 400, "malformed_request", "A handshake has no body.");
	if (!read_query(request))
		return false;
	if (!is_welcome(request))
		return refuse(request, 403, "origin_not_allowed", "Pages of this origin may not connect.");
	if (!upgrade_accept(&head->upgrade, &request->answer, &request->arena, &request->problem))
		return false;
	request->holds_place = live_reserve(request->service->live, request->admission.user_id);
	if (request->holds_place)
		return true;
	answer_reset(&request->answer);
	return refuse(request, 503, "too_many_connections", "There are too many live connections.");
}

void
request_hand_over(struct request *request, int fd, struct tls_channel *tls, const char *bytes,
				  size_t length)
{
	const struct live_opening opening = {
		.fd = fcntl(fd, F_DUPFD_CLOEXEC, 0),
		.tls = tls,
		.bytes = bytes,
		.length = length,
		.request_id = request->admission.id,
		.user_id = request->admission.user_id,
		.expires = request->admission.expires,
		.after = request->live_after,
	};

	if (opening.fd < 0)
	{
		log_event(LEVEL_WARN, "live_failed", "error", strerror(errno), NULL);
		tls_free(tls);
		return;
	}
	request->holds_place = false;
	live_open(request->service->live, &opening);
}
