/*
 * exposition.h - the text format of Prometheus (version 0.0.4): families, and
 * samples of them. Labels are given as they are written, `lane="read"`, and have
 * nothing in them that would have to be escaped; "" is none.
 */
#ifndef TIMETRACKR_EXPOSITION_H
#define TIMETRACKR_EXPOSITION_H

#include <stdint.h>

#include "counter.h"
#include "text.h"

/* Begin a family; its samples follow. Type is counter, gauge or histogram. */
void		exposition_family(struct text *text, const char *name, const char *type, const char *help);

/* A sample. */
void		exposition_number(struct text *text, const char *name, const char *labels, uint64_t value);

/* A sample in seconds, of µs. */
void		exposition_seconds(struct text *text, const char *name, const char *labels, uint64_t microseconds);

/* What several threads have observed, added up. */
struct histogram_sum
{
	uint64_t	sum;			/* µs */
	uint64_t	count;
	uint64_t	buckets[HISTOGRAM_BUCKETS];
};

void		histogram_sum_add(struct histogram_sum *sum, const struct histogram *histogram);

/* The samples of a histogram. Sum and count fit to the buckets, whatever is observed meanwhile. */
void		exposition_histogram(struct text *text, const char *name, const char *labels,
								 const struct histogram_sum *sum);

#endif
