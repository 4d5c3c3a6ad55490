/*
 * test_address_kind.c - which addresses are the internet's at large. Of each network the first and the
 * last address are in it, and those beside it are not.
 */
#include "../address_kind.h"

#include <string.h>

#include "check.h"

static const char *
kind_of(const char *text)
{
	struct client_address address;

	if (!client_address_parse(&address, text, strlen(text)))
		return "unreadable";
	return address_kind(&address);
}

static void
test_public(void)
{
	static const char *const addresses[] = {
		"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
		"128.0.0.0", "168.63.129.15", "168.63.129.17", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0",
		"191.255.255.255", "192.0.1.0", "192.0.3.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0",
		"198.51.99.255", "198.51.101.0", "203.0.112.255", "203.0.114.0", "223.255.255.255",
		"2a00:1450:4001:830::200e", "2606:4700:4700::1111", "2001:200::1", "2001:db7:ffff::1", "2001:db9::1", "2003::1",
		"2000::1", "3ffe::1", "::ffff:8.8.8.8", "64:ff9b::808:808",
	};

	for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++)
		CHECK_CASE(kind_of(addresses[i]) == NULL, addresses[i]);
}

static void
test_others(void)
{
	static const struct
	{
		const char *address;
		const char *kind;
	}			cases[] = {
		{"0.0.0.0", "unspecified"}, {"0.255.255.255", "unspecified"},
		{"10.0.0.0", "private"}, {"10.255.255.255", "private"},
		{"100.64.0.0", "shared"}, {"100.100.100.200", "shared"}, {"100.127.255.255", "shared"},
		{"127.0.0.1", "loopback"}, {"127.255.255.255", "loopback"},
		{"168.63.129.16", "metadata"},
		{"169.254.0.0", "link-local"}, {"169.254.169.254", "link-local"}, {"169.254.255.255", "link-local"},
		{"172.16.0.0", "private"}, {"172.31.255.255", "private"},
		{"192.0.0.0", "reserved"}, {"192.0.0.192", "reserved"}, {"192.0.2.1", "documentation"},
		{"192.88.99.1", "reserved"},
		{"192.168.0.0", "private"}, {"192.168.255.255", "private"},
		{"198.18.0.0", "benchmarking"}, {"198.19.255.255", "benchmarking"},
		{"198.51.100.7", "documentation"}, {"203.0.113.7", "documentation"},
		{"224.0.0.1", "multicast"}, {"239.255.255.255", "multicast"},
		{"240.0.0.0", "reserved"}, {"255.255.255.255", "reserved"},
		{"::", "unspecified"}, {"::1", "loopback"}, {"::2", "reserved"}, {"::7f00:1", "reserved"},
		{"::ffff:127.0.0.1", "loopback"}, {"::ffff:10.1.2.3", "private"}, {"::ffff:169.254.169.254", "link-local"},
		{"64:ff9b::7f00:1", "loopback"}, {"64:ff9b::a9fe:a9fe", "link-local"}, {"64:ff9b:1::808:808", "reserved"},
		{"100::1", "reserved"}, {"2001::1", "reserved"}, {"2001:1ff:ffff::1", "reserved"},
		{"2001:db8::1", "documentation"}, {"2001:db8:ffff::1", "documentation"}, {"2002:7f00:1::", "reserved"},
		{"3fff::1", "documentation"}, {"3fff:fff:ffff::1", "documentation"}, {"4000::1", "reserved"},
		{"5f00::1", "reserved"}, {"fbff::1", "reserved"},
		{"fc00::1", "private"}, {"fd00:ec2::254", "private"}, {"fdff:ffff::1", "private"},
		{"fe80::1", "link-local"}, {"febf::1", "link-local"}, {"fec0::1", "private"}, {"feff::1", "private"},
		{"ff02::1", "multicast"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
	{
		const char *kind = kind_of(cases[i].address);

		CHECK_CASE(kind != NULL && strcmp(kind, cases[i].kind) == 0, cases[i].address);
	}
}

static void
test_socket(void)
{
	struct client_address address = {.is_unix = true};

	CHECK(address_kind(&address) != NULL);
}

int
main(void)
{
	test_public();
	test_others();
	test_socket();
	return check_summary("address_kind");
}
