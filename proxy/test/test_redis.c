/*
 * test_redis.c - redis.c against a real redis-server that is stopped, killed and
 * restarted, and against servers that talk nonsense. Every command's callback
 * must be called exactly once, whatever happens.
 */
#include "../redis.h"

#include <fcntl.h>

#include "../log.h"
#include "../redis_wire.h"
#include "check.h"
#include "servers.h"

static struct loop *loop;
static struct loop_timer guard;
static int	answers;
static int	errors;
static int	losses;
static int	ups;
static int	downs;
static int	wanted;
static char last[256];
static bool timed_out;

static void
on_up(void *arg)
{
	(void) arg;
	ups++;
	loop_stop(loop);
}

static void
on_down(void *arg)
{
	(void) arg;
	downs++;
}

static void
on_timeout(void *arg)
{
	(void) arg;
	timed_out = true;
	loop_stop(loop);
}

/* Count an answer; stop the loop at the last wanted one. */
static void
on_done(void *arg, const struct redis_reply *reply)
{
	(void) arg;
	if (reply == NULL)
		losses++;
	else if (redis_reply_kind(reply) == REPLY_ERROR)
		errors++;
	else
		answers++;
	if (reply != NULL)
		snprintf(last, sizeof last, "%s", redis_reply_text(reply));
	if (answers + errors + losses == wanted)
		loop_stop(loop);
}

/* Run the loop until a callback stops it; false after 20 s. */
static bool
run(void)
{
	timed_out = false;
	loop_timer_set(loop, &guard, 20000, on_timeout, NULL);
	loop_run(loop);
	loop_timer_stop(loop, &guard);
	return !timed_out;
}

static void
forget(int want)
{
	answers = errors = losses = 0;
	wanted = want;
	last[0] = '\0';
}

static struct redis *
open_redis(const struct config_redis *config)
{
	struct redis_options options = {
		.server = config, .name = "test", .silence_limit = 300, .up = on_up, .down = on_down
	};

	ups = downs = 0;
	return redis_open(loop, &options);
}

static bool
ask(struct redis *redis, const char *verb, const char *key, const char *value)
{
	const char *words[] = {verb, key, value};

	return redis_command(redis, value != NULL ? 3 : key != NULL ? 2 : 1, words, NULL, on_done, NULL);
}

/* Commands are refused while Redis is away, and taken, in order, once it is there. */
static void
test_connect(struct redis_server *server, const struct config_redis *config)
{
	struct redis *redis = open_redis(config);
	int			refused = 0;
	const char *words[REDIS_WORDS_MAX + 1] = {"PING"};

	CHECK(!redis_is_up(redis) && !ask(redis, "PING", NULL, NULL));
	redis_server_start(server);
	CHECK(run() && redis_is_up(redis) && ups == 1);

	forget(3);
	CHECK(ask(redis, "SET", "a", "1") && ask(redis, "INCR", "a", NULL) && ask(redis, "GET", "a", NULL));
	CHECK(run() && answers == 3 && strcmp(last, "2") == 0);
	CHECK(!redis_command(redis, 0, words, NULL, on_done, NULL));
	CHECK(!redis_command(redis, REDIS_WORDS_MAX + 1, words, NULL, on_done, NULL));

	forget(REDIS_OUTSTANDING_MAX);
	for (int i = 0; i < REDIS_OUTSTANDING_MAX + 10; i++)
		refused += !ask(redis, "INCR", "b", NULL);
	CHECK(refused == 10);
	CHECK(run() && answers == REDIS_OUTSTANDING_MAX);
	forget(1);
	CHECK(ask(redis, "GET", "b", NULL) && run() && strcmp(last, "1024") == 0);

	forget(2);
	CHECK(ask(redis, "NONSENSE", NULL, NULL) && ask(redis, "GET", "missing", NULL) && run());
	CHECK(errors == 1 && answers == 1);

	forget(6);					/* one more than will come, so that nothing stops the loop */
	for (int i = 0; i < 5; i++)
		ask(redis, "PING", NULL, NULL);
	redis_close(redis);
	CHECK(losses == 5 && downs == 0);
}

/* A script is loaded once, run by its hash, and loaded again when the server forgot it. */
static void
test_scripts(const struct config_redis *config)
{
	static const struct redis_script script = {3, "return {KEYS[1], ARGV[1]}"};
	static const struct redis_script broken = {4, "return ("};
	struct redis *redis = open_redis(config);
	const char *words[] = {"key", "value"};
	const char *flush[] = {"SCRIPT", "FLUSH"};

	CHECK(run());
	forget(1);
	CHECK(redis_run(redis, &script, 1, 2, words, on_done, NULL) && run() && answers == 1);
	forget(1);
	CHECK(redis_run(redis, &script, 1, 2, words, on_done, NULL) && run() && answers == 1);
	forget(2);
	CHECK(redis_command(redis, 2, flush, NULL, on_done, NULL));
	CHECK(redis_run(redis, &script, 1, 2, words, on_done, NULL) && run() && errors == 1);
	CHECK(strncmp(last, "NOSCRIPT", 8) == 0);
	forget(1);
	CHECK(redis_run(redis, &script, 1, 2, words, on_done, NULL) && run() && answers == 1);
	forget(1);
	CHECK(redis_run(redis, &broken, 1, 2, words, on_done, NULL) && run() && errors == 1);
	redis_close(redis);
}

