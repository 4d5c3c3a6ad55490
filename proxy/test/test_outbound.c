/*
 * test_outbound.c - requests to a server of this test's own: what is answered, what is not, and where
 * a request may not go.
 */
#include <stdlib.h>
#include <string.h>

#include "../outbound.h"
#include "check.h"
#include "http_server.h"

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Test: a value\r\nRetry-After: 7\r\n\r\nok"

struct outcome
{
	struct loop *loop;
	int			waited_for;		/* answers */
	int			answers;
	int			status;
	long		retry_after;
	char		why[300];
	char		header[100];
};

static void
done(void *arg, const struct outbound_answer *answer)
{
	struct outcome *outcome = arg;

	outcome->answers++;
	outcome->status = answer->status;
	outcome->retry_after = answer->retry_after;
	snprintf(outcome->why, sizeof outcome->why, "%s", answer->why != NULL ? answer->why : "");
	snprintf(outcome->header, sizeof outcome->header, "%s", answer->header != NULL ? answer->header : "");
	if (outcome->answers == outcome->waited_for)
		loop_stop(outcome->loop);
}

static const char *const headers[] = {"X-Mine: yes", NULL};

static struct outbound_request
request_to(const char *url, struct outcome *outcome)
{
	return (struct outbound_request) {
		.url = url, .headers = headers, .body = "hello", .length = 5, .timeout_ms = 5000, .allow_private = true,
		.wanted_header = "x-test", .done = done, .arg = outcome,
	};
}

/* Send one and wait for what becomes of it. */
static struct outcome
ask(struct outbound *outbound, struct loop *loop, const char *url, bool allow_private, unsigned timeout_ms)
{
	struct outcome outcome = {.loop = loop, .waited_for = 1};
	struct outbound_request request = request_to(url, &outcome);

	request.allow_private = allow_private;
	request.timeout_ms = timeout_ms;
	if (CHECK(outbound_send(outbound, &request)))
		CHECK(loop_run(loop));
	CHECK(outcome.answers == 1);
	return outcome;
}

static void
test_answers(struct outbound *outbound, struct loop *loop)
{
	struct http_server server;
	struct outcome outcome;

	http_server_start(&server, OK);
	outcome = ask(outbound, loop, server.url, true, 5000);
	CHECK(outcome.status == 200 && outcome.retry_after == 7 && strcmp(outcome.header, "a value") == 0);
	CHECK(strstr(server.request, "POST /hook?x=1 HTTP/1.1\r\n") == server.request);
	CHECK(strstr(server.request, "\r\nX-Mine: yes\r\n") != NULL);
	CHECK(strstr(server.request, "\r\n\r\nhello") != NULL && strstr(server.request, "Expect") == NULL);
	CHECK_CASE(outbound_running(outbound) == 0, "the place is free again");
	outcome = ask(outbound, loop, server.url, true, 5000);
	CHECK_CASE(outcome.status == 200 && atomic_load(&server.connections) == 1, "the connection is used again");
	outcome = ask(outbound, loop, server.url, false, 5000);
	CHECK_CASE(outcome.status == 0 && strstr(outcome.why, "loopback") != NULL, "but not by who may not go there");
	http_server_stop(&server);
}

static void
test_others(struct outbound *outbound, struct loop *loop)
{
	static const struct
	{
		const char *answer;
		size_t		trailer;
		int			status;
	}			cases[] = {
		{"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", 0, 503},
		{"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", 0, 302},
		{"HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n", 10000000, 200},
		{"HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\nshort", 0, 0},
		{"nonsense\r\n\r\n", 0, 0},
		{"", 0, 0},
		{NULL, 0, 0},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
	{
		struct http_server server;
		struct outcome outcome;

		http_server_start(&server, cases[i].answer);
		server.trailer = cases[i].trailer;
		outcome = ask(outbound, loop, server.url, true, 300);
		CHECK_CASE(outcome.status == cases[i].status, cases[i].answer != NULL ? cases[i].answer : "silence");
		CHECK((outcome.status == 0) == (outcome.why[0] != '\0'));
		http_server_stop(&server);
	}
}

/* No connection is as much as tried. */
static void
test_private(struct outbound *outbound, struct loop *loop)
{
	static const char *const hosts[] = {"127.0.0.1", "localhost", "127.1", "0x7f000001", "2130706433", "0.0.0.0"};
	struct http_server server;

	http_server_start(&server, OK);
	for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++)
	{
		char		url[100];
		struct outcome outcome;

		snprintf(url, sizeof url, "http://%s:%d/", hosts[i], server.port);
		outcome = ask(outbound, loop, url, false, 5000);
		CHECK_CASE(outcome.status == 0 && strstr(outcome.why, "not allowed") != NULL, hosts[i]);
	}
	CHECK(atomic_load(&server.connections) == 0);
	http_server_stop(&server);
}

static void
test_urls(struct outbound *outbound, struct loop *loop)
{
	static const char *const urls[] = {
		"ftp://127.0.0.1/", "file:///etc/passwd", "gopher://127.0.0.1/", "nonsense://x", "http://", "", "http://127.0.0.1:1/",
		"http://no.such.host.invalid/",
	};

	for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++)
	{
		struct outcome outcome = {.loop = loop, .waited_for = 1};
		struct outbound_request request = request_to(urls[i], &outcome);

		if (!outbound_send(outbound, &request))
			continue;
		CHECK(loop_run(loop));
		CHECK_CASE(outcome.status == 0 && outcome.why[0] != '\0', urls[i]);
	}
}

/* As many as may be, and one more. */
static void
test_bound(struct loop *loop)
{
	struct outbound *outbound = outbound_open(loop, 2);
	struct outcome outcome = {.loop = loop, .waited_for = 2};
	struct outbound_request request;
	struct http_server server;

	http_server_start(&server, NULL);
	request = request_to(server.url, &outcome);
	CHECK(outbound_send(outbound, &request) && outbound_send(outbound, &request));
	CHECK(!outbound_send(outbound, &request));
	CHECK(outbound_running(outbound) == 2 && outcome.answers == 0);
	outbound_close(outbound);
	CHECK_CASE(outcome.answers == 2 && outcome.status == 0, "those under way are told of the end");
	http_server_stop(&server);
}

int
main(void)
{
	struct loop *loop = loop_create();
	struct outbound *outbound;

	/* of no meaning here */
	setenv("http_proxy", "http://127.0.0.1:9", 1);
	outbound = outbound_open(loop, 4);
	test_answers(outbound, loop);
	test_others(outbound, loop);
	test_private(outbound, loop);
	test_urls(outbound, loop);
	outbound_close(outbound);
	test_bound(loop);
	outbound_close(NULL);
	loop_free(loop);
	return check_summary("outbound");
}
