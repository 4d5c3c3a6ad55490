/*
 * client_address.c - addresses, networks, and who is believed.
 */
#include "client_address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t mapped[12] = {[10] = 0xFF, [11] = 0xFF};

static bool
is_v4(const struct client_address *address)
{
	return !address->is_unix && memcmp(address->bytes, mapped, sizeof mapped) == 0;
}

static bool
parse_plain(struct client_address *address, const char *text)
{
	*address = (struct client_address) {0};
	if (inet_pton(AF_INET, text, address->bytes + sizeof mapped) == 1)
	{
		memcpy(address->bytes, mapped, sizeof mapped);
		return true;
	}
	return inet_pton(AF_INET6, text, address->bytes) == 1;
}

/* Is this ":80" or nothing? */
static bool
is_port(const char *text)
{
	size_t		length = strlen(text);

	return length == 0 ||
		(text[0] == ':' && length > 1 && length <= 6 && strspn(text + 1, "0123456789") == length - 1);
}

bool
client_address_parse(struct client_address *address, const char *text, size_t length)
{
	char		plain[INET6_ADDRSTRLEN + 8];
	char	   *end;

	if (length == 0 || length >= sizeof plain || memchr(text, '\0', length) != NULL)
		return false;
	memcpy(plain, text, length);
	plain[length] = '\0';
	if (plain[0] == '[')
	{
		end = strchr(plain, ']');
		if (end == NULL || !is_port(end + 1))
			return false;
		*end = '\0';
		return strchr(plain, ':') != NULL && parse_plain(address, plain + 1);
	}
	end = strchr(plain, ':');
	if (end != NULL && strchr(end + 1, ':') == NULL && is_port(end))
		*end = '\0';
	return parse_plain(address, plain);
}

void
client_address_of(struct client_address *address, const struct sockaddr *socket)
{
	*address = (struct client_address) {0};
	if (socket != NULL && socket->sa_family == AF_INET)
	{
		memcpy(address->bytes, mapped, sizeof mapped);
		memcpy(address->bytes + sizeof mapped, &((const struct sockaddr_in *) socket)->sin_addr, 4);
	}
	else if (socket != NULL && socket->sa_family == AF_INET6)
		memcpy(address->bytes, &((const struct sockaddr_in6 *) socket)->sin6_addr, 16);
	else
		address->is_unix = true;
}

void
client_address_write(const struct client_address *address, char *text)
{
	/* neither fails: there is room for the longest */
	if (address->is_unix)
		memcpy(text, "unix", sizeof "unix");
	else if (is_v4(address))
		(void) inet_ntop(AF_INET, address->bytes + sizeof mapped, text, CLIENT_ADDRESS_TEXT);
	else
		(void) inet_ntop(AF_INET6, address->bytes, text, CLIENT_ADDRESS_TEXT);
}

void
client_address_group(const struct client_address *address, struct client_address *group)
{
	*group = *address;
	if (!address->is_unix && !is_v4(address))
		memset(group->bytes + 8, 0, 8);
}

void
client_address_write_group(const struct client_address *address, char *text)
{
	struct client_address group;
	size_t		length;

	client_address_group(address, &group);
	client_address_write(&group, text);
	length = strlen(text);
	if (!group.is_unix && !is_v4(&group))
		snprintf(text + length, CLIENT_ADDRESS_TEXT - length, "/64");
}

/* ---- who is believed ---- */

bool
client_network_has(const struct client_network *network, const struct client_address *address)
{
	unsigned	whole = network->bits / 8;
	unsigned	rest = network->bits % 8;

	if (memcmp(network->address.bytes, address->bytes, whole) != 0)
		return false;
	return rest == 0 ||
		(network->address.bytes[whole] ^ address->bytes[whole]) >> (8 - rest) == 0;
}

bool
trusted_proxies_has(const struct trusted_proxies *trusted, const struct client_address *address)
{
	if (address->is_unix)
		return trusted->trusts_unix;
	for (size_t i = 0; i < trusted->count; i++)
		if (client_network_has(&trusted->networks[i], address))
			return true;
	return false;
}

/* Are all bits behind the network's own zero, as in 10.0.0.0/8 and not in 10.1.0.0/8? */
static bool
is_network(const struct client_network *network)
{
	for (unsigned bit = network->bits; bit < 128; bit++)
		if (network->address.bytes[bit / 8] & 0x80 >> bit % 8)
			return false;
	return true;
}

