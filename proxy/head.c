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

/* What a byte may be a part of. strspn() would make a table of its set each time. */
enum { IN_TOKEN = 1, IN_HOST = 2, NOT_IN_VALUE = 4 };

#define BOTH (IN_TOKEN | IN_HOST)

static const unsigned char kinds[256] = {
	['0' ... '9'] = BOTH, ['a' ... 'z'] = BOTH, ['A' ... 'Z'] = BOTH,
	['!'] = BOTH, ['$'] = BOTH, ['%'] = BOTH, ['&'] = BOTH, ['\''] = BOTH, ['*'] = BOTH, ['+'] = BOTH,
	['-'] = BOTH, ['.'] = BOTH, ['_'] = BOTH, ['~'] = BOTH,
	['#'] = IN_TOKEN, ['^'] = IN_TOKEN, ['`'] = IN_TOKEN, ['|'] = IN_TOKEN,
	['('] = IN_HOST, [')'] = IN_HOST, [','] = IN_HOST, [';'] = IN_HOST, ['='] = IN_HOST, [':'] = IN_HOST,
	['['] = IN_HOST, [']'] = IN_HOST,
	[0 ... '\t' - 1] = NOT_IN_VALUE, ['\t' + 1 ... 0x1F] = NOT_IN_VALUE, [0x7F] = NOT_IN_VALUE,
};

static bool
consists_of(const char *text, size_t length, unsigned char kind)
{
	for (size_t i = 0; i < length; i++)
		if (!(kinds[(unsigned char) text[i]] & kind))
			return false;
	return true;
}

/* Is this a token as field names are (RFC 9110 5.6.2)? */
static bool
is_token(const char *name, size_t length)
{
	return length > 0 && consists_of(name, length, IN_TOKEN);
}

/* Has the value a control byte other than a tab? */
static bool
has_control(const char *value, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (kinds[(unsigned char) value[i]] & NOT_IN_VALUE)
			return true;
	return false;
}

/*
 * Look at where a field begins, by its name and value. The parser has put NULs
 * where CR and LF stood: two of them end a line, one is a bare LF, and more are
 * NUL bytes in the value that hide what is behind. A value in front of its name was moved to
 * join a folded line.
 */
static const char *
gap_fault(const struct head *head, const char *name, const char *value)
{
	uintptr_t	end = (uintptr_t) head->previous_end;

	if ((uintptr_t) value < (uintptr_t) name)
		return "A header field is folded over several lines.";
	if ((uintptr_t) name < end + 2)
		return "A line of the head does not end in CR LF.";
	return (uintptr_t) name == end + 2 ? NULL : "A header field has a NUL byte.";
}

static bool
is_named(const char *name, size_t length, const char *known)
{
	return strlen(known) == length && strncasecmp(name, known, length) == 0;
}

/* Refuse the request, unless it is refused already. */
static void
refuse(struct head *head, int status, const char *fault)
{
	if (head->fault != NULL)
		return;
	head->status = status;
	head->fault = fault;
}

/* Can this stand in Host (RFC 9110 7.2): a name or address, and a port? It may be empty. */
static bool
is_host(const char *value)
{
	return consists_of(value, strlen(value), IN_HOST);
}

static void
add_host(struct head *head, const char *value)
{
	if (head->hosts++ > 0)
		refuse(head, 400, "There is more than one Host.");
	else if (!is_host(value))
		refuse(head, 400, "Host is malformed.");
	head->request.host = value;
}

/* Note the announced length; a malformed one is a fault. */
static void
add_length(struct head *head, const char *value)
{
	char	   *end;

	if (head->lengths++ > 0)
		refuse(head, 400, "There is more than one Content-Length.");
	head->request.announces_body = true;
	errno = 0;
	head->request.content_length = strtoull(value, &end, 10);
	if (*value < '0' || *value > '9' || *end != '\0' || errno != 0)
		refuse(head, 400, "Content-Length is no number.");
}

static void
add_encoding(struct head *head, const char *value)
{
	if (head->is_chunked || !head->is_1_1)
		refuse(head, 400, "Transfer-Encoding is out of place.");
	else if (strcasecmp(value, "chunked") != 0)
		refuse(head, 400, "Transfer-Encoding is not chunked.");
	head->is_chunked = true;
	head->request.announces_body = true;
}

