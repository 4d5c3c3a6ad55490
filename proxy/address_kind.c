/*
 * address_kind.c - the networks that are not the internet at large, as tables.
 *
 * Of IPv6 only 2000::/3 is given out, so all else is refused by one line. What clouds serve
 * metadata on is link-local, private or shared, but for one address of Azure's.
 */
#include "address_kind.h"

#include <stddef.h>
#include <string.h>

struct network
{
	uint8_t		bytes[16];
	unsigned	bits;
	const char *kind;
};

#define V4(a, b, c, d, bits, kind) {{a, b, c, d}, bits, kind}

static const struct network v4_networks[] = {
	V4(0, 0, 0, 0, 8, "unspecified"),
	V4(10, 0, 0, 0, 8, "private"),
	V4(100, 64, 0, 0, 10, "shared"),
	V4(127, 0, 0, 0, 8, "loopback"),
	V4(168, 63, 129, 16, 32, "metadata"),
	V4(169, 254, 0, 0, 16, "link-local"),
	V4(172, 16, 0, 0, 12, "private"),
	V4(192, 0, 0, 0, 24, "reserved"),
	V4(192, 0, 2, 0, 24, "documentation"),
	V4(192, 88, 99, 0, 24, "reserved"),
	V4(192, 168, 0, 0, 16, "private"),
	V4(198, 18, 0, 0, 15, "benchmarking"),
	V4(198, 51, 100, 0, 24, "documentation"),
	V4(203, 0, 113, 0, 24, "documentation"),
	V4(224, 0, 0, 0, 4, "multicast"),
	V4(240, 0, 0, 0, 4, "reserved"),
};

/* Matched in this order. */
static const struct network v6_networks[] = {
	{{0}, 128, "unspecified"},
	{{[15] = 1}, 128, "loopback"},
	{{0xFC}, 7, "private"},
	{{0xFE, 0x80}, 10, "link-local"},
	{{0xFE, 0xC0}, 10, "private"},
	{{0xFF}, 8, "multicast"},
	{{0x20, 0x01, 0x0D, 0xB8}, 32, "documentation"},
	{{0x3F, 0xFF}, 20, "documentation"},
	{{0x20, 0x01}, 23, "reserved"},
	{{0x20, 0x02}, 16, "reserved"},
};

/* IPv4 in the last four bytes: mapped (::ffff:0:0/96), and translated (64:ff9b::/96). */
static const struct network v4_carriers[] = {
	{{[10] = 0xFF, [11] = 0xFF}, 96, NULL},
	{{0x00, 0x64, 0xFF, 0x9B}, 96, NULL},
};

static bool
is_within(const uint8_t *bytes, const struct network *network)
{
	unsigned	whole = network->bits / 8;
	unsigned	rest = network->bits % 8;

	return memcmp(bytes, network->bytes, whole) == 0 &&
		(rest == 0 || (bytes[whole] ^ network->bytes[whole]) >> (8 - rest) == 0);
}

static const struct network *
find(const uint8_t *bytes, const struct network *networks, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (is_within(bytes, &networks[i]))
			return &networks[i];
	return NULL;
}

#define FIND(bytes, networks) find(bytes, networks, sizeof networks / sizeof networks[0])

const char *
address_kind(const struct client_address *address)
{
	const struct network *network;

	if (address->is_unix)
		return "a local socket";
	if (FIND(address->bytes, v4_carriers) != NULL)
		network = FIND(address->bytes + 12, v4_networks);
	else
	{
		network = FIND(address->bytes, v6_networks);
		if (network == NULL && address->bytes[0] >> 5 != 1)
			return "reserved";
	}
	return network != NULL ? network->kind : NULL;
}
