/*
 * client_address.h - whose request is it? The address of a connection's peer,
 * or what proxies that are trusted say in X-Forwarded-For, and how addresses are
 * grouped for limits.
 */
#ifndef TIMETRACKR_CLIENT_ADDRESS_H
#define TIMETRACKR_CLIENT_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for an address, or for a network such as 2001:db8:1:2::/64, as text. */
#define CLIENT_ADDRESS_TEXT (INET6_ADDRSTRLEN + 4)

/* So many fields of X-Forwarded-For are looked at, the last ones. */
#define FORWARDED_FIELDS_MAX 8

/* IPv4 addresses are mapped into IPv6 (::ffff:0:0/96); a peer on a Unix socket has none. */
struct client_address
{
	bool		is_unix;
	uint8_t		bytes[16];
};

struct client_network
{
	struct client_address address;
	unsigned	bits;
};

/* Proxies in front whose word is taken: the setting TRUST_PROXY. */
struct trusted_proxies
{
	struct client_network *networks;
	size_t		count;
	bool		trusts_unix;	/* whoever can open the Unix socket */
};

/* What the fields of X-Forwarded-For say, in their order. */
struct forwarded_for
{
	const char *fields[FORWARDED_FIELDS_MAX];
	unsigned	count;
};

/* Note one field more; of too many the first ones are dropped. */
void		forwarded_for_add(struct forwarded_for *forwarded, const char *value);

/*
 * Read "false", "true" (loopback, private networks and Unix sockets) or a list
 * of addresses, networks and the word "unix". False with the reason in `why`.
 */
bool		trusted_proxies_parse(struct trusted_proxies *trusted, const char *value,
								  char *why, size_t why_size);
void		trusted_proxies_free(struct trusted_proxies *trusted);
bool		trusted_proxies_has(const struct trusted_proxies *trusted,
								const struct client_address *address);

/* The address of a socket's other end; NULL, and what is no internet address, count as Unix. */
void		client_address_of(struct client_address *address, const struct sockaddr *socket);

/* Read an address of `length` bytes, as 192.0.2.1, 192.0.2.1:80, 2001:db8::1 or [2001:db8::1]:80. */
bool		client_address_parse(struct client_address *address, const char *text, size_t length);

/*
 * The client behind trusted proxies: from the last entry of X-Forwarded-For to the
 * first, the first that is not trusted itself. Nobody but a trusted peer is
 * believed, and nothing in front of what cannot be read.
 */
void		client_address_find(struct client_address *client, const struct trusted_proxies *trusted,
								const struct client_address *peer,
								const struct forwarded_for *forwarded);

/* Is an address, which is no Unix socket's, in a network? */
bool		client_network_has(const struct client_network *network, const struct client_address *address);

/* As text: "192.0.2.1", "2001:db8::1" or "unix". */
void		client_address_write(const struct client_address *address, char *text);

/* Whom limits take for one client: an IPv4 address, or an IPv6 network of 64 bits, which one customer has. */
void		client_address_group(const struct client_address *address, struct client_address *group);
void		client_address_write_group(const struct client_address *address, char *text);

#endif