/* RFC 9110 10.1.1: of HTTP/1.0 it is not heeded; nothing but this one is known. */
static void
add_expectation(struct head *head, const char *value)
{
	if (head->is_1_1 && strcasecmp(value, "100-continue") != 0)
		refuse(head, 417, "Only 100-continue can be expected.");
	head->expects_continue = head->is_1_1;
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
		{"User-Agent", &request->user_agent},
		{"X-Cld-Signature", &request->cld_signature},
		{"X-Cld-Timestamp", &request->cld_timestamp},
		{"X-Request-Id", &request->request_id},
	};

	for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
	{
		if (!is_named(name, length, kept[i].name))
			continue;
		if (kept[i].place == &request->idempotency_key && *kept[i].place != NULL)
			refuse(head, 400, "There is more than one Idempotency-Key.");
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
		refuse(head, 400, gap);
	else if (!is_token(name, name_length))
		refuse(head, 400, "A header field's name is malformed.");
	else if (has_control(value, value_length))
		refuse(head, 400, "A header field has a control byte.");
	else if (is_named(name, name_length, "Host"))
		add_host(head, value);
	else if (is_named(name, name_length, "Content-Length"))
		add_length(head, value);
	else if (is_named(name, name_length, "Transfer-Encoding"))
		add_encoding(head, value);
	else if (is_named(name, name_length, "Authorization"))
	{
		if (head->authorizations++ > 0)
			refuse(head, 400, "There is more than one Authorization.");
		head->request.authorization = value;
	}
	else if (is_named(name, name_length, "Expect"))
		add_expectation(head, value);
	else if (is_named(name, name_length, "traceparent"))
		/* two are none */
		head->request.traceparent = head->traces++ == 0 ? value : NULL;
	else if (is_named(name, name_length, "X-Forwarded-For"))
		forwarded_for_add(&head->request.forwarded, value);
	else
		keep(head, name, name_length, value);
}

/*
 * The parser puts a NUL where a blank ended the method and the target. Where
 * these two and the version do not follow one another there were more blanks,
 * or NULs that hide a part of them.
 */
static const char *
line_fault(const struct head_line *line)
{
	uintptr_t	method_end = (uintptr_t) line->method + strlen(line->method);
	uintptr_t	target_end = (uintptr_t) line->place + strlen(line->target);

	if (method_end + 1 != (uintptr_t) line->place || target_end + 1 != (uintptr_t) line->version)
		return "The request line is malformed.";
	if (!is_token(line->method, strlen(line->method)))
		return "The method is malformed.";
	for (const char *at = line->target; *at != '\0'; at++)
		if ((unsigned char) *at <= ' ' || *at == 0x7F)
			return "The request target has a blank or a control byte.";
	return NULL;
}

void
head_begin(struct head *head, const struct head_line *line)
{
	bool		is_1_1 = strcmp(line->version, "HTTP/1.1") == 0;
	const char *fault = line_fault(line);

	*head = (struct head) {
		.request = {.method = line->method, .target = line->target, .is_1_1 = is_1_1},
		.is_1_1 = is_1_1,
		.previous_end = line->version + strlen(line->version),
	};
	if (fault != NULL)
		refuse(head, 400, fault);
	if (!is_1_1 && strcmp(line->version, "HTTP/1.0") != 0)
		refuse(head, 505, "Only HTTP/1.1 and HTTP/1.0 are understood.");
}

const char *
head_fault_code(const struct head *head)
{
	return head->status == 505 ? "http_version" :
		head->status == 417 ? "expectation_failed" : "malformed_request";
}

void
head_end(struct head *head, const char *end)
{
	/*
	 * Two ends of line follow the last field, and no NUL bytes hide anything. The
	 * parser also takes a line that begins with a colon for the empty one.
	 */
	if ((uintptr_t) head->previous_end + 4 != (uintptr_t) end)
		refuse(head, 400, "The head does not end in an empty line.");
	if (head->hosts == 0 && head->is_1_1)
		refuse(head, 400, "There is no Host.");
	if (head->lengths > 0 && head->is_chunked)
		refuse(head, 400, "There are both Content-Length and Transfer-Encoding.");
}
