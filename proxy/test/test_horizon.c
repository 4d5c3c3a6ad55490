/*
 * test_horizon.c - up to which moment a standby has everything, and since when it is behind.
 */
#include "../horizon.h"
#include "check.h"

/* Nothing is known before the primary was asked, nor of a standby before the first mark. */
static void
test_unknown(void)
{
	struct horizon horizon = {0};

	CHECK(horizon_moment(&horizon, 1000) == 0);
	CHECK(horizon_behind_since(&horizon, 1000) == 0);
	CHECK(horizon_end(&horizon) == 0);
	horizon_add(&horizon, 10, 1000);
	CHECK(horizon_moment(&horizon, 999) == 0);
	CHECK(horizon_behind_since(&horizon, 999) == 10);
	CHECK(horizon_moment(&horizon, 1000) == 10);
	CHECK(horizon_behind_since(&horizon, 1000) == 0);
}

/* While nothing is written, who has all of it has it up to the last question; who has not is behind since the first. */
static void
test_nothing_written(void)
{
	struct horizon horizon = {0};

	horizon_add(&horizon, 10, 1000);
	horizon_add(&horizon, 20, 2000);
	horizon_add(&horizon, 30, 2000);
	CHECK(horizon.count == 2);
	CHECK(horizon_moment(&horizon, 2000) == 30);
	CHECK(horizon_moment(&horizon, 1999) == 10);
	CHECK(horizon_behind_since(&horizon, 1999) == 20);
}

/* Another server's log may be shorter: what was known of the old one tells nothing. */
static void
test_another_server(void)
{
	struct horizon horizon = {0};

	horizon_add(&horizon, 10, 5000);
	horizon_add(&horizon, 20, 3000);
	CHECK(horizon.count == 1 && horizon_end(&horizon) == 3000);
	CHECK(horizon_moment(&horizon, 2999) == 0);
}

/* However many marks there were: never is a standby taken to have what it has not, or to be less behind than it is. */
static void
test_many(void)
{
	struct horizon horizon = {0};
	unsigned	marks = 0;

	for (uint64_t i = 1; i <= 1000; i++)
	{
		horizon_add(&horizon, i * 10, i * 100);
		CHECK(horizon.count <= HORIZON_MARKS_MAX);
		CHECK(horizon_moment(&horizon, i * 100) == i * 10);
	}
	for (uint64_t place = 0; place <= 100000; place += 50)
	{
		uint64_t	moment = horizon_moment(&horizon, place);
		uint64_t	since = horizon_behind_since(&horizon, place);

		CHECK(moment <= place / 100 * 10);
		CHECK(place >= 100000 ? since == 0 : since != 0 && since <= (place / 100 + 1) * 10);
		marks += moment == place / 100 * 10;
	}
	CHECK(marks > 2);
	CHECK(horizon_moment(&horizon, 99900) >= 9900);
}

int
main(void)
{
	test_unknown();
	test_nothing_written();
	test_another_server();
	test_many();
	return check_summary("horizon");
}
