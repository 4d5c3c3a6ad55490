/*
 * fuzz_cursor.c - cursors of lists: any text is taken or refused, and what
 * was made from keys gives these keys again.
 */
#include "fuzz.h"

#include <stdio.h>

#include "params.h"

#define KEYS 3

/* No longer cursor is read; keys of real lists are far from it, also when all their bytes are escaped. */
#define CURSOR_LONGEST (1024 / 3 * 4)

static const struct catalog_type text_type = {KIND_TEXT, "text", NULL, 0, NULL, NULL, 0};
static struct catalog_route route = {
	.method = METHOD_GET, .path = "/list", .limit = -1, .viewer = -1, .document = -1,
	.params = {
		{"after_a", &text_type, SOURCE_CURSOR, false, NULL, "text"},
		{"after_b", &text_type, SOURCE_CURSOR, false, NULL, "text"},
		{"after_c", &text_type, SOURCE_CURSOR, false, NULL, "text"},
	},
	.param_count = KEYS, .keys = {0, 1, 2}, .key_count = KEYS,
	.segments = {{"list", 4, -1}}, .segment_count = 1,
};

/* Ask for the page behind a cursor, every byte of it percent-encoded. */
static bool
follow(const char *cursor, struct arena *arena, struct param_values *values)
{
	const struct params_context context = {0};
	struct target target;
	struct problem problem;
	struct text raw = {0};
	bool		good;

	text_add(&raw, "/list?cursor=");
	for (; *cursor != '\0'; cursor++)
		text_printf(&raw, "%%%02X", (unsigned char) *cursor);
	good = target_parse(raw.data, &target, arena, &problem) &&
		params_fill(&route, &target, NULL, 0, &context, values, arena, &problem);
	text_free(&raw);
	return good;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = {0};
	struct param_values values;
	struct param_values again;
	char	   *cursor = fuzz_string(&data, &size, '\0');

	if (follow(cursor, &arena, &values))
	{
		const char *made = params_make_cursor(values.value, KEYS, &arena);

		CLAIM(made != NULL);
		if (strlen(made) <= CURSOR_LONGEST)
		{
			CLAIM(follow(made, &arena, &again));
			for (int i = 0; i < KEYS; i++)
				CLAIM(strcmp(values.value[i], again.value[i]) == 0);
		}
	}
	free(cursor);
	arena_free(&arena);
	return 0;
}
