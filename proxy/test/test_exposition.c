/*
 * test_exposition.c - where numbers are counted, and how they are written.
 */
#include <string.h>

#include "../exposition.h"
#include "../metrics.h"
#include "check.h"

/* Every status is counted in a place of its own, or among others; nothing is counted elsewhere. */
static void
check_statuses(void)
{
	for (int status = -10; status < 1200; status++)
	{
		size_t		place = metrics_status_place(status);
		bool		own = status >= 100 && status < 600 && status % 100 < METRICS_STATUS_SPAN;

		CHECK(place < METRICS_STATUSES);
		CHECK(metrics_status_at(place) == (own ? status : 0));
	}
}

static void
check_histogram(void)
{
	static const uint64_t observed[] = {0, 500, 501, 1000, 2000000, 30000000, 30000001, 3600000000};
	struct histogram histogram = {0};
	struct histogram_sum sum = {0};
	struct text text = {0};

	for (size_t i = 0; i < sizeof observed / sizeof observed[0]; i++)
		histogram_observe(&histogram, observed[i]);
	histogram_sum_add(&sum, &histogram);
	CHECK(sum.count == 8 && sum.sum == 3662002002);
	exposition_histogram(&text, "x_seconds", "a=\"b\"", &sum);
	CHECK(!text.failed);
	CHECK(strstr(text.data, "x_seconds_bucket{a=\"b\",le=\"0.0005\"} 2\n") == text.data);
	CHECK(strstr(text.data, "\nx_seconds_bucket{a=\"b\",le=\"0.001\"} 4\n") != NULL);
	CHECK(strstr(text.data, "\nx_seconds_bucket{a=\"b\",le=\"1\"} 4\n") != NULL);
	CHECK(strstr(text.data, "\nx_seconds_bucket{a=\"b\",le=\"2.5\"} 5\n") != NULL);
	CHECK(strstr(text.data, "\nx_seconds_bucket{a=\"b\",le=\"30\"} 6\n") != NULL);
	CHECK(strstr(text.data, "\nx_seconds_bucket{a=\"b\",le=\"+Inf\"} 8\nx_seconds_sum{a=\"b\"} 3662.002002\n"
				 "x_seconds_count{a=\"b\"} 8\n") != NULL);
	/* of two threads, and without labels */
	histogram_sum_add(&sum, &histogram);
	text_reset(&text);
	exposition_histogram(&text, "y_seconds", "", &sum);
	CHECK(strstr(text.data, "y_seconds_bucket{le=\"0.0005\"} 4\n") == text.data);
	CHECK(strstr(text.data, "\ny_seconds_count 16\n") != NULL);
	text_free(&text);
}

static void
check_lines(void)
{
	struct text text = {0};
	_Atomic uint64_t counter = 0;

	counter_add(&counter, 3);
	counter_add(&counter, (uint64_t) -1);
	exposition_family(&text, "x_total", "counter", "What it is.");
	exposition_number(&text, "x_total", "", counter_get(&counter));
	exposition_seconds(&text, "x_total", "a=\"b\"", 1000001);
	CHECK(strcmp(text.data, "# HELP x_total What it is.\n# TYPE x_total counter\nx_total 2\n"
				 "x_total{a=\"b\"} 1.000001\n") == 0);
	text_free(&text);
}

/* A worker's memory is its own, to the cache line. */
static void
check_memory(void)
{
	struct metrics *metrics = metrics_create(3, 7);

	CHECK(metrics != NULL && metrics->worker_count == 3 && metrics->route_count == 7);
	for (size_t i = 0; metrics != NULL && i < 3; i++)
	{
		CHECK((uintptr_t) metrics->workers[i] % 64 == 0);
		metrics_count_answer(metrics->workers[i], 7 + METRICS_OPTIONS, 204, 1);
		CHECK(counter_get(&metrics->workers[i]->routes[7 + METRICS_OPTIONS].duration.buckets[0]) == 1);
	}
	metrics_free(metrics);
	metrics_free(NULL);
}

int
main(void)
{
	check_statuses();
	check_histogram();
	check_lines();
	check_memory();
	return check_summary("exposition");
}
