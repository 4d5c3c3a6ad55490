/*
 * sentry_envelope.c - the JSON of an envelope, and of an event, member by member.
 */
#include "sentry_envelope.h"

#include <stdio.h>
#include <sys/random.h>
#include <time.h>

/* Begin a member whose value follows; the first one of an object has no comma in front. */
static void
add_name(struct text *text, const char *name)
{
	if (text->length > 0 && text->data[text->length - 1] != '{')
		text_add_char(text, ',');
	text_add_json(text, name);
	text_add_char(text, ':');
}

/* A member that is a string; an empty one is left out, as NULL is. */
static void
add_string(struct text *text, const char *name, const char *value)
{
	if (value == NULL || *value == '\0')
		return;
	add_name(text, name);
	text_add_json(text, value);
}

static void
add_number_as_string(struct text *text, const char *name, int64_t value)
{
	char		digits[24];

	snprintf(digits, sizeof digits, "%lld", (long long) value);
	add_string(text, name, digits);
}

/* Seconds since 1970 as a number, to the µs. */
static void
add_time(struct text *text, const char *name, uint64_t at)
{
	add_name(text, name);
	text_printf(text, "%llu.%06llu", (unsigned long long) at / 1000000, (unsigned long long) at % 1000000);
}

static void
begin_object(struct text *text, const char *name)
{
	add_name(text, name);
	text_add_char(text, '{');
}

static void
end_object(struct text *text)
{
	text_add_char(text, '}');
}

static void
add_sdk(struct text *text)
{
	begin_object(text, "sdk");
	add_string(text, "name", SENTRY_CLIENT);
	add_string(text, "version", TIMETRACKR_VERSION);
	end_object(text);
}

static void
add_tags(struct text *text, const struct sentry_event *event)
{
	begin_object(text, "tags");
	add_string(text, "route", event->request.route);
	if (event->request.status != 0)
		add_number_as_string(text, "status", event->request.status);
	add_string(text, "code", event->code);
	add_string(text, "sqlstate", event->sqlstate);
	add_string(text, "request_id", event->request.id);
	if (event->worker >= 0)
		add_number_as_string(text, "worker", event->worker);
	end_object(text);
}

static void
add_request(struct text *text, const struct sentry_request *request)
{
	char		url[512];

	if (request->method == NULL || request->path[0] == '\0')
		return;
	snprintf(url, sizeof url, "%s://%s%s", request->is_https ? "https" : "http",
			 request->host[0] != '\0' ? request->host : "unknown", request->path);
	begin_object(text, "request");
	add_string(text, "method", request->method);
	add_string(text, "url", url);
	add_string(text, "query_string", request->query);
	begin_object(text, "headers");
	add_string(text, "Host", request->host);
	add_string(text, "User-Agent", request->user_agent);
	add_string(text, "Accept", request->accept);
	add_string(text, "Content-Type", request->content_type);
	end_object(text);
	end_object(text);
}

static void
add_contexts(struct text *text, const struct sentry_event *event, const char *id)
{
	begin_object(text, "contexts");
	begin_object(text, "runtime");
	add_string(text, "name", "timetrackr-proxy");
	add_string(text, "version", TIMETRACKR_VERSION);
	end_object(text);
	if (event->request.trace_id[0] != '\0')
	{
		char		span[17];

		snprintf(span, sizeof span, "%.16s", id);
		begin_object(text, "trace");
		add_string(text, "trace_id", event->request.trace_id);
		add_string(text, "span_id", span);
		add_string(text, "parent_span_id", event->request.parent_id);
		end_object(text);
	}
	end_object(text);
}

/* The outermost first, as the protocol wants it. */
static void
add_stacktrace(struct text *text, const struct sentry_event *event)
{
	if (event->frame_count == 0)
		return;
	begin_object(text, "stacktrace");
	add_name(text, "frames");
	text_add_char(text, '[');
	for (size_t i = event->frame_count; i-- > 0;)
	{
		char		address[24];

		snprintf(address, sizeof address, "0x%llx", (unsigned long long) event->frames[i]);
		text_add_char(text, '{');
		add_string(text, "instruction_addr", address);
		add_string(text, "package", "timetrackr-proxy");
		end_object(text);
		if (i > 0)
			text_add_char(text, ',');
	}
	text_add_char(text, ']');
	end_object(text);
}

