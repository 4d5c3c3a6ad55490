/*
 * test_redis_url.c - every form of REDIS_URL, and what is wrong with others. The
 * reason must not show a part of the URL, which may be a password.
 */
#include "../redis_url.h"

#include <string.h>

#include "check.h"

/* The parts of a URL in one line: host port database user password, then sentinels. */
static void
spell_out(const struct config_redis *redis, char *out, size_t size)
{
	int			length = snprintf(out, size, "%s %d %d %s %s", redis->host, redis->port, redis->database,
								  redis->user ? redis->user : "-", redis->password ? redis->password : "-");

	for (size_t i = 0; i < redis->sentinel_count; i++)
		length += snprintf(out + length, size - (size_t) length, " %s:%d", redis->sentinels[i].host,
						   redis->sentinels[i].port);
	if (redis->sentinel_password != NULL)
		snprintf(out + length, size - (size_t) length, " %s", redis->sentinel_password);
}

static void
test_right_ones(void)
{
	static const struct
	{
		const char *url;
		const char *parts;
	}			cases[] = {
		{"redis://localhost", "localhost 6379 0 - -"},
		{"redis://localhost/", "localhost 6379 0 - -"},
		{"redis://10.0.0.1:7000/3", "10.0.0.1 7000 3 - -"},
		{"redis://10.0.0.1?db=4", "10.0.0.1 6379 4 - -"},
		{"redis://:sesame@h:1", "h 1 0 - sesame"},
		{"redis://:@h", "h 6379 0 - -"},
		{"redis://ada:lovelace@h/15", "h 6379 15 ada lovelace"},
		{"redis://a%3ab:p%40ss%2Fword%25@h", "h 6379 0 a:b p@ss/word%"},
		{"redis://:raw/pass?word@more@h:2/1", "h 2 1 - raw/pass?word@more"},
		{"redis://:p:w@h", "h 6379 0 - p:w"},
		{"redis://[::1]", "::1 6379 0 - -"},
		{"redis://:pw@[fe80::1%25eth0]:7001/2", "fe80::1%eth0 7001 2 - pw"},
		{"unix:///run/redis/redis.sock", "/run/redis/redis.sock 0 0 - -"},
		{"unix:///run/a@b.sock?db=7", "/run/a@b.sock 0 7 - -"},
		{"redis+unix://ada:pw@/run/my%20redis.sock?db=1", "/run/my redis.sock 0 1 ada pw"},
		{"redis+sentinel://s1/mymaster", "mymaster 0 0 - - s1:26379"},
		{"redis+sentinel://s1:1,[::2]:2,s3/mymaster/9", "mymaster 0 9 - - s1:1 ::2:2 s3:26379"},
		{"redis+sentinel://:pw@s1:1/m?sentinel_password=t%26p&db=3", "m 0 3 - pw s1:1 t&p"},
		{"redis+sentinel://ada:pw@s1:1,s2:2/m/", "m 0 0 ada pw s1:1 s2:2"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
	{
		struct config_redis redis = {0};
		char		why[256] = "";
		char		parts[512] = "";

		CHECK_CASE(redis_url_parse(cases[i].url, &redis, why, sizeof why), cases[i].url);
		if (redis.host != NULL)
			spell_out(&redis, parts, sizeof parts);
		if (!CHECK_CASE(strcmp(parts, cases[i].parts) == 0, cases[i].url))
			printf("    %s %s\n", parts, why);
		redis_url_free(&redis);
		CHECK(redis.host == NULL && redis.sentinels == NULL && redis.password == NULL);
	}
}

static void
test_wrong_ones(void)
{
	static const char *const urls[] = {
		"http://h", "redis:/h", "redis://", "redis://:6379", "redis://h:", "redis://h:0", "redis://h:65536",
		"redis://h:6379x", "redis://h:63 79", "redis://h/x", "redis://h/-1", "redis://h/99999", "redis://h/1/2",
		"redis://h?db=", "redis://h?nonsense=1", "redis://h?sentinel_password=x", "redis://[::1", "redis://[::1]x",
		"redis://[]", "redis://::1", "redis://h1,h2", "redis://hunter2@h", "redis://:hunter2%4@h",
		"redis://:hunter2%00@h", "redis://:hunter2%zz@h", "redis://:hunter2@h:hunter2", "rediss://:hunter2@h",
		"unix://", "unix://run/redis.sock",
		"unix:///2345678901234567890123456789012345678901234567890"
		"12345678901234567890123456789012345678901234567890123456789012345678",
		"unix://h/x", "redis+sentinel://", "redis+sentinel://s1",
		"redis+sentinel://s1/", "redis+sentinel://s1//1", "redis+sentinel://s1,/m", "redis+sentinel://,s1/m",
		"redis+sentinel://s1/m/x", "redis+sentinel://s:0/m", "redis+sentinel://a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q/m",
	};

	for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++)
	{
		struct config_redis redis = {0};
		char		why[256] = "";

		CHECK_CASE(!redis_url_parse(urls[i], &redis, why, sizeof why), urls[i]);
		CHECK_CASE(why[0] != '\0' && strstr(why, "hunter2") == NULL, urls[i]);
		redis_url_free(&redis);
	}
}

static void
test_description(void)
{
	struct config_redis redis = {0};
	char		why[256];
	char		text[256];

	CHECK(redis_url_parse("redis+sentinel://:hunter2@s1/boss?sentinel_password=hunter2", &redis, why, sizeof why));
	redis_url_describe(&redis, text, sizeof text);
	CHECK(strcmp(text, "boss, by its sentinels") == 0);
	redis_url_free(&redis);
	CHECK(redis_url_parse("redis://:hunter2@[::1]:1", &redis, why, sizeof why));
	redis_url_describe(&redis, text, sizeof text);
	CHECK(strcmp(text, "::1, port 1") == 0);
	redis_url_free(&redis);
	CHECK(redis_url_parse("unix:///s", &redis, why, sizeof why));
	redis_url_describe(&redis, text, sizeof text);
	CHECK(strcmp(text, "/s") == 0);
	redis_url_free(&redis);
}

int
main(void)
{
	test_right_ones();
	test_wrong_ones();
	test_description();
	return check_summary("redis_url");
}
