/*
 * head.c - strictness about header fields (RFC 9112): what two parsers could
 * understand differently is refused.
 */
#include "head.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A gap between two fields that is larger than this is no gap: they lie in different buffers. */
#define GAP_MAX 1024

/* Is this a token as field names are (RFC 9110 5.6.2)? */
static bool
is_token(const char *name, size_t length)
{
	return length > 0 && strspn(name, "!#$%&'*+-.^_`|~0123456789"
								"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == length;
}

/* Has the value a control byte other than a tab? */
static bool
has_control(const char *value, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (((unsigned char) value[i] < 0x20 && value[i] != '\t') || value[i] == 0x7F)
			return true;
	return false;
}

/*
 * Look at the bytes between the last field and this one. The parser has put
 * NULs where CR and LF stood: two of them are a proper end of line, one is a
 * bare LF; other bytes were cut off by a NUL within the value. A value in front
 * of its name was moved to join a folded line.
 */
static const char *
gap_fault(const struct head *head, const char *name, const char *value)
{
	uintptr_t	end = (uintptr_t) head->previous_end;
	uintptr_t	start = (uintptr_t) name;

	if ((uintptr_t) value < start)
		return "A header field is folded over several lines.";
	if (head->previous_end == NULL || start < end || start - end > GAP_MAX)
		return NULL;
	if (start - end < 2)
		return "A line of the head does not end in CR LF.";
	for (const char *at = head->previous_end; at < name; at++)
		if (*at != '\0' && *at != ' ' && *at != '\t' && *at != '\r' && *at != '\n')
			return "A header field has a NUL byte.";
	return NULL;
}

static bool
is_named(const char *name, size_t length, const char *known)
{
	return strlen(known) == length && strncasecmp(name, known, length) == 0;
}

/* Note the announced length; a malformed one is a fault. */
static void
add_length(struct head *head, const char *value)
{
	char	   *end;

	head->lengths++;
	head->request.announces_body = true;
	errno = 0;
	head->request.content_length = strtoull(value, &end, 10);
	if (*value < '0' || *value > '9' || *end != '\0' || errno != 0)
		head->fault = "Content-Length is no number.";
}

static void
add_encoding(struct head *head, const char *value)
{
	head->encodings++;
	head->request.announces_body = true;
	if (strcasecmp(value, "chunked") != 0)
		head->fault = "Transfer-Encoding is not chunked.";
}

/* Keep the value of a field that is of use. */
static void
keep(struct head *head, const char *name, size_t length, const char *value)
{
	struct request_head *request = &head->request;
	const struct
	{
		const char *name;
		const char **place;
	}			kept[] = {
		{"Accept", &request->accept},
		{"Accept-Encoding", &request->accept_encoding},
		{"Access-Control-Request-Method", &request->access_method},
		{"Access-Control-Request-Private-Network", &request->access_private},
		{"Content-Type", &request->content_type},
		{"Idempotency-Key", &request->idempotency_key},
		{"If-None-Match", &request->if_none_match},
		{"Origin", &request->origin},
		{"X-Forwarded-For", &request->forwarded_for},
		{"X-Request-Id", &request->request_id},
	};

	for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
	{
		if (!is_named(name, length, kept[i].name))
			continue;
		if (kept[i].place == &request->idempotency_key && *kept[i].place != NULL)
			head->fault = "There is more than one Idempotency-Key.";
		*kept[i].place = value;
	}
	upgrade_note(&request->upgrade, name, length, value);
}

void
head_add(struct head *head, const char *name, size_t name_length,
		 const char *value, size_t value_length)
{
	const char *gap = gap_fault(head, name, value);

	head->previous_end = value + value_length;
	if (gap != NULL)
		head->fault = gap;
	else if (!is_token(name, name_length))
		head->fault = "A header field's name is malformed.";
	else if (has_control(value, value_length))
		head->fault = "A header field has a control byte.";
	else if (is_named(name, name_length, "Host"))
	{
		head->hosts++;
		head->request.host = value;
	}
	else if (is_named(name, name_length, "Content-Length"))
		add_length(head, value);
	else if (is_named(name, name_length, "Transfer-Encoding"))
		add_encoding(head, value);
	else if (is_named(name, name_length, "Authorization"))
	{
		head->authorizations++;
		head->request.authorization = value;
	}
	else if (is_named(name, name_length, "Expect"))
		head->expects_continue = true;
	else
		keep(head, name, name_length, value);
}

void
head_begin(struct head *head, const char *method, const char *target, const char *peer,
		   const char *version)
{
	bool		is_1_1 = strcmp(version, "HTTP/1.1") == 0;

	*head = (struct head) {
		.request = {.method = method, .target = target, .peer = peer, .is_1_1 = is_1_1},
		.is_1_1 = is_1_1,
		.previous_end = version + strlen(version),
	};
}

/*
 * Look at the bytes after the last field: the ends of its line and of the empty
 * line, four NULs. The parser takes a line that begins with a colon, which it
 * overwrites, for the empty one, and what follows for another request.
 */
static const char *
end_fault(const char *end)
{
	/* the empty line has a byte at least, so one more than the first is there to be read */
	if (end[0] == '\0' && end[1] != '\0' && end[1] != '\r' && end[1] != '\n')
		return "A header field has a NUL byte.";
	/* at worst the fourth lies in the parser's own memory behind the head, where the fields are listed */
	if (end[0] == '\0' && end[1] == '\0' && end[2] == '\0' && end[3] != '\0')
		return "The head does not end in an empty line.";
	return NULL;
}

void
head_end(struct head *head)
{
	bool		is_1_1 = head->is_1_1;

	if (head->fault == NULL)
		head->fault = end_fault(head->previous_end);
	if (head->fault != NULL)
		return;
	if (head->hosts > 1 || (is_1_1 && head->hosts == 0))
		head->fault = "There must be exactly one Host.";
	else if (head->lengths > 1)
		head->fault = "There is more than one Content-Length.";
	else if (head->encodings > 1 || (head->encodings > 0 && !is_1_1))
		head->fault = "Transfer-Encoding is out of place.";
	else if (head->lengths > 0 && head->encodings > 0)
		head->fault = "There are both Content-Length and Transfer-Encoding.";
	else if (head->authorizations > 1)
		head->fault = "There is more than one Authorization.";
}