static void
add_exception(struct text *text, const struct sentry_event *event)
{
	begin_object(text, "exception");
	add_name(text, "values");
	text_add_literal(text, "[{");
	add_string(text, "type", event->type);
	add_string(text, "value", event->text);
	begin_object(text, "mechanism");
	add_string(text, "type", event->is_fatal ? "signalhandler" : "generic");
	add_name(text, "handled");
	text_add(text, event->is_fatal ? "false" : "true");
	end_object(text);
	add_stacktrace(text, event);
	text_add_literal(text, "}]");
	end_object(text);
}

static void
add_breadcrumbs(struct text *text, const struct sentry_event *event)
{
	if (event->crumb_count == 0)
		return;
	add_name(text, "breadcrumbs");
	text_add_char(text, '[');
	for (size_t i = 0; i < event->crumb_count; i++)
	{
		const struct sentry_crumb *crumb = &event->crumbs[i];

		if (i > 0)
			text_add_char(text, ',');
		text_add_char(text, '{');
		add_time(text, "timestamp", crumb->at);
		add_string(text, "type", crumb->is_error ? "error" : "default");
		add_string(text, "level", crumb->is_error ? "error" : "info");
		add_string(text, "category", crumb->category);
		add_string(text, "message", crumb->message);
		end_object(text);
	}
	text_add_char(text, ']');
}

static void
add_extra(struct text *text, const struct sentry_event *event)
{
	if (event->note_count == 0 && event->repeated == 0)
		return;
	begin_object(text, "extra");
	for (size_t i = 0; i < event->note_count; i++)
		add_string(text, event->notes[i].name, event->notes[i].value);
	if (event->repeated > 0)
	{
		add_name(text, "repeated");
		text_printf(text, "%llu", (unsigned long long) event->repeated);
	}
	end_object(text);
}

static void
write_event(struct text *text, const struct sentry_origin *origin, const struct sentry_event *event, const char *id)
{
	char		transaction[160];

	text_add_char(text, '{');
	add_string(text, "event_id", id);
	add_time(text, "timestamp", event->at);
	add_string(text, "platform", event->frame_count > 0 ? "native" : "c");
	add_string(text, "level", event->level);
	add_string(text, "logger", event->logger);
	add_string(text, "release", "timetrackr-proxy@" TIMETRACKR_VERSION);
	add_string(text, "environment", origin->environment);
	add_string(text, "server_name", origin->server_name);
	if (event->request.method != NULL && event->request.route != NULL)
	{
		snprintf(transaction, sizeof transaction, "%s %s", event->request.method, event->request.route);
		add_string(text, "transaction", transaction);
	}
	add_name(text, "fingerprint");
	text_add_char(text, '[');
	text_add_json(text, event->group);
	text_add_char(text, ']');
	add_tags(text, event);
	add_request(text, &event->request);
	if (event->request.user_id != 0)
	{
		begin_object(text, "user");
		add_number_as_string(text, "id", event->request.user_id);
		end_object(text);
	}
	add_contexts(text, event, id);
	add_exception(text, event);
	add_breadcrumbs(text, event);
	add_extra(text, event);
	add_sdk(text);
	end_object(text);
}

bool
sentry_make_id(char *id)
{
	unsigned char bytes[(SENTRY_ID_SIZE - 1) / 2];

	if (getrandom(bytes, sizeof bytes, 0) != (ssize_t) sizeof bytes)
		return false;
	for (size_t i = 0; i < sizeof bytes; i++)
		snprintf(id + 2 * i, 3, "%02x", bytes[i]);
	return true;
}

void
sentry_envelope_write(struct text *text, const struct sentry_origin *origin,
					  const struct sentry_event *event, const char *id, uint64_t sent_at)
{
	time_t		second = (time_t) (sent_at / 1000000);
	struct tm	utc;
	char		day[32] = "";
	char		time_text[48];
	struct text item = {0};

	if (gmtime_r(&second, &utc) == NULL || strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &utc) == 0)
		text->failed = true;
	snprintf(time_text, sizeof time_text, "%s.%03uZ", day, (unsigned) (sent_at / 1000 % 1000));
	write_event(&item, origin, event, id);
	text_add_char(text, '{');
	add_string(text, "event_id", id);
	add_string(text, "sent_at", time_text);
	add_sdk(text);
	text_printf(text, "}\n{\"type\":\"event\",\"content_type\":\"application/json\",\"length\":%zu}\n", item.length);
	text_add_bytes(text, item.data, item.length);
	text_add_char(text, '\n');
	text->failed = text->failed || item.failed;
	text_free(&item);
}
