/*
 * test_relay_report.c - the relay's trouble is reported when it lasts, and not when it passes; and what is
 * reported reaches a server.
 */
#include <stdlib.h>
#include <string.h>

#include "../counter.h"
#include "../relay_report.h"
#include "../sentry.h"
#include "check.h"
#include "http_server.h"

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
#define LIMIT 30				/* ms */

static void
stop_loop(void *arg)
{
	loop_stop(arg);
}

/* Let the loop run for so many ms. */
static void
run_for(struct loop *loop, uint64_t ms)
{
	struct loop_timer timer = {0};

	loop_timer_set(loop, &timer, ms, stop_loop, loop);
	CHECK(loop_run(loop));
}

static struct sentry *
start_reports(struct config *config, const struct http_server *server)
{
	char		dsn[100];
	char		why[200];
	bool		failed;
	struct sentry *sentry;

	*config = (struct config) {.sentry_environment = (char *) "test"};
	snprintf(dsn, sizeof dsn, "http://key@127.0.0.1:%d/1", server->port);
	CHECK(sentry_dsn_parse(dsn, &config->sentry, why, sizeof why));
	sentry = sentry_start(config, &failed);
	CHECK(sentry != NULL && !failed);
	return sentry;
}

static void
test_trouble(struct loop *loop, const char *sqlstate, const char *message, const char *told)
{
	struct http_server server;
	struct config config;
	struct sentry *sentry;
	struct relay_trouble trouble;

	http_server_start(&server, OK);
	sentry = start_reports(&config, &server);
	trouble = (struct relay_trouble) {.loop = loop, .sentry = sentry, .limit = LIMIT};

	relay_trouble_begin(&trouble, "", "it passes");
	relay_trouble_end(&trouble);
	run_for(loop, 2 * LIMIT);
	CHECK(counter_get(&sentry_counters(sentry)->sent) == 0);

	relay_trouble_begin(&trouble, "", "something else");
	relay_trouble_begin(&trouble, sqlstate, message);
	run_for(loop, 2 * LIMIT);
	relay_trouble_end(&trouble);
	sentry_stop(sentry);
	CHECK(atomic_load(&server.connections) == 1);
	CHECK(strstr(server.request, "POST /api/1/envelope/ HTTP/1.1\r\n") == server.request);
	CHECK_CASE(strstr(server.request, told) != NULL, server.request);
	CHECK(strstr(server.request, "\"relay_stuck\"") != NULL && strstr(server.request, "ada") == NULL);
	http_server_stop(&server);
	sentry_dsn_free(&config.sentry);
}

/* Without a server to report to nothing is done at all. */
static void
test_none(struct loop *loop)
{
	struct relay_trouble trouble = {.loop = loop, .limit = LIMIT};

	relay_trouble_begin(&trouble, "", "nobody wants to know");
	CHECK(!trouble.timer.active);
	relay_report_deaths(NULL, 1, "", "nobody wants to know");
	relay_trouble_end(&trouble);
	sentry_stop(NULL);
	CHECK(counter_get(&sentry_counters(NULL)->sent) == 0);
}

int
main(void)
{
	struct loop *loop = loop_create();

	test_trouble(loop, "", "it has no connection", "\"it has no connection\"");
	test_trouble(loop, "42P01", "relation of ada@example.com", "\"relation of [Filtered]\"");
	test_trouble(loop, "22023", "the note of ada", "its log says why");
	test_none(loop);
	loop_free(loop);
	return check_summary("relay_report");
}
