/*
 * test_sentry_envelope.c - the bytes of an envelope: three lines, a length that is right, and JSON whatever
 * is in the texts.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../sentry_envelope.h"
#include "check.h"

#define ID "0123456789abcdef0123456789abcdef"
/* 2026-11-29T21:30:00.25Z */
#define AT UINT64_C(1795987800250000)

static const struct sentry_origin origin = {.environment = "test", .server_name = "host"};

/* Take an envelope apart: its headers, those of the item, and the event. */
static bool
parse(const struct text *text, json_t *parts[3])
{
	const char *first = text->data;
	const char *second = strchr(first, '\n') + 1;
	const char *item = strchr(second, '\n') + 1;
	size_t		length;

	parts[0] = json_loadb(first, (size_t) (second - 1 - first), JSON_REJECT_DUPLICATES, NULL);
	parts[1] = json_loadb(second, (size_t) (item - 1 - second), JSON_REJECT_DUPLICATES, NULL);
	length = (size_t) json_integer_value(json_object_get(parts[1], "length"));
	parts[2] = json_loadb(item, length, JSON_REJECT_DUPLICATES, NULL);
	return parts[0] != NULL && parts[1] != NULL && parts[2] != NULL &&
		item + length + 1 == text->data + text->length && item[length] == '\n';
}

static void
forget(json_t *parts[3])
{
	for (int i = 0; i < 3; i++)
		json_decref(parts[i]);
}

static const char *
string_of(const json_t *object, const char *name)
{
	const char *value = json_string_value(json_object_get(object, name));

	return value != NULL ? value : "";
}

/* The only exception. */
static const json_t *
exception_of(const json_t *event)
{
	return json_array_get(json_object_get(json_object_get(event, "exception"), "values"), 0);
}

static void
fill(struct sentry_event *event)
{
	sentry_event_begin(event, "error", "http");
	event->at = AT;
	event->worker = 1;
	snprintf(event->group, sizeof event->group, "a group");
	snprintf(event->type, sizeof event->type, "SQLSTATE 42883");
	snprintf(event->sqlstate, sizeof event->sqlstate, "42883");
	snprintf(event->text, sizeof event->text, "quote \" backslash \\ line\n bell\a broken \xff\xc3 euro \xe2\x82\xac");
	event->request = (struct sentry_request) {
		.method = "GET", .route = "/users/{user_id}/days", .path = "/users/7/days", .query = "from=[Filtered]",
		.host = "api.example", .is_https = true, .user_agent = "a \"browser\"", .id = "req-1", .status = 500, .user_id = 7,
		.trace_id = ID, .parent_id = "00f067aa0ba902b7",
	};
	for (int i = 0; i < SENTRY_CRUMBS_MAX + 3; i++)
		sentry_event_step(event, AT - 1000, "http", i == 1, "step %d", i);
	for (int i = 0; i < SENTRY_NOTES_MAX + 3; i++)
		sentry_event_note(event, "note", "%0*d", 10, i);
	event->note_count = 1;
}

