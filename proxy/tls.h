/*
 * tls.h - certificates, and what has to be said on a TLS session past the HTTP
 * library; the only user of GnuTLS. Sessions are the library's, told as pointers.
 */
#ifndef TIMETRACKR_TLS_H
#define TIMETRACKR_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* TLS 1.2 and 1.3 with ciphers that are safe, in the form of GnuTLS. */
#define TLS_PRIORITIES \
	"NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-CIPHER-ALL:+AES-256-GCM:+CHACHA20-POLY1305:+AES-128-GCM:" \
	"-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA"

/* A certificate and its key. Threads may share it: it lasts until the last holder releases it. */
struct tls_identity;

/*
 * Read a certificate, with those between it and its root behind it, and its key, in PEM. NULL with
 * "TLS_CERT: why" or "TLS_KEY: why" when they cannot be read, are not valid (any more), or don't belong together.
 */
struct tls_identity *tls_load(const char *certificate_file, const char *key_file,
							  char *why, size_t why_size);
struct tls_identity *tls_hold(struct tls_identity *identity);
void		tls_release(struct tls_identity *identity);	/* NULL is fine */

/* The files' contents, as long as it is held: the HTTP library wants some, too. */
const char *tls_certificate(const struct tls_identity *identity);
const char *tls_key(const struct tls_identity *identity);

/* When the certificate ends, as 2026-11-22T23:59:59Z. */
const char *tls_expiry(const struct tls_identity *identity);

/* Have a session use this identity, before its handshake; it has to be held until the session is gone. */
void		tls_use(struct tls_identity *identity, void *session);

/*
 * Send bytes, and say that no more follow. What the socket does not take at once is lost.
 * Without a handshake nothing is sent.
 */
void		tls_send_last(void *session, const char *bytes, size_t length);

/* A session taken away from the HTTP library. */
struct tls_channel;

/*
 * Can sessions be taken away? They can when the dynamic linker takes this program's gnutls_bye() and
 * gnutls_deinit() before GnuTLS's, as it does where all is linked dynamically.
 */
bool		tls_can_take(void);

/* Take a session that uses this identity: the library's attempt to free it has no effect. NULL: memory is out. */
struct tls_channel *tls_take(void *session, struct tls_identity *identity);

/* It goes on over this nonblocking socket, a duplicate of its own. */
void		tls_move(struct tls_channel *channel, int fd);

/* As recv() and send(): -1 with errno EAGAIN when the socket has to be waited for. */
ssize_t		tls_receive(struct tls_channel *channel, void *buffer, size_t size);
ssize_t		tls_send(struct tls_channel *channel, const void *bytes, size_t length);

/* Has all gone to the socket that was sent? Else as tls_send(). */
bool		tls_flush(struct tls_channel *channel);

/* Say that nothing more will be sent. */
void		tls_end(struct tls_channel *channel);
void		tls_free(struct tls_channel *channel);	/* NULL is fine */

#endif