/* A server that stays silent, or dies, loses the commands in flight and nothing else. */
static void
test_loss(struct redis_server *server, const struct config_redis *config)
{
	struct redis *redis = open_redis(config);

	CHECK(run());
	forget(100);
	kill(server->pid, SIGSTOP);
	for (int i = 0; i < 100; i++)
		CHECK(ask(redis, "INCR", "c", NULL));
	CHECK(run() && losses == 100 && downs == 1 && !redis_is_up(redis));
	kill(server->pid, SIGCONT);
	CHECK(run() && redis_is_up(redis) && ups == 2);

	for (int round = 0; round < 3; round++)
	{
		forget(500);
		for (int i = 0; i < 500; i++)
			CHECK(ask(redis, "SET", "d", "some value that makes the command a little longer"));
		if (round > 0)
			loop_timer_set(loop, &guard, 0, on_timeout, NULL);
		if (round > 0)
			loop_run(loop);		/* one pass: some are sent */
		redis_server_kill(server);
		CHECK((losses + answers == 500 || run()) && losses + answers == 500);
		redis_server_start(server);
		CHECK(run() && redis_is_up(redis) && ups == 3 + round);
	}
	redis_close(redis);
}

/* A wrong password never comes up; the right one does, in the database asked for. */
static void
test_login(void)
{
	char		host[] = "127.0.0.1";
	char		right[] = "sesame";
	char		wrong[] = "open";
	char		user[] = "default";
	struct redis_server server;
	struct config_redis config = {.host = host, .password = right, .database = 5};
	struct redis *redis;

	redis_server_prepare(&server, right);
	config.port = server.port;
	redis_server_start(&server);
	redis = open_redis(&config);
	CHECK(run() && ups == 1);
	forget(2);
	CHECK(ask(redis, "SET", "in-five", "1") && ask(redis, "DBSIZE", NULL, NULL) && run() && answers == 2);
	redis_close(redis);

	config.user = user;
	config.database = 0;
	redis = open_redis(&config);
	CHECK(run() && ups == 1);
	forget(1);
	CHECK(ask(redis, "EXISTS", "in-five", NULL) && run() && answers == 1);
	redis_close(redis);

	config.password = wrong;
	redis = open_redis(&config);
	loop_timer_set(loop, &guard, 1000, on_timeout, NULL);
	loop_run(loop);
	CHECK(ups == 0 && !redis_is_up(redis));
	redis_close(redis);
	redis_server_remove(&server);
}

static int	nonsense_fd;
static int	nonsense_client = -1;
static const char *nonsense;

/*
 * Greet like Redis, then say something that no Redis says. The socket stays open
 * until the next client comes: closing it with unread bytes would take our words back.
 */
static void
talk_nonsense(void *arg, unsigned events)
{
	int			fd = accept(nonsense_fd, NULL, NULL);

	(void) arg;
	(void) events;
	if (fd < 0)
		return;
	if (nonsense_client >= 0)
		close(nonsense_client);
	nonsense_client = fd;
	CHECK(write(fd, "+OK\r\n+PONG\r\n", 12) == 12);
	CHECK(write(fd, nonsense, strlen(nonsense)) == (ssize_t) strlen(nonsense));
	CHECK(shutdown(fd, SHUT_WR) == 0);
}

static void
test_nonsense(void)
{
	static const char *const texts[] = {
		"+OK\r\n", "HTTP/1.1 400 Bad Request\r\n\r\n", "*-7\r\n", "$99999999999999999999\r\n", "*2\r\n:1\r\n",
		"-ERR max number of clients reached\r\n", "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n",
	};
	char		host[] = "127.0.0.1";
	struct config_redis config = {.host = host};
	struct loop_watch watch = LOOP_WATCH_INIT;

	nonsense_fd = bind_free_port(&config.port);
	CHECK(listen(nonsense_fd, 8) == 0 && fcntl(nonsense_fd, F_SETFL, O_NONBLOCK) == 0);
	CHECK(loop_watch_start(loop, &watch, nonsense_fd, LOOP_READ, talk_nonsense, NULL));
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
	{
		struct redis *redis;

		nonsense = texts[i];
		redis = open_redis(&config);
		CHECK_CASE(run() && run() && ups == 2 && downs >= 1, texts[i]);
		redis_close(redis);
	}
	loop_watch_stop(loop, &watch);
	close(nonsense_client);
	close(nonsense_fd);
}

int
main(void)
{
	char		host[] = "127.0.0.1";
	struct redis_server server;
	struct config_redis config = {.host = host};

	signal(SIGPIPE, SIG_IGN);
	log_set_level(LEVEL_ERROR);
	loop = loop_create();
	if (!CHECK(loop != NULL))
		return check_summary("redis");
	redis_server_prepare(&server, NULL);
	config.port = server.port;
	test_connect(&server, &config);
	test_scripts(&config);
	test_loss(&server, &config);
	redis_server_remove(&server);
	test_login();
	test_nonsense();
	redis_close(NULL);
	loop_free(loop);
	return check_summary("redis");
}
