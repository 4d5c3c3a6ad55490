/*
 * test_client_address.c - whose word is taken for the client's address, and how
 * addresses are counted.
 */
#include <arpa/inet.h>
#include <string.h>

#include "../address_quota.h"
#include "../client_address.h"
#include "check.h"

/* The client's address as text, for a peer and fields of X-Forwarded-For ("|" between fields). */
static const char *
client(const char *trust, const char *peer, const char *forwarded)
{
	static char text[CLIENT_ADDRESS_TEXT];
	struct trusted_proxies trusted = {0};
	struct client_address address = {.is_unix = true};
	struct client_address found;
	struct forwarded_for fields = {0};
	char		why[256];
	char		copy[512];
	char	   *rest = copy;

	snprintf(copy, sizeof copy, "%s", forwarded);
	CHECK(trusted_proxies_parse(&trusted, trust, why, sizeof why));
	CHECK(strcmp(peer, "unix") == 0 || client_address_parse(&address, peer, strlen(peer)));
	for (char *field; (field = strsep(&rest, "|")) != NULL;)
		forwarded_for_add(&fields, field);
	client_address_find(&found, &trusted, &address, &fields);
	client_address_write(&found, text);
	trusted_proxies_free(&trusted);
	return text;
}

#define CLIENT(trust, peer, forwarded, wanted) \
	CHECK(strcmp(client(trust, peer, forwarded), wanted) == 0)

static void
test_who_is_believed(void)
{
	CLIENT("false", "10.0.0.1", "203.0.113.9", "10.0.0.1");
	CLIENT("false", "unix", "203.0.113.9", "unix");
	CLIENT("true", "198.51.100.1", "203.0.113.9", "198.51.100.1");
	CLIENT("true", "10.0.0.1", "203.0.113.9", "203.0.113.9");
	CLIENT("true", "::1", "203.0.113.9", "203.0.113.9");
	CLIENT("true", "unix", "203.0.113.9", "203.0.113.9");
	CLIENT("10.0.0.0/8", "unix", "203.0.113.9", "unix");
	CLIENT("unix", "unix", "203.0.113.9", "203.0.113.9");
	CLIENT("unix", "127.0.0.1", "203.0.113.9", "127.0.0.1");
	CLIENT("10.1.2.3", "10.1.2.3", "203.0.113.9", "203.0.113.9");
	CLIENT("10.1.2.3", "10.1.2.4", "203.0.113.9", "10.1.2.4");
	CLIENT("10.0.0.0/8", "::ffff:10.0.0.1", "203.0.113.9", "203.0.113.9");
	CLIENT("fd00::/8", "fdab::1", "203.0.113.9", "203.0.113.9");
	CLIENT("172.16.0.0/12", "172.31.255.255", "203.0.113.9", "203.0.113.9");
	CLIENT("172.16.0.0/12", "172.32.0.0", "203.0.113.9", "172.32.0.0");
	CLIENT("0.0.0.0/0", "8.8.8.8", "203.0.113.9, 1.1.1.1", "203.0.113.9");
	CLIENT("0.0.0.0/0", "2001:db8::1", "203.0.113.9", "2001:db8::1");
}

static void
test_which_entry_counts(void)
{
	/* whatever a client says itself stands on the left */
	CLIENT("10.0.0.0/8", "10.0.0.1", "1.1.1.1, 203.0.113.9", "203.0.113.9");
	CLIENT("10.0.0.0/8", "10.0.0.1", "1.1.1.1, 203.0.113.9, 10.0.0.2", "203.0.113.9");
	CLIENT("10.0.0.0/8", "10.0.0.1", "10.0.0.7, 203.0.113.9,10.0.0.3,10.0.0.2", "203.0.113.9");
	CLIENT("10.0.0.0/8", "10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3");
	CLIENT("10.0.0.0/8", "10.0.0.1", "1.1.1.1|203.0.113.9", "203.0.113.9");
	CLIENT("10.0.0.0/8", "10.0.0.1", "1.1.1.1, 203.0.113.9|10.0.0.2", "203.0.113.9");
	CLIENT("10.0.0.0/8", "10.0.0.1", "0|1|2|3|4|5|6|7|8|203.0.113.9", "203.0.113.9");
	/* nothing is believed in front of what cannot be read */
	CLIENT("10.0.0.0/8", "10.0.0.1", "203.0.113.9, unknown", "10.0.0.1");
	CLIENT("10.0.0.0/8", "10.0.0.1", "203.0.113.9, unknown, 10.0.0.2", "10.0.0.2");
	CLIENT("10.0.0.0/8", "10.0.0.1", "203.0.113.9, ", "10.0.0.1");
	CLIENT("10.0.0.0/8", "10.0.0.1", ",,,", "10.0.0.1");
	CLIENT("10.0.0.0/8", "10.0.0.1", "", "10.0.0.1");
	CLIENT("10.0.0.0/8", "10.0.0.1", "\t203.0.113.9\t ", "203.0.113.9");
	CLIENT("10.0.0.0/8", "10.0.0.1", "203.0.113.9 10.0.0.1", "10.0.0.1");
	CLIENT("10.0.0.0/8", "10.0.0.1", "203.0.113.9:4711", "203.0.113.9");
	CLIENT("10.0.0.0/8", "10.0.0.1", "203.0.113.9:", "10.0.0.1");
	CLIENT("10.0.0.0/8", "10.0.0.1", "[2001:DB8:0::1]:443", "2001:db8::1");
	CLIENT("10.0.0.0/8", "10.0.0.1", "[2001:db8::1", "10.0.0.1");
	CLIENT("10.0.0.0/8", "10.0.0.1", "[203.0.113.9]", "10.0.0.1");
	CLIENT("10.0.0.0/8", "10.0.0.1", "2001:db8::1", "2001:db8::1");
	CLIENT("10.0.0.0/8", "10.0.0.1", "::ffff:203.0.113.9", "203.0.113.9");
	CLIENT("10.0.0.0/8", "10.0.0.1", "0x7f.1", "10.0.0.1");
	CLIENT("10.0.0.0/8", "10.0.0.1", "1.2.3.4.5", "10.0.0.1");
	CLIENT("10.0.0.0/8", "10.0.0.1", "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb", "10.0.0.1");
	CLIENT("10.0.0.0/8", "10.0.0.1", "\"><script>", "10.0.0.1");
}

