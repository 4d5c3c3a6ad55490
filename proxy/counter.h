/*
 * counter.h - numbers and histograms that one thread writes and any may read.
 *
 * With a single writer no locked instruction is needed: a count is a load, an
 * addition and a store. Readers may see one number of a moment later than another.
 */
#ifndef TIMETRACKR_COUNTER_H
#define TIMETRACKR_COUNTER_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* Upper bounds in µs; what is longer than the last goes into one bucket more. */
#define HISTOGRAM_BOUNDS 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, \
	1000000, 2500000, 5000000, 10000000, 30000000
#define HISTOGRAM_BUCKETS 16

struct histogram
{
	_Atomic uint64_t sum;		/* µs */
	_Atomic uint64_t buckets[HISTOGRAM_BUCKETS];	/* each by itself, not cumulative */
};

static inline uint64_t
counter_get(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

static inline void
counter_set(_Atomic uint64_t *counter, uint64_t value)
{
	atomic_store_explicit(counter, value, memory_order_relaxed);
}

/* The writer's own thread adds; a negative difference is added as its complement. */
static inline void
counter_add(_Atomic uint64_t *counter, uint64_t difference)
{
	counter_set(counter, counter_get(counter) + difference);
}

static inline void
histogram_observe(struct histogram *histogram, uint64_t microseconds)
{
	static const uint64_t bounds[HISTOGRAM_BUCKETS - 1] = {HISTOGRAM_BOUNDS};
	size_t		bucket = 0;

	/* most are short, and found at once */
	while (bucket < HISTOGRAM_BUCKETS - 1 && microseconds > bounds[bucket])
		bucket++;
	counter_add(&histogram->buckets[bucket], 1);
	counter_add(&histogram->sum, microseconds);
}

#endif
