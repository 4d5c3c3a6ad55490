/*
 * address_kind.c - the networks that are not the internet at large, as a table.
 *
 * Of IPv6 only 2000::/3 is given out, so all else is refused by one line. What clouds serve
 * metadata on is link-local, private or shared, but for one address of Azure's.
 */
#include "address_kind.h"

#include <stddef.h>
#include <string.h>

struct special
{
	struct client_network network;
	const char *kind;
};

/* An IPv4 network, which is a part of ::ffff:0:0/96. */
#define V4(a, b, c, d, length) {{.bytes = {[10] = 0xFF, [11] = 0xFF, [12] = a, b, c, d}}, 96 + length}
#define V6(length, ...) {{.bytes = {__VA_ARGS__}}, length}

static const struct special specials[] = {
	{V4(0, 0, 0, 0, 8), "unspecified"},
	{V4(10, 0, 0, 0, 8), "private"},
	{V4(100, 64, 0, 0, 10), "shared"},
	{V4(127, 0, 0, 0, 8), "loopback"},
	{V4(168, 63, 129, 16, 32), "metadata"},
	{V4(169, 254, 0, 0, 16), "link-local"},
	{V4(172, 16, 0, 0, 12), "private"},
	{V4(192, 0, 0, 0, 24), "reserved"},
	{V4(192, 0, 2, 0, 24), "documentation"},
	{V4(192, 88, 99, 0, 24), "reserved"},
	{V4(192, 168, 0, 0, 16), "private"},
	{V4(198, 18, 0, 0, 15), "benchmarking"},
	{V4(198, 51, 100, 0, 24), "documentation"},
	{V4(203, 0, 113, 0, 24), "documentation"},
	{V4(224, 0, 0, 0, 4), "multicast"},
	{V4(240, 0, 0, 0, 4), "reserved"},
	{V6(128, 0), "unspecified"},
	{V6(128, [15] = 1), "loopback"},
	{V6(7, 0xFC), "private"},
	{V6(10, 0xFE, 0x80), "link-local"},
	{V6(10, 0xFE, 0xC0), "private"},
	{V6(8, 0xFF), "multicast"},
	{V6(32, 0x20, 0x01, 0x0D, 0xB8), "documentation"},
	{V6(20, 0x3F, 0xFF), "documentation"},
	{V6(23, 0x20, 0x01), "reserved"},
	{V6(16, 0x20, 0x02), "reserved"},
};

static const struct client_network all_v4 = V4(0, 0, 0, 0, 0);
static const struct client_network given_out = V6(3, 0x20);
/* IPv4 behind a translator, in the last four bytes (RFC 6052). */
static const struct client_network translated = V6(96, 0x00, 0x64, 0xFF, 0x9B);

const char *
address_kind(const struct client_address *address)
{
	struct client_address meant = *address;

	if (address->is_unix)
		return "a local socket";
	if (client_network_has(&translated, address))
		memcpy(meant.bytes, all_v4.address.bytes, 12);
	for (size_t i = 0; i < sizeof specials / sizeof specials[0]; i++)
		if (client_network_has(&specials[i].network, &meant))
			return specials[i].kind;
	return client_network_has(&all_v4, &meant) || client_network_has(&given_out, &meant) ? NULL : "reserved";
}