static void
test_request(void)
{
	struct sentry_event event;
	struct text text = {0};
	json_t	   *parts[3];
	const json_t *request;
	const json_t *crumbs;

	fill(&event);
	CHECK(event.crumb_count == SENTRY_CRUMBS_MAX);
	sentry_envelope_write(&text, &origin, &event, ID, AT);
	CHECK(!text.failed && parse(&text, parts));
	CHECK(strcmp(string_of(parts[0], "event_id"), ID) == 0);
	CHECK(strcmp(string_of(parts[0], "sent_at"), "2026-11-29T21:30:00.250Z") == 0);
	CHECK(strcmp(string_of(parts[1], "type"), "event") == 0);
	CHECK(strcmp(string_of(parts[2], "event_id"), ID) == 0);
	CHECK(json_real_value(json_object_get(parts[2], "timestamp")) == 1795987800.25);
	CHECK(strncmp(string_of(parts[2], "release"), "timetrackr-proxy@1.", strlen("timetrackr-proxy@1.")) == 0);
	CHECK(strcmp(string_of(parts[2], "environment"), "test") == 0);
	CHECK(strcmp(string_of(parts[2], "transaction"), "GET /users/{user_id}/days") == 0);
	CHECK(strcmp(string_of(exception_of(parts[2]), "value"),
				 "quote \" backslash \\ line\n bell\a broken \xef\xbf\xbd\xef\xbf\xbd euro \xe2\x82\xac") == 0);
	request = json_object_get(parts[2], "request");
	CHECK(strcmp(string_of(request, "url"), "https://api.example/users/7/days") == 0);
	CHECK(strcmp(string_of(json_object_get(request, "headers"), "User-Agent"), "a \"browser\"") == 0);
	CHECK(strcmp(string_of(json_object_get(parts[2], "user"), "id"), "7") == 0);
	CHECK(strcmp(string_of(json_object_get(parts[2], "tags"), "request_id"), "req-1") == 0);
	CHECK(strcmp(string_of(json_object_get(parts[2], "tags"), "worker"), "1") == 0);
	crumbs = json_object_get(parts[2], "breadcrumbs");
	CHECK(json_array_size(crumbs) == SENTRY_CRUMBS_MAX);
	CHECK(strcmp(string_of(json_array_get(crumbs, 1), "level"), "error") == 0);
	CHECK(json_object_get(json_object_get(parts[2], "extra"), "repeated") == NULL);
	forget(parts);
	text_free(&text);
}

/* Of a crash: no request, no user, and where it was, the outermost place first. */
static void
test_crash(void)
{
	struct sentry_event event;
	struct text text = {0};
	json_t	   *parts[3];
	const json_t *frames;

	sentry_event_begin(&event, "fatal", "process");
	event.is_fatal = true;
	event.repeated = 3;
	snprintf(event.type, sizeof event.type, "SIGSEGV");
	event.frames[0] = 0x1234;
	event.frames[1] = 0xabcd;
	event.frame_count = 2;
	sentry_envelope_write(&text, &origin, &event, ID, AT);
	CHECK(!text.failed && parse(&text, parts));
	CHECK(json_object_get(parts[2], "request") == NULL && json_object_get(parts[2], "user") == NULL);
	CHECK(json_is_false(json_object_get(json_object_get(exception_of(parts[2]), "mechanism"), "handled")));
	frames = json_object_get(json_object_get(exception_of(parts[2]), "stacktrace"), "frames");
	CHECK(json_array_size(frames) == 2);
	CHECK(strcmp(string_of(json_array_get(frames, 0), "instruction_addr"), "0xabcd") == 0);
	CHECK(json_integer_value(json_object_get(json_object_get(parts[2], "extra"), "repeated")) == 3);
	forget(parts);
	text_free(&text);
}

/* Whatever is too long is cut, and still JSON. */
static void
test_full(void)
{
	struct sentry_event event;
	struct text text = {0};
	json_t	   *parts[3];

	fill(&event);
	memset(event.text, '"', sizeof event.text - 1);
	memset(event.group, '\\', sizeof event.group - 1);
	memset(event.request.path, '\1', sizeof event.request.path - 1);
	memset(event.request.host, 'h', sizeof event.request.host - 1);
	memset(event.request.user_agent, '\xff', sizeof event.request.user_agent - 1);
	sentry_envelope_write(&text, &origin, &event, ID, AT);
	CHECK(!text.failed && parse(&text, parts));
	forget(parts);
	text_free(&text);
}

static void
test_ids(void)
{
	char		one[SENTRY_ID_SIZE];
	char		two[SENTRY_ID_SIZE];

	CHECK(sentry_make_id(one) && sentry_make_id(two) && strcmp(one, two) != 0);
	CHECK(strlen(one) == 32 && strspn(one, "0123456789abcdef") == 32);
}

int
main(void)
{
	test_request();
	test_crash();
	test_full();
	test_ids();
	return check_summary("sentry_envelope");
}
