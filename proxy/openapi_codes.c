/*
 * openapi_codes.c - reads codes of errors out of comments (see openapi_codes.h).
 */
#include "openapi_codes.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema.h"

#define STATUSES_MAX 8

/* Comments that refer to comments are followed so far. */
#define REFERENCES_MAX 4

void
openapi_add_code(struct openapi_codes *codes, int status, const char *name, size_t length)
{
	struct openapi_code *code = &codes->list[codes->count];

	if (codes->count == OPENAPI_CODES_MAX || length >= OPENAPI_CODE_SIZE)
		return;
	for (size_t i = 0; i < codes->count; i++)
		if (codes->list[i].status == status && strlen(codes->list[i].name) == length &&
			memcmp(codes->list[i].name, name, length) == 0)
			return;
	code->status = status;
	memcpy(code->name, name, length);
	code->name[length] = '\0';
	codes->count++;
}

static bool
is_argument(const struct schema_function *function, const char *name)
{
	for (size_t i = 0; i < function->argument_count; i++)
		if (strcmp(function->arguments[i].name, name) == 0)
			return true;
	return false;
}

/* How a list of errors is read. */
struct reader
{
	const struct catalog *catalog;
	const struct schema_function *function;	/* whose comment it is */
	struct openapi_codes *codes;
	int			depth;			/* how many comments have led to this one */
	int			statuses[STATUSES_MAX];	/* before the next code */
	size_t		status_count;
	bool		statuses_used;	/* a code came after them */
	bool		after_as;		/* the last word was "as" */
};

static void read_errors(const struct catalog *catalog, const struct schema_function *function,
						struct openapi_codes *codes, int depth);

static bool
wants_status(const struct reader *reader, int status)
{
	bool		wanted = reader->status_count == 0 || reader->statuses_used;

	for (size_t i = 0; !wanted && i < reader->status_count; i++)
		wanted = reader->statuses[i] == status;
	return wanted;
}

static void
take_over(struct reader *reader, const struct schema_function *other)
{
	struct openapi_codes others = {.count = 0};

	if (reader->depth < REFERENCES_MAX)
		read_errors(reader->catalog, other, &others, reader->depth + 1);
	for (size_t i = 0; i < others.count; i++)
		if (wants_status(reader, others.list[i].status))
			openapi_add_code(reader->codes, others.list[i].status, others.list[i].name, strlen(others.list[i].name));
	reader->statuses_used = true;
}

static void
read_word(struct reader *reader, const char *word)
{
	bool		overloaded;
	const struct schema_function *other = schema_find(reader->catalog->schema, word, &overloaded);
	bool		after_as = reader->after_as;

	reader->after_as = strcmp(word, "as") == 0;
	if (strlen(word) == 3 && strspn(word, "0123456789") == 3)
	{
		if (reader->statuses_used)
			reader->status_count = 0;
		reader->statuses_used = false;
		if (reader->status_count < STATUSES_MAX)
			reader->statuses[reader->status_count++] = (int) strtol(word, NULL, 10);
	}
	else if (after_as && other != NULL)
		take_over(reader, other);
	else if (strchr(word, '_') != NULL && other == NULL && !overloaded &&
			 !is_argument(reader->function, word) && reader->status_count > 0)
	{
		openapi_add_code(reader->codes, reader->statuses[reader->status_count - 1], word, strlen(word));
		reader->statuses_used = true;
	}
}

/* Gather the codes that a function's comment lists. */
static void
read_errors(const struct catalog *catalog, const struct schema_function *function, struct openapi_codes *codes,
			int depth)
{
	struct reader reader = {.catalog = catalog, .function = function, .codes = codes, .depth = depth};
	const char *at = strstr(function->comment, OPENAPI_ERRORS_MARK);
	int			parentheses = 0;

	at = at != NULL ? at + strlen(OPENAPI_ERRORS_MARK) : "";
	while (*at != '\0')
	{
		char		word[OPENAPI_CODE_SIZE];
		size_t		length = 0;

		parentheses += (*at == '(') - (*at == ')');
		while (isalnum((unsigned char) at[length]) || at[length] == '_')
			length++;
		if (length > 0 && length < sizeof word && parentheses == 0)
		{
			memcpy(word, at, length);
			word[length] = '\0';
			read_word(&reader, word);
		}
		at += length > 0 ? length : 1;
	}
}

/* What the proxy says when rows are missing; see reply.c. */
static void
add_not_found(struct openapi_codes *codes, const struct catalog_route *route)
{
	char		code[OPENAPI_CODE_SIZE];
	bool		is_one = route->shape == SHAPE_ROW || route->shape == SHAPE_IMAGE;
	bool		misses_row = route->lane == LANE_READ && is_one && strchr(route->path, '{') != NULL;
	const char *nouns[] = {route->subject, misses_row ? route->noun : NULL};

	for (size_t i = 0; i < sizeof nouns / sizeof nouns[0]; i++)
	{
		if (nouns[i] == NULL)
			continue;
		snprintf(code, sizeof code, "%s_not_found", nouns[i]);
		openapi_add_code(codes, 404, code, strlen(code));
	}
}

/* What is said of keys: see request_key.c, and function once(). */
static void
add_keyed(struct openapi_codes *codes)
{
	static const struct
	{
		int			status;
		const char *code;
	}			known[] = {
		{400, "invalid_idempotency_key"},
		{409, "request_in_flight"},
		{422, "idempotency_key_reused"},
	};

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		openapi_add_code(codes, known[i].status, known[i].code, strlen(known[i].code));
}

/* What is said of pictures, and of what Cloudinary signs: see request_media.c and admit_body(). */
static void
add_pictures(struct openapi_codes *codes, const struct catalog_route *route)
{
	static const struct
	{
		int			status;
		const char *code;
		bool		of_uploads;
	}			known[] = {
		{400, "empty_body", false},
		{403, "bad_signature", false},
		{501, "not_configured", true},
	};

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (known[i].of_uploads || route->shape != SHAPE_UPLOAD)
			openapi_add_code(codes, known[i].status, known[i].code, strlen(known[i].code));
	if (route->takes_notification)
		openapi_add_code(codes, 422, "invalid_encoding", strlen("invalid_encoding"));
}

void
openapi_find_codes(const struct catalog *catalog, const struct catalog_route *route,
				   struct openapi_codes *codes)
{
	bool		overloaded;

	*codes = (struct openapi_codes) {.count = 0};
	if (route->function != NULL)
		read_errors(catalog, schema_find(catalog->schema, route->function, &overloaded), codes, 0);
	add_not_found(codes, route);
	if (route->uses_cloudinary)
		add_pictures(codes, route);
	if (route->once.sql != NULL)
		add_keyed(codes);
}
