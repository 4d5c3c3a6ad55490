/*
 * tls.c - certificates and keys.
 */
#include "tls.h"

#include <dlfcn.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* More than any chain of certificates needs. */
#define FILE_MAX (256 * 1024)

/* Most bytes of a record. */
#define TLS_RECORD_MAX 16384

struct tls_identity
{
	atomic_uint holders;
	gnutls_certificate_credentials_t credentials;
	char	   *certificate;	/* PEM */
	char	   *key;
	char		expiry[32];
};

static bool
refuse(const char *setting, const char *reason, char *why, size_t why_size)
{
	snprintf(why, why_size, "%s: %s", setting, reason);
	return false;
}

/* Read a whole file; NULL with the reason. */
static char *
read_file(const char *name, const char *setting, char *why, size_t why_size)
{
	FILE	   *file = fopen(name, "re");
	char	   *content = file != NULL ? calloc(1, FILE_MAX + 1) : NULL;
	size_t		length = 0;
	bool		good = content != NULL;

	if (good)
	{
		length = fread(content, 1, FILE_MAX + 1, file);
		good = !ferror(file);
	}
	if (!good)
		refuse(setting, strerror(errno), why, why_size);
	else if (length > FILE_MAX || memchr(content, '\0', length) != NULL)
		good = refuse(setting, "the file is no PEM", why, why_size);
	if (file != NULL)
		fclose(file);
	if (good)
		return content;
	if (content != NULL)
		explicit_bzero(content, FILE_MAX);
	free(content);
	return NULL;
}