static void
test_settings(void)
{
	static const char *const wrong[] = {
		"maybe", "10.0.0.0/33", "10.0.0.1/8", "fd00::/129", "fd00::1/64", "10.0.0.0/", "10.0.0.0/x",
		"10.0.0.0/8,", ",10.0.0.0/8", "10.0.0.0/8;::1", "10.0.0", "*", "10.0.0.0/-1", "10.0.0.0/0008",
		"10.0.0.0/8 10.0.0.0/8", "/8", "unixx", "10.0.0.0/99999999999",
	};

	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
	{
		struct trusted_proxies trusted = {0};
		char		why[256] = "";

		CHECK(!trusted_proxies_parse(&trusted, wrong[i], why, sizeof why));
		CHECK(strstr(why, "10.0.0.0/8") != NULL);
		trusted_proxies_free(&trusted);
	}
}

static const char *
group(const char *address)
{
	static char text[CLIENT_ADDRESS_TEXT];
	struct client_address parsed;

	CHECK(client_address_parse(&parsed, address, strlen(address)));
	client_address_write_group(&parsed, text);
	return text;
}

static void
test_groups(void)
{
	struct client_address unix_peer = {.is_unix = true};
	char		text[CLIENT_ADDRESS_TEXT];

	CHECK(strcmp(group("203.0.113.9"), "203.0.113.9") == 0);
	CHECK(strcmp(group("::ffff:203.0.113.9"), "203.0.113.9") == 0);
	CHECK(strcmp(group("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64") == 0);
	CHECK(strcmp(group("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), "ffff:ffff:ffff:ffff::/64") == 0);
	CHECK(strcmp(group("::1"), "::/64") == 0);
	client_address_write_group(&unix_peer, text);
	CHECK(strcmp(text, "unix") == 0);
}

static bool
take(struct address_quota *quota, const char *address)
{
	struct client_address parsed;

	CHECK(client_address_parse(&parsed, address, strlen(address)));
	return address_quota_has_room(quota, &parsed) && address_quota_take(quota, &parsed);
}

static void
give(struct address_quota *quota, const char *address)
{
	struct client_address parsed;

	CHECK(client_address_parse(&parsed, address, strlen(address)));
	address_quota_give(quota, &parsed);
}

static void
test_quota(void)
{
	struct trusted_proxies exempt = {0};
	struct client_address unix_peer = {.is_unix = true};
	struct address_quota *quota;
	char		why[256];
	char		address[32];

	CHECK(trusted_proxies_parse(&exempt, "10.0.0.0/8", why, sizeof why));
	quota = address_quota_create(2, &exempt);
	CHECK(take(quota, "203.0.113.9") && take(quota, "203.0.113.9") && !take(quota, "203.0.113.9"));
	CHECK(take(quota, "203.0.113.8"));
	give(quota, "203.0.113.9");
	CHECK(take(quota, "203.0.113.9") && !take(quota, "203.0.113.9"));
	CHECK(take(quota, "2001:db8::1") && take(quota, "2001:db8::2") && !take(quota, "2001:db8::3"));
	CHECK(take(quota, "2001:db8:0:1::1"));
	/* exempt ones have room and are not counted */
	CHECK(!take(quota, "10.0.0.1") && !take(quota, "10.0.0.1") && !take(quota, "10.0.0.1"));
	CHECK(address_quota_has_room(quota, &unix_peer) && !address_quota_take(quota, &unix_peer));
	for (int i = 0; i < 20000; i++)
	{
		snprintf(address, sizeof address, "11.%d.%d.%d", i / 65536, i / 256 % 256, i % 256);
		CHECK(take(quota, address));
	}
	for (int i = 0; i < 20000; i += 2)
	{
		snprintf(address, sizeof address, "11.%d.%d.%d", i / 65536, i / 256 % 256, i % 256);
		give(quota, address);
		CHECK(take(quota, address) && take(quota, address) && !take(quota, address));
	}
	address_quota_free(quota);
	trusted_proxies_free(&exempt);
}

int
main(void)
{
	test_who_is_believed();
	test_which_entry_counts();
	test_settings();
	test_groups();
	test_quota();
	return check_summary("client_address");
}