/* Read an address, or one with /bits. */
static bool
parse_network(struct client_network *network, const char *text, size_t length)
{
	const char *slash = memchr(text, '/', length);
	size_t		address_length = slash != NULL ? (size_t) (slash - text) : length;
	size_t		digits = slash != NULL ? length - address_length - 1 : 0;
	char		plain[INET6_ADDRSTRLEN];
	unsigned	most;

	if (address_length == 0 || address_length >= sizeof plain)
		return false;
	memcpy(plain, text, address_length);
	plain[address_length] = '\0';
	if (!parse_plain(&network->address, plain))
		return false;
	network->bits = 128;
	if (slash == NULL)
		return true;
	if (digits == 0 || digits > 3 || strspn(slash + 1, "0123456789") < digits)
		return false;
	network->bits = (unsigned) strtoul(slash + 1, NULL, 10);
	most = strchr(plain, ':') != NULL ? 128 : 32;
	if (network->bits > most)
		return false;
	network->bits += 128 - most;
	return is_network(network);
}

static bool
add_network(struct trusted_proxies *trusted, const char *text, size_t length)
{
	struct client_network network;
	struct client_network *grown;

	if (length == strlen("unix") && memcmp(text, "unix", length) == 0)
	{
		trusted->trusts_unix = true;
		return true;
	}
	if (!parse_network(&network, text, length))
		return false;
	grown = realloc(trusted->networks, (trusted->count + 1) * sizeof *grown);
	if (grown == NULL)
		return false;
	trusted->networks = grown;
	grown[trusted->count++] = network;
	return true;
}

bool
trusted_proxies_parse(struct trusted_proxies *trusted, const char *value, char *why, size_t why_size)
{
	if (strcmp(value, "false") == 0 || strcmp(value, "0") == 0)
		return true;
	if (strcmp(value, "true") == 0 || strcmp(value, "1") == 0)
		value = "127.0.0.0/8, ::1, 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 169.254.0.0/16, "
			"fc00::/7, fe80::/10, unix";
	for (;;)
	{
		size_t		length;
		size_t		end;

		value += strspn(value, " ");
		length = strcspn(value, ", ");
		end = length + strspn(value + length, " ");
		if ((value[end] != ',' && value[end] != '\0') || !add_network(trusted, value, length))
		{
			snprintf(why, why_size, "must be true, false, or addresses and networks such as "
					 "10.0.0.0/8, fd00::/8 or unix, separated by commas; not \"%.*s\"",
					 length < 60 ? (int) length : 60, value);
			return false;
		}
		if (value[end] == '\0')
			return true;
		value += end + 1;
	}
}

void
trusted_proxies_free(struct trusted_proxies *trusted)
{
	free(trusted->networks);
	*trusted = (struct trusted_proxies) {0};
}

/* ---- X-Forwarded-For ---- */

void
forwarded_for_add(struct forwarded_for *forwarded, const char *value)
{
	if (forwarded->count == FORWARDED_FIELDS_MAX)
		memmove(forwarded->fields, forwarded->fields + 1,
				(--forwarded->count) * sizeof *forwarded->fields);
	forwarded->fields[forwarded->count++] = value;
}

/* The part of a list between its last comma and `end`, which is moved in front of that comma; its length. */
static size_t
last_entry(const char *list, const char **end, const char **entry)
{
	const char *stop = *end;
	const char *start;

	while (stop > list && (stop[-1] == ' ' || stop[-1] == '\t'))
		stop--;
	start = stop;
	while (start > list && start[-1] != ',')
		start--;
	*end = start > list ? start - 1 : NULL;
	while (start < stop && (*start == ' ' || *start == '\t'))
		start++;
	*entry = start;
	return (size_t) (stop - start);
}

void
client_address_find(struct client_address *client, const struct trusted_proxies *trusted,
					const struct client_address *peer, const struct forwarded_for *forwarded)
{
	*client = *peer;
	for (unsigned i = forwarded->count; i-- > 0;)
	{
		const char *list = forwarded->fields[i];
		const char *end = list + strlen(list);

		while (end != NULL)
		{
			const char *entry;
			size_t		length = last_entry(list, &end, &entry);
			struct client_address address;

			if (!trusted_proxies_has(trusted, client) ||
				!client_address_parse(&address, entry, length))
				return;
			*client = address;
		}
	}
}