/* Note when the certificate ends; false when it is over. */
static bool
read_expiry(struct tls_identity *identity, const gnutls_datum_t *pem, char *why, size_t why_size)
{
	gnutls_x509_crt_t certificate;
	time_t		end;
	struct tm	utc;

	if (gnutls_x509_crt_init(&certificate) < 0)
		return refuse("TLS_CERT", "out of memory", why, why_size);
	if (gnutls_x509_crt_import(certificate, pem, GNUTLS_X509_FMT_PEM) < 0)
	{
		gnutls_x509_crt_deinit(certificate);
		return refuse("TLS_CERT", "the file has no certificate in PEM", why, why_size);
	}
	end = gnutls_x509_crt_get_expiration_time(certificate);
	gnutls_x509_crt_deinit(certificate);
	if (end == (time_t) -1 || gmtime_r(&end, &utc) == NULL ||
		strftime(identity->expiry, sizeof identity->expiry, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0)
		return refuse("TLS_CERT", "the certificate has no end", why, why_size);
	if (end < time(NULL))
		return refuse("TLS_CERT", "the certificate has expired", why, why_size);
	return true;
}

/* Make GnuTLS's credentials of the two files. */
static bool
make_credentials(struct tls_identity *identity, char *why, size_t why_size)
{
	gnutls_datum_t certificate = {(unsigned char *) identity->certificate,
	(unsigned) strlen(identity->certificate)};
	gnutls_datum_t key = {(unsigned char *) identity->key, (unsigned) strlen(identity->key)};
	gnutls_x509_privkey_t parsed;
	int			error;

	if (!read_expiry(identity, &certificate, why, why_size))
		return false;
	if (gnutls_x509_privkey_init(&parsed) < 0)
		return refuse("TLS_KEY", "out of memory", why, why_size);
	error = gnutls_x509_privkey_import2(parsed, &key, GNUTLS_X509_FMT_PEM, NULL, 0);
	gnutls_x509_privkey_deinit(parsed);
	if (error < 0)
		return refuse("TLS_KEY", "the file has no key in PEM, or one with a password", why, why_size);
	if (gnutls_certificate_allocate_credentials(&identity->credentials) < 0)
		return refuse("TLS_CERT", "out of memory", why, why_size);
	error = gnutls_certificate_set_x509_key_mem(identity->credentials, &certificate, &key,
												GNUTLS_X509_FMT_PEM);
	if (error == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
		return refuse("TLS_KEY", "this is not the key of TLS_CERT", why, why_size);
	return error >= 0 || refuse("TLS_CERT", gnutls_strerror(error), why, why_size);
}

struct tls_identity *
tls_load(const char *certificate_file, const char *key_file, char *why, size_t why_size)
{
	struct tls_identity *identity = calloc(1, sizeof *identity);

	if (identity == NULL)
	{
		refuse("TLS_CERT", "out of memory", why, why_size);
		return NULL;
	}
	atomic_init(&identity->holders, 1);
	identity->certificate = read_file(certificate_file, "TLS_CERT", why, why_size);
	if (identity->certificate != NULL)
		identity->key = read_file(key_file, "TLS_KEY", why, why_size);
	if (identity->key != NULL && make_credentials(identity, why, why_size))
		return identity;
	tls_release(identity);
	return NULL;
}

struct tls_identity *
tls_hold(struct tls_identity *identity)
{
	if (identity != NULL)
		atomic_fetch_add(&identity->holders, 1);
	return identity;
}

void
tls_release(struct tls_identity *identity)
{
	if (identity == NULL || atomic_fetch_sub(&identity->holders, 1) > 1)
		return;
	if (identity->credentials != NULL)
		gnutls_certificate_free_credentials(identity->credentials);
	if (identity->key != NULL)
		explicit_bzero(identity->key, strlen(identity->key));
	free(identity->key);
	free(identity->certificate);
	free(identity);
}

const char *
tls_certificate(const struct tls_identity *identity)
{
	return identity->certificate;
}

const char *
tls_key(const struct tls_identity *identity)
{
	return identity->key;
}

const char *
tls_expiry(const struct tls_identity *identity)
{
	return identity->expiry;
}

void
tls_use(struct tls_identity *identity, void *session)
{
	/* it takes the place of the library's own, so there is nothing to be allocated that could fail */
	(void) gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, identity->credentials);
}

void
tls_send_last(void *session, const char *bytes, size_t length)
{
	/* each takes what fits into a record; the end is an error as good as any: nobody can be told */
	while (length > 0)
	{
		ssize_t		sent = gnutls_record_send(session, bytes, length);

		if (sent <= 0)
			return;
		bytes += sent;
		length -= (size_t) sent;
	}
	(void) gnutls_bye(session, GNUTLS_SHUT_WR);
}

/* ---- sessions of our own ---- */

struct tls_channel
{
	gnutls_session_t session;
	struct tls_identity *identity;
	bool		is_unflushed;	/* a record waits within the session for the socket */
};

/* What a session that was taken points to, instead of the library's connection. */
static const char taken;

/*
 * GnuTLS's own functions, which those of the same names below hide. libmicrohttpd
 * says goodbye on a session and frees it together with its connection, and has no way to
 * give it away.
 */
static int	(*say_goodbye) (gnutls_session_t session, gnutls_close_request_t how);
static void (*free_session) (gnutls_session_t session);

__attribute__((constructor))
static void
find_hidden(void)
{
	*(void **) &say_goodbye = dlsym(RTLD_NEXT, "gnutls_bye");
	*(void **) &free_session = dlsym(RTLD_NEXT, "gnutls_deinit");
}

int
gnutls_bye(gnutls_session_t session, gnutls_close_request_t how)
{
	return gnutls_session_get_ptr(session) != &taken ? say_goodbye(session, how) : GNUTLS_E_SUCCESS;
}

void
gnutls_deinit(gnutls_session_t session)
{
	if (gnutls_session_get_ptr(session) != &taken)
		free_session(session);
}

bool
tls_can_take(void)
{
	int			(*bye) (gnutls_session_t session, gnutls_close_request_t how) = gnutls_bye;
	void		(*deinit) (gnutls_session_t session) = gnutls_deinit;

	return say_goodbye != NULL && free_session != NULL &&
		dlsym(RTLD_DEFAULT, "gnutls_bye") == *(void **) &bye &&
		dlsym(RTLD_DEFAULT, "gnutls_deinit") == *(void **) &deinit;
}

struct tls_channel *
tls_take(void *session, struct tls_identity *identity)
{
	struct tls_channel *channel = calloc(1, sizeof *channel);

	if (channel == NULL)
		return NULL;
	channel->session = session;
	channel->identity = tls_hold(identity);
	gnutls_session_set_ptr(channel->session, (void *) &taken);
	return channel;
}

void
tls_move(struct tls_channel *channel, int fd)
{
	gnutls_transport_set_int(channel->session, fd);
}

/* Errors of GnuTLS as errno. */
static ssize_t
fail(ssize_t error)
{
	errno = error == GNUTLS_E_AGAIN || error == GNUTLS_E_INTERRUPTED ? EAGAIN : EPROTO;
	return -1;
}

ssize_t
tls_receive(struct tls_channel *channel, void *buffer, size_t size)
{
	ssize_t		count = gnutls_record_recv(channel->session, buffer, size);

	/* an end without the words for it is an end as good as any: frames say whether all was said */
	return count >= 0 ? count : count == GNUTLS_E_PREMATURE_TERMINATION ? 0 : fail(count);
}

bool
tls_flush(struct tls_channel *channel)
{
	ssize_t		count = channel->is_unflushed ? gnutls_record_send(channel->session, NULL, 0) : 0;

	if (count < 0)
		return fail(count) == 0;
	channel->is_unflushed = false;
	return true;
}

ssize_t
tls_send(struct tls_channel *channel, const void *bytes, size_t length)
{
	ssize_t		count;

	if (!tls_flush(channel))
		return -1;
	if (length > TLS_RECORD_MAX)
		length = TLS_RECORD_MAX;
	count = gnutls_record_send(channel->session, bytes, length);
	if (count >= 0)
		return count;
	/* GnuTLS has made a record of the bytes and keeps it: they are as good as sent */
	if (fail(count) < 0 && errno != EAGAIN)
		return -1;
	channel->is_unflushed = true;
	return (ssize_t) length;
}

void
tls_end(struct tls_channel *channel)
{
	/* where the socket is full or broken the client has to do without */
	(void) say_goodbye(channel->session, GNUTLS_SHUT_WR);
}

void
tls_free(struct tls_channel *channel)
{
	if (channel == NULL)
		return;
	free_session(channel->session);
	tls_release(channel->identity);
	free(channel);
}
