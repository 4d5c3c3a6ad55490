/*
 * exposition.c - families and samples as lines of text (see exposition.h).
 */
#include "exposition.h"

#include <inttypes.h>

void
exposition_family(struct text *text, const char *name, const char *type, const char *help)
{
	text_printf(text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* Name, suffix and labels of a sample. */
static void
begin_sample(struct text *text, const char *name, const char *suffix, const char *labels)
{
	text_printf(text, "%s%s%s%s%s ", name, suffix, *labels != '\0' ? "{" : "", labels, *labels != '\0' ? "}" : "");
}

void
exposition_number(struct text *text, const char *name, const char *labels, uint64_t value)
{
	begin_sample(text, name, "", labels);
	text_printf(text, "%" PRIu64 "\n", value);
}

static void
add_seconds(struct text *text, uint64_t microseconds)
{
	text_printf(text, "%" PRIu64 ".%06" PRIu64 "\n", microseconds / 1000000, microseconds % 1000000);
}

void
exposition_seconds(struct text *text, const char *name, const char *labels, uint64_t microseconds)
{
	begin_sample(text, name, "", labels);
	add_seconds(text, microseconds);
}

void
histogram_sum_add(struct histogram_sum *sum, const struct histogram *histogram)
{
	sum->sum += counter_get(&histogram->sum);
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
	{
		uint64_t	count = counter_get(&histogram->buckets[i]);

		sum->buckets[i] += count;
		sum->count += count;
	}
}

void
exposition_histogram(struct text *text, const char *name, const char *labels, const struct histogram_sum *sum)
{
	static const uint64_t bounds[HISTOGRAM_BUCKETS - 1] = {HISTOGRAM_BOUNDS};
	const char *comma = *labels != '\0' ? "," : "";
	uint64_t	so_far = 0;

	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
	{
		so_far += sum->buckets[i];
		if (i < HISTOGRAM_BUCKETS - 1)
			text_printf(text, "%s_bucket{%s%sle=\"%g\"} %" PRIu64 "\n", name, labels, comma,
						(double) bounds[i] / 1000000, so_far);
		else
			text_printf(text, "%s_bucket{%s%sle=\"+Inf\"} %" PRIu64 "\n", name, labels, comma, so_far);
	}
	begin_sample(text, name, "_sum", labels);
	add_seconds(text, sum->sum);
	begin_sample(text, name, "_count", labels);
	text_printf(text, "%" PRIu64 "\n", so_far);
}
